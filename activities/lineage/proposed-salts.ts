/** The salts that a snapshot proposed and signed, read in pieces: of five million records they are 240 MB. */
import { createHash } from 'node:crypto';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { saltBytes } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { SpilledBytes } from '../spilled-bytes.js';
import type { ObjectStore } from '../store.js';
import { IdIndex } from './id-index.js';
import { tableIdBytes } from './table-rows.js';

/** Rows stand in the order of their ids. */
export const proposalBytes = tableIdBytes + saltBytes;
const pieceBytesUsually = proposalBytes * 65_536;
/** Of more than some million rows the ids and salts wait in a file. */
const memoryBytesUsually = 64 * 1024 * 1024;

export function proposalsName(authority: AuthorityId, digest: Digest): string {
  return `${authority}/salts/${digest}`;
}

/**
 * Whole rows, one piece after another; throws inputNotAuthentic where they are not there, or are not what was signed.
 *
 * HAZARD: what they are is known once the last one was asked for, and not before.
 */
export async function* proposalPieces(
  exchange: ObjectStore,
  authority: AuthorityId,
  digest: Digest,
  pieceBytes = pieceBytesUsually,
): AsyncGenerator<Buffer> {
  const name = proposalsName(authority, digest);
  const hash = createHash('sha256');
  let length: number | null = null;
  for await (const piece of piecesOf(exchange, name, pieceBytes)) {
    hash.update(piece);
    length = (length ?? 0) + piece.length;
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  }
  if (length === null)
    throw new ConcordatError('inputNotAuthentic', `the salts of ${authority} are not in the exchange store`);
  if (hash.digest('hex') !== digest || length % proposalBytes !== 0)
    throw new ConcordatError('inputNotAuthentic', `the salts of ${authority} are not those that its snapshot signed`);
}

async function* piecesOf(exchange: ObjectStore, name: string, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const size = exchange.size ? await exchange.size(name) : null;
  if (size === null || size <= pieceBytes) {
    const bytes = await exchange.get(name);
    if (bytes) yield bytes;
    return;
  }
  for (let at = 0; at < size; at += pieceBytes)
    yield await exchange.getRange(name, at, Math.min(pieceBytes, size - at));
}

/** Throws as proposalPieces. */
export async function requireSignedProposals(
  exchange: ObjectStore,
  authority: AuthorityId,
  digest: Digest,
): Promise<void> {
  const pieces = proposalPieces(exchange, authority, digest);
  while ((await pieces.next()).done !== true);
}

/** Of one snapshot, found by the ids of records. */
export interface ProposedSalts {
  /** Of the record with that tableId. */
  readonly of: (id: Buffer) => Uint8Array | undefined;
}

/** Throws as proposalPieces. Only tests give other numbers. */
export async function readProposedSalts(
  exchange: ObjectStore,
  authority: AuthorityId,
  digest: Digest,
  { memoryBytesMax = memoryBytesUsually, pieceBytes = pieceBytesUsually } = {},
): Promise<ProposedSalts> {
  const pieces: Buffer[] = [];
  const firsts: Uint32Array[] = [];
  let spilled: SpilledBytes | null = null;
  let length = 0;
  const spill = (piece: Buffer): void => {
    spilled ??= new SpilledBytes();
    spilled.write(piece, length);
    firsts.push(firstsOf(piece));
    length += piece.length;
  };
  let waiting = 0;
  for await (const piece of proposalPieces(exchange, authority, digest, pieceBytes)) {
    if (!spilled) {
      pieces.push(piece);
      waiting += piece.length;
      if (waiting <= memoryBytesMax) continue;
      for (const one of pieces.splice(0)) spill(one);
    } else spill(piece);
  }
  return spilled ? inFile(spilled, firsts) : inMemory(pieces);
}

function inMemory(pieces: readonly Buffer[]): ProposedSalts {
  const [only] = pieces;
  const rows = pieces.length === 1 && only ? only : Buffer.concat(pieces);
  const index = new IdIndex(rows, proposalBytes);
  return {
    of: (id) => {
      const row = index.find(id);
      return row < 0 ? undefined : rows.subarray(row * proposalBytes + tableIdBytes, (row + 1) * proposalBytes);
    },
  };
}

/** What the ids begin with stays in memory: four bytes of each. */
function inFile(file: SpilledBytes, pieces: readonly Uint32Array[]): ProposedSalts {
  const count = pieces.reduce((sum, { length }) => sum + length, 0);
  const firsts = new Uint32Array(count);
  let at = 0;
  for (const piece of pieces) {
    firsts.set(piece, at);
    at += piece.length;
  }
  return {
    of: (id) => {
      const first = id.readUInt32BE(0);
      for (let row = firstNotBelow(firsts, first); firsts[row] === first; row += 1) {
        const bytes = file.read(row * proposalBytes, proposalBytes);
        if (bytes.compare(id, 0, tableIdBytes, 0, tableIdBytes) === 0)
          return Uint8Array.from(bytes.subarray(tableIdBytes, proposalBytes));
      }
      return undefined;
    },
  };
}

function firstsOf(rows: Buffer): Uint32Array {
  return Uint32Array.from({ length: rows.length / proposalBytes }, (_, row) => rows.readUInt32BE(row * proposalBytes));
}

function firstNotBelow(firsts: Uint32Array, first: number): number {
  let [low, high] = [0, firsts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((firsts[middle] ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  return low;
}
