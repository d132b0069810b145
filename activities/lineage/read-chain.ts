/** Reads a record's lineage token out of the exchange store, from any member's part of it. Nothing that it reads is trusted yet. */
import type { z } from 'zod';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { AuthorityChain, Cosigned, TravellingHop } from '../../core/lineage/bundle.js';
import { parseHop, type PreviousHop } from '../../core/lineage/hop.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { Open, openType, Seal } from '../../core/messages.js';
import { parseCheckpoint } from '../../core/log/checkpoint.js';
import { parseNote } from '../../core/log/note.js';
import type { AuthorityId } from '../../core/record.js';
import { getDocument, parsePublished } from '../exchange.js';
import { readUnverified } from '../keys/verify.js';
import { LogReader } from '../log/log-reader.js';
import { publishedCheckpoint, publishedLog } from '../log/own-log.js';
import { publishedCosigned } from '../log/peer-logs.js';
import type { ObjectStore } from '../store.js';
import { hopFolder, hopInclusion, readHopText } from './hop-files.js';
import { lineagePrefix, readPublishedTable, tableId } from './record-table.js';
import { SealedHops, sealedName, statementName } from './run-hops.js';

export interface FoundChain {
  readonly salt: Uint8Array;
  readonly chain: AuthorityChain;
}

/** Null where this authority holds no hop of the record. */
export async function readChain(
  exchange: ObjectStore,
  authority: AuthorityId,
  peers: readonly AuthorityId[],
  name: RecordName,
): Promise<FoundChain | null> {
  const table = await readPublishedTable(exchange, authority, name.dataset);
  const row = await table?.rowOf(tableId(name));
  if (!row?.end) return null;
  return { salt: row.salt, chain: await readChainFrom(exchange, authority, peers, name.dataset, row.end) };
}

/** The chain that ends there: all that is needed once the salt of the record was erased. */
export async function readChainFrom(
  exchange: ObjectStore,
  authority: AuthorityId,
  peers: readonly AuthorityId[],
  dataset: string,
  newest: PreviousHop,
): Promise<AuthorityChain> {
  const log = await readLog(exchange, authority, peers);
  const hops: TravellingHop[] = [];
  for (let end: PreviousHop | null = newest; end;) {
    const hop: TravellingHop = await readHop(exchange, authority, dataset, end, log);
    hops.push(hop);
    const { previous } = parseHop(hop.body) ?? { previous: null };
    // HAZARD: nothing here is verified yet, and a chain that leads back to itself would be followed for ever.
    if (previous && previous.sequence >= end.sequence)
      throw new ConcordatError('inputNotAuthentic', `a hop of ${authority} names a later one as the one before it`);
    end = previous;
  }
  const resets = await readResets(exchange, authority, dataset, newest, hops);
  return { authority, checkpoint: log.checkpoint, cosigned: log.cosigned, hops, resets };
}

/** Every open names the last reset of its clock, so those of the runs that made the hops, and of the newest one, are all that count. */
async function readResets(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  { sequence: newest }: PreviousHop,
  hops: readonly TravellingHop[],
): Promise<string[]> {
  const sealed = await exchange.list(`${lineagePrefix(authority, dataset)}/sealed/`);
  const sequences = [
    newest,
    ...hops.flatMap(({ body }) => parseHop(body)?.previous?.sequence ?? []),
    Number(sealed.at(-1)?.split('/').at(-1) ?? newest),
  ];
  const found = new Set<string>();
  for (const sequence of new Set(sequences)) {
    const taken = await readSealedHops(exchange, authority, dataset, sequence);
    // A seal that is not there is no reason to hide the hops: a stamp that needs its reset is then told as out of order.
    if (!taken || (await exchange.get(taken.seal.ref)) === null) continue;
    const own = (await getDocument(exchange, taken.seal, Seal)).opens.find(({ ref }) =>
      ref.startsWith(`${authority}/`),
    );
    const bytes = own && (await exchange.get(own.ref));
    if (!bytes) continue;
    const { payload } = readUnverified(new TextDecoder().decode(bytes), { typ: openType });
    const open = Open.safeParse(payload);
    const reset = open.success && open.data.clockReset && (await exchange.get(open.data.clockReset.ref));
    if (reset) found.add(new TextDecoder().decode(reset));
  }
  return [...found];
}

export interface ReadLog {
  readonly checkpoint: string;
  readonly cosigned: readonly Cosigned[] & Cosigned[];
  readonly size: number;
  readonly reader: LogReader;
}

/** The published checkpoint of a log, with what peers have cosigned of it. */
export async function readLog(
  exchange: ObjectStore,
  authority: AuthorityId,
  peers: readonly AuthorityId[],
): Promise<ReadLog> {
  const head = await exchange.readHead(publishedCheckpoint(authority));
  const checkpoint = head ? new TextDecoder().decode(head.bytes) : '';
  const size = sizeOf(checkpoint);
  if (size === null) throw new ConcordatError('notFound', `${authority} has published no checkpoint of its log`);
  const reader = new LogReader(exchange, publishedLog(authority), size);
  const cosigned: Cosigned[] = [];
  for (const peer of [...peers].sort(byCodeUnit)) {
    if (peer === authority) continue;
    const cosignedHead = await exchange.readHead(publishedCosigned(peer, authority));
    const note = cosignedHead && new TextDecoder().decode(cosignedHead.bytes);
    const from = note === null ? null : sizeOf(note);
    if (note === null || from === null || from > size) continue;
    cosigned.push({ note, proof: hexOf(from === size ? [] : await reader.consistency(from, size)) });
  }
  return { checkpoint, cosigned, size, reader };
}

async function readHop(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  { sequence, index }: PreviousHop,
  log: ReadLog,
): Promise<TravellingHop> {
  const prefix = lineagePrefix(authority, dataset);
  const sealed = await readSealedHops(exchange, authority, dataset, sequence);
  if (!sealed?.hops) throw new ConcordatError('notFound', `${authority} holds no hops of base ${sequence}`);
  const statement = await exchange.get(statementName(prefix, sealed.candidate));
  if (!statement) throw new ConcordatError('notFound', `the signed root of the hops of base ${sequence} is missing`);
  if (index >= sealed.hops.count || sealed.hops.position >= log.size)
    throw new ConcordatError('inputNotAuthentic', `${authority} names a hop that its log cannot hold`);
  const folder = hopFolder(prefix, sealed.hops.root);
  return {
    body: await readHopText(exchange, folder, index),
    index,
    proof: hexOf(await hopInclusion(exchange, folder, index, sealed.hops.count)),
    root: new TextDecoder().decode(statement),
    log: {
      position: sealed.hops.position,
      proof: hexOf(await log.reader.inclusion(sealed.hops.position, log.size)),
    },
  };
}

/** What an authority took up as base `sequence`; null where it took no part. */
export async function readSealedHops(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  sequence: number,
): Promise<z.infer<typeof SealedHops> | null> {
  const name = sealedName(lineagePrefix(authority, dataset), sequence);
  const bytes = await exchange.get(name);
  return bytes ? parsePublished(name, bytes, SealedHops) : null;
}

function sizeOf(text: string): number | null {
  const note = parseNote(text);
  return (note && parseCheckpoint(note.text)?.size) ?? null;
}

export function hexOf(hashes: readonly Uint8Array[]): Digest[] {
  return hashes.map((hash) => Buffer.from(hash).toString('hex'));
}
