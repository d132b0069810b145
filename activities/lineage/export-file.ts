/**
 * The file that `concordat export` writes and `concordat verify` reads: JSON, one value a line. The first line says what it
 * is; of a run, each further line is one object of the exchange store under the name by which others refer to it.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { AuthorityChain, RecordLineage, TravellingErasure } from '../../core/lineage/bundle.js';
import { Ref, RunInputs } from '../../core/messages.js';
import { RangesProof } from '../../core/operation-ranges.js';

export const exportFormat = 'concordat-export/1';
const LogPlace = z.strictObject({ position: z.int().nonnegative(), proof: z.array(Digest).max(64) });

/** What one member's log says of a run. */
export const RunLog = AuthorityChain.omit({ hops: true, resets: true }).extend({
  /** Its entry that it witnessed the candidate; null where it took no part. */
  agreement: LogPlace.nullable(),
  /** Its entry of the root of its hops, with the signed root; null where nothing that it holds changed. */
  hops: LogPlace.extend({ root: z.string().max(65_536) }).nullable(),
});
export type RunLog = z.infer<typeof RunLog>;

/** What was known of erasures when the export was made. */
const erasures = z.array(TravellingErasure).default([]);

export const ExportHead = z.discriminatedUnion('kind', [
  z.strictObject({
    format: z.literal(exportFormat),
    kind: z.literal('run'),
    federation: z.string(),
    dataset: z.string(),
    sequence: z.int().positive(),
    seal: Ref,
    logs: z.array(RunLog),
    erasures,
  }),
  /** A run that moved no base: everything that it was made from, and no signature under an agreement. */
  z.strictObject({
    format: z.literal(exportFormat),
    kind: z.literal('attempt'),
    federation: z.string(),
    dataset: z.string(),
    inputs: RunInputs,
    plan: Ref,
    reviews: z.array(Ref),
    permit: Ref.nullable(),
    receipts: z.array(Ref),
    erasures,
  }),
  z.strictObject({
    format: z.literal(exportFormat),
    kind: z.literal('record'),
    lineage: RecordLineage,
    /** The signed decisions that hops name, as compact JWS. */
    decisions: z.array(z.string().max(1_048_576)),
    /** Of those that name ranges: that what was written is among the operations there. Absent where none does. */
    named: z.array(z.strictObject({ decision: Digest, operation: Digest, proof: RangesProof })).optional(),
    erasures,
  }),
]);
export type ExportHead = z.infer<typeof ExportHead>;
export type RecordHead = Extract<ExportHead, { kind: 'record' }>;

const ExportObject = z.union([
  z.strictObject({ name: z.string().max(300), text: z.string() }),
  z.strictObject({ name: z.string().max(300), base64: z.string() }),
]);

export interface Exported {
  readonly head: ExportHead;
  readonly objects: ReadonlyMap<string, Uint8Array>;
}

/** Never overwrites: throws usage where the file is there. */
export async function writeExport(
  file: string,
  head: ExportHead,
  objects: readonly (readonly [name: string, bytes: Uint8Array])[],
): Promise<void> {
  let handle;
  try {
    handle = await open(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ConcordatError('usage', `${file} is there already; give another name`, { cause: error });
  }
  try {
    await handle.write(`${JSON.stringify(head)}\n`);
    for (const [name, bytes] of objects) await handle.write(`${JSON.stringify(objectLine(name, bytes))}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function objectLine(name: string, bytes: Uint8Array): z.infer<typeof ExportObject> {
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { name, base64: Buffer.from(bytes).toString('base64') };
  }
}

/** Throws usage for a file that no `concordat export` wrote, with the line that is wrong. */
export async function readExport(file: string): Promise<Exported> {
  const objects = new Map<string, Uint8Array>();
  let head: ExportHead | undefined;
  let line = 0;
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  try {
    for await (const text of lines) {
      line += 1;
      const value = parsed(text);
      if (line === 1) {
        const first = ExportHead.safeParse(value);
        if (!first.success) throw notAnExport(file, line, 'it does not begin as an export of this version does');
        head = first.data;
        continue;
      }
      const object = ExportObject.safeParse(value);
      if (!object.success) throw notAnExport(file, line, 'it is no object of an export');
      const bytes = 'text' in object.data ? Buffer.from(object.data.text) : Buffer.from(object.data.base64, 'base64');
      if (objects.has(object.data.name)) throw notAnExport(file, line, `it repeats ${object.data.name}`);
      objects.set(object.data.name, bytes);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ConcordatError('usage', `there is no file ${file}`, { cause: error });
  }
  if (!head) throw notAnExport(file, 1, 'it is empty');
  return { head, objects };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notAnExport(file: string, line: number, why: string): ConcordatError {
  return new ConcordatError('usage', `${file}:${line}: ${why}`);
}
