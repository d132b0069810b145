/**
 * This authority's opaque records: named in a document under its snapshot, and held against what they were at the last
 * agreement by the digests of their native bodies. These digests never leave the private store: a body can be guessed.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import type { OpaqueEntry, OpaqueRecords } from '../../core/opaque.js';
import type { NativeObject } from '../../core/record.js';
import { putDocument } from '../exchange.js';
import type { AuthorityContext } from './context.js';

/** By type and native id, joined by a space. */
const BodyDigests = z.record(z.string(), Digest);
type BodyDigests = z.infer<typeof BodyDigests>;

const agreedName = (dataset: string): string => `opaque/${dataset}/agreed`;
const runName = (dataset: string, run: Digest): string => `opaque/${dataset}/runs/${run}`;

export class OpaqueSeen {
  readonly #agreed: BodyDigests;
  readonly #bodies = new Map<string, Digest>();
  readonly #entries = new Map<string, OpaqueEntry>();
  readonly #reasons = new Map<string, Set<string>>();

  private constructor(agreed: BodyDigests) {
    this.#agreed = agreed;
  }

  static async load(context: AuthorityContext, dataset: string): Promise<OpaqueSeen> {
    return new OpaqueSeen(await readDigests(context, agreedName(dataset)));
  }

  /** Of several objects under one key, one that is opaque makes the record so. */
  add(type: string, key: string, object: NativeObject): void {
    const name = `${type} ${object.id}`;
    const digest = digestOf(object.body);
    this.#bodies.set(name, digest);
    const record = `${type} ${key}`;
    const reasons = (this.#reasons.get(record) ?? new Set<string>()).add(object.opaque ?? '');
    this.#reasons.set(record, reasons);
    this.#entries.set(record, {
      type,
      key,
      reason: [...reasons].sort(byCodeUnit).join('; ').slice(0, 500),
      changed: (this.#entries.get(record)?.changed ?? false) || this.#agreed[name] !== digest,
    });
  }

  /** All that was seen of a type, which will be seen anew. */
  forget(type: string): void {
    for (const seen of [this.#bodies, this.#entries, this.#reasons] as readonly Map<string, unknown>[])
      for (const name of seen.keys()) if (name.startsWith(`${type} `)) seen.delete(name);
  }

  /** The digest of the document for the snapshot; null where nothing is opaque. */
  async put(context: AuthorityContext, dataset: string, run: Digest): Promise<Digest | null> {
    await write(context, runName(dataset, run), Object.fromEntries(this.#bodies));
    if (this.#entries.size === 0) return null;
    const records: OpaqueRecords = {
      records: [...this.#entries].sort(([left], [right]) => byCodeUnit(left, right)).map(([, entry]) => entry),
    };
    return (await putDocument(context.exchange, context.id, records)).sha256;
  }
}

/** What was opaque in the run of a sealed base is what later runs are held against. */
export async function agreeOnOpaque(context: AuthorityContext, dataset: string, run: Digest): Promise<void> {
  const name = runName(dataset, run);
  if ((await context.privateStore.get(name)) === null) return;
  await write(context, agreedName(dataset), await readDigests(context, name));
  for (const old of await context.privateStore.list(`opaque/${dataset}/runs/`)) await context.privateStore.remove(old);
}

async function readDigests(context: AuthorityContext, name: string): Promise<BodyDigests> {
  const bytes = await context.privateStore.get(name);
  return bytes ? BodyDigests.parse(JSON.parse(new TextDecoder().decode(bytes))) : {};
}

async function write(context: AuthorityContext, name: string, digests: BodyDigests): Promise<void> {
  await context.privateStore.remove(name);
  await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(digests)));
}
