/**
 * What one group of a compare found, put where whoever plans reads it: parts of some megabytes, each under its digest, and a
 * list of them. The same group puts the same bytes, so an attempt that follows one that died leaves nothing twice.
 *
 * HAZARD: nothing in it is signed. The coordinator reads it to be faster; an authority compares for itself.
 */
import { z } from 'zod';
import { rangesOfGroup } from '../../core/compare-groups.js';
import { Digest, digestOf } from '../../core/digest.js';
import type { Ref, RunInputs } from '../../core/messages.js';
import { putDocument } from '../exchange.js';
import { letOthersRun } from '../event-loop.js';
import { federationPrefix } from '../federation-prefix.js';
import { sha256Hex } from '../sealing/sha256.js';
import { rangeCountOf, type Differing } from '../sealing/walk-differing.js';
import type { CompareProgress, TypeWalk, Watched } from '../differing-records.js';
import type { ObjectStore } from '../store.js';
import { walkWide } from './walk-in-threads.js';

/** Group `group` of `groups`, counted from 0. */
export interface GroupOfCompare {
  readonly group: number;
  readonly groups: number;
}

export type GroupProgress = GroupOfCompare & CompareProgress;

export const ComparedGroup = z.strictObject({
  format: z.literal('concordat-compared/1'),
  /** Digest of the inputs of the run that was compared. */
  inputs: Digest,
  group: z.int().nonnegative(),
  groups: z.int().positive(),
  types: z.array(
    z.strictObject({
      type: z.string(),
      /** How many records all members show alike and the base lacks. */
      unanimous: z.int().nonnegative(),
      parts: z.array(z.strictObject({ sha256: Digest, bytes: z.int().positive(), records: z.int().positive() })),
    }),
  ),
});
export type ComparedGroup = z.infer<typeof ComparedGroup>;
type Part = ComparedGroup['types'][number]['parts'][number];

export function partName(sha256: Digest): string {
  return `${federationPrefix}/compared/${sha256}`;
}

/** One line of a part: a key, and each participant's fields where it has the record. */
export type ComparedLine = readonly [key: string, present: Differing['present']];

/** Until a part has about so many bytes, its lines wait in memory. */
const partBytesUsually = 4 * 1024 * 1024;
const recordsPerProgress = 1_000;

export interface GroupSettings extends Omit<Watched, 'onProgress'> {
  readonly exchange: ObjectStore;
  readonly prefixes: readonly string[];
  readonly inputs: RunInputs;
  readonly part: GroupOfCompare;
  readonly onProgress?: (progress: GroupProgress) => void;
  readonly partBytes?: number;
}

/** Walks the buckets of one group over all types and puts what differs. Says how many records that are. */
export async function compareGroup(
  walks: readonly TypeWalk[],
  { exchange, prefixes, inputs, part, signal, onProgress, partBytes = partBytesUsually }: GroupSettings,
): Promise<{ readonly compared: Ref; readonly differing: number }> {
  const types: ComparedGroup['types'] = [];
  let all = 0;
  for (const { type, walk, isAgreed } of walks) {
    const name = type.taxonomy.type;
    const parts = new PartWriter(exchange, partBytes);
    let unanimous = 0;
    const tell = (): void => onProgress?.({ ...part, type: name, differing: parts.records, unanimous });
    for await (const differing of walkWide({
      ...walk,
      store: exchange,
      prefixes,
      // Groups are what is done side by side; a thread keeps the one that answers Temporal free.
      threads: 1,
      ranges: rangesOfGroup(rangeCountOf(walk.participants), part.group, part.groups),
      onUnanimous: (more) => void (unanimous += more),
      ...(signal ? { signal } : {}),
    })) {
      await letOthersRun();
      if (isAgreed(differing)) continue;
      await parts.add(differing);
      if (parts.records % recordsPerProgress === 0) tell();
    }
    tell();
    all += parts.records;
    types.push({ type: name, unanimous, parts: await parts.end() });
  }
  const found: ComparedGroup = { format: 'concordat-compared/1', inputs: digestOf(inputs), ...part, types };
  return { compared: await putDocument(exchange, federationPrefix, found), differing: all };
}

class PartWriter {
  records = 0;
  readonly #store: ObjectStore;
  readonly #partBytes: number;
  readonly #parts: Part[] = [];
  #lines: string[] = [];
  #length = 0;

  constructor(store: ObjectStore, partBytes: number) {
    this.#store = store;
    this.#partBytes = partBytes;
  }

  async add({ key, present }: Differing): Promise<void> {
    const line: ComparedLine = [key, present];
    const text = JSON.stringify(line);
    this.records += 1;
    this.#lines.push(text);
    this.#length += text.length + 1;
    if (this.#length >= this.#partBytes) await this.#put();
  }

  async end(): Promise<Part[]> {
    if (this.#lines.length > 0) await this.#put();
    return this.#parts;
  }

  async #put(): Promise<void> {
    const bytes = Buffer.from(`${this.#lines.join('\n')}\n`, 'utf8');
    const sha256 = sha256Hex(bytes);
    await this.#store.putIfAbsent(partName(sha256), bytes);
    this.#parts.push({ sha256, bytes: bytes.length, records: this.#lines.length });
    this.#lines = [];
    this.#length = 0;
  }
}
