/** A decision as an authority keeps it: one JSON text, of which what it names in ranges comes last. */
import { z } from 'zod';
import { Hlc } from '../../core/clock/hlc.js';
import { Digest } from '../../core/digest.js';
import { GatheredIds } from '../../core/digest-list.js';
import type { LongList } from '../../core/long-list.js';

const KeptDecision = z.strictObject({
  jws: z.string(),
  /** When this authority received it: its signer's machine has no clock of the authority. */
  hlc: Hlc,
  /** Every deletion that its signer was shown, with what it was caused by. */
  deletions: z.record(Digest, z.array(z.string())),
  /** Per conflict that it chooses for, the operations that the candidate then had. */
  chosen: z.record(Digest, z.array(Digest)),
  /** Where it names ranges of the plan that it was made on, the operations there, in order. */
  named: z.array(Digest).optional(),
});
export type KeptDecision = Omit<z.infer<typeof KeptDecision>, 'named'> & {
  readonly named?: LongList<Digest> | undefined;
};

const namedMark = ',"named":[';
const [quoted, separated] = ['"'.charCodeAt(0), ','.charCodeAt(0)];
/** A digest in quotation marks, with the comma after it. */
const namedBytes = 67;

/** One JSON text, in which `named` comes last. */
export function writtenDecision(
  decision: Omit<KeptDecision, 'named'>,
  named: LongList<Digest> | undefined,
): Uint8Array {
  const head = JSON.stringify(decision);
  if (!named) return Buffer.from(head);
  const before = Buffer.from(`${head.slice(0, -1)}${namedMark}`);
  const bytes = Buffer.allocUnsafe(before.length + Math.max(0, named.length * namedBytes - 1) + 2);
  let at = before.copy(bytes);
  for (const id of named) {
    if (at > before.length) at += bytes.write(',', at, 'latin1');
    at += bytes.write(`"${id}"`, at, 'latin1');
  }
  bytes.write(']}', at, 'latin1');
  return bytes;
}

/** Without a text or an array of all that it names: only what stands before that is parsed as JSON. */
export function readKept(bytes: Uint8Array): KeptDecision {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const mark = all.lastIndexOf(namedMark);
  const from = mark + namedMark.length;
  const count = (all.length - 2 - from + 1) / namedBytes;
  if (mark < 0 || !Number.isInteger(count) || all.subarray(-3).toString('latin1') !== '"]}')
    return KeptDecision.parse(JSON.parse(all.toString('utf8')));
  const named = new GatheredIds();
  for (let at = from; at < all.length - 2; at += namedBytes) {
    const isApart = all[at + namedBytes - 1] === separated || at + namedBytes > all.length - 2;
    if (all[at] !== quoted || all[at + namedBytes - 2] !== quoted || !isApart)
      return KeptDecision.parse(JSON.parse(all.toString('utf8')));
    named.put(Digest.parse(all.toString('latin1', at + 1, at + namedBytes - 2)));
  }
  const head = KeptDecision.parse(JSON.parse(`${all.toString('utf8', 0, mark)}}`));
  return { ...head, named: named.finish() };
}
