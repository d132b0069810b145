/** How a store that tells its changes was read, in words: by what changed or whole, why, and what a full read proved. */
import type { ReadReport } from '../../core/messages.js';
import type { Paint } from '../output/output.js';
import { counted } from './words.js';

const reasons: Readonly<Record<ReadReport['why'], string>> = {
  changes: 'it tells its changes',
  first: 'there was no read to go on from',
  scheduled: 'it is the turn of a full read',
  expired: 'the changes since the last read are gone; see `concordat doctor`',
  doubtful: 'something happened that it does not tell row by row',
  many: 'so much changed',
  notOffered: 'it is not set up to tell its changes; see `concordat doctor`',
  missed: 'changes were missed before',
};

export function readWords({ type, read, why, objects }: ReadReport): string {
  return read === 'increment'
    ? `increment ${type}: ${counted(objects, 'object')} changed since the last read`
    : `full ${type}: ${counted(objects, 'object')}, because ${reasons[why]}`;
}

/** What a full read proved of the increments before it; undefined where nothing could be held against it. */
export function proofWords({ missed }: ReadReport): string | undefined {
  if (missed === undefined) return undefined;
  return missed === 0
    ? 'the changes since the last full read missed nothing'
    : `missed: the changes since the last full read were wrong about ${counted(missed, 'record')}; it is read whole until a full read finds nothing missed`;
}

export function readLines(reads: readonly ReadReport[], paint: Paint): readonly string[] {
  return reads.flatMap((read) => {
    const proof = proofWords(read);
    return [
      paint.dim(readWords(read)),
      ...(proof === undefined ? [] : [read.missed === 0 ? paint.dim(proof) : paint.yellow(proof)]),
    ];
  });
}
