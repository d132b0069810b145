/**
 * An authority's own append-only log: hop roots and agreements, in C2SP tiles.
 *
 * The head in the private store is the log: moving it by compare-and-set is what appends, and it names the batch of
 * entries that it took in, durable before. Tiles and the checkpoint follow from the head and from nothing else, so a
 * worker that finds a head whose tiles are not all there (a crash, another worker that is slower) writes them itself, to
 * the same bytes. A checkpoint is signed only for a head that stands, so no two of one size are ever signed.
 */
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import { Digest } from '../../core/digest.js';
import { checkpointText, logOrigin, parseCheckpoint, type Checkpoint } from '../../core/log/checkpoint.js';
import { appendLeaves, frontierOf, rootOf, type Frontier } from '../../core/log/frontier.js';
import { isSignedBy, noteKeyId, noteText, parseNote } from '../../core/log/note.js';
import {
  bundleOf,
  entriesName,
  entriesOf,
  rowHash,
  tileName,
  tilesBetween,
  tileWidth,
  type Tile,
} from '../../core/log/tiles.js';
import { hashBytes, leafHash } from '../../core/log/tree.js';
import { isStolen, type KeyState } from '../../core/key-state.js';
import type { AuthorityId } from '../../core/record.js';
import { publicKeyOf, type PrivateKey } from '../keys/private-key.js';
import type { ObjectStore } from '../store.js';
import { signRaw, verifyRaw } from './ed25519.js';
import { logNoteKey } from './log-keys.js';
import { LogReader } from './log-reader.js';
import { publishedCheckpoint, publishedLog } from './published.js';
import { sha256 } from './sha256.js';

const LogHead = z.strictObject({
  size: z.int().nonnegative(),
  frontier: z.array(Digest),
  /** The batch that made this head of a log of `from` entries. */
  from: z.int().nonnegative(),
  batch: Digest,
});
type LogHead = z.infer<typeof LogHead>;

const Appended = z.strictObject({ position: z.int().nonnegative(), count: z.int().positive() });
export type Appended = z.infer<typeof Appended>;

export interface LogOwner {
  readonly id: AuthorityId;
  readonly federation: string;
  /** Ed25519: a note knows no other signature. */
  readonly logKey: PrivateKey;
  /** All that its manifest names for its log, those of earlier days too. */
  readonly ownKeys: readonly KeyState[];
  readonly privateStore: ObjectStore;
  readonly exchange: ObjectStore;
}

export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The note, signed by the log's key. */
  readonly note: string;
}

export { publishedCheckpoint, publishedLog } from './published.js';

const headName = 'log/head';
const attemptsMax = 50;

/**
 * Appends entries as one batch, in their order, and publishes them. The same batch again gives the same position, also
 * after a crash and from another worker. Throws logRewound where the exchange store holds more of this log than the
 * private one: then this authority works from a restored backup.
 */
export async function appendToLog(owner: LogOwner, entries: readonly Uint8Array[]): Promise<Appended> {
  if (entries.length === 0) throw new RangeError('nothing to append');
  const bundle = bundleOf(entries);
  const batch = hex(sha256(bundle));
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { head, version } = await readHead(owner);
    if (head) await finish(owner, head);
    const appended = await readAppended(owner, batch);
    if (appended) return appended;
    await owner.privateStore.putIfAbsent(`log/batches/${batch}`, bundle);
    const before = frontierAt(head);
    const leaves = [...leavesOf(entries)];
    const after = appendLeaves(before, leaves, sha256);
    const next: LogHead = { size: after.size, frontier: after.hashes.map(hex), from: before.size, batch };
    if (!(await owner.privateStore.compareAndSetHead(headName, version, encode(next)))) continue;
    await finish(owner, next, { entries, leaves });
    return { position: before.size, count: entries.length };
  }
  throw new ConcordatError('storeFault', 'the log is being written by too many workers at once');
}

/** The log as it stands, published to its end. */
export async function ownCheckpoint(owner: LogOwner): Promise<SignedCheckpoint> {
  const { head } = await readHead(owner);
  if (head) {
    await finish(owner, head);
    // After a rotation the same checkpoint is published again, under the key that signs now.
    await publishCheckpoint(owner, head);
  }
  return signedCheckpoint(owner, frontierAt(head));
}

/** Reads this authority's own tiles, from its private store. */
export async function readOwnLog(owner: Pick<LogOwner, 'privateStore'>): Promise<{ size: number; reader: LogReader }> {
  const { head } = await readHead(owner);
  const size = head?.size ?? 0;
  return { size, reader: new LogReader(owner.privateStore, 'log', size) };
}

function signedCheckpoint(owner: LogOwner, frontier: Frontier): SignedCheckpoint {
  const key = logNoteKey(owner.federation, owner.id, publicKeyOf(owner.logKey));
  const checkpoint = {
    origin: logOrigin(owner.federation, owner.id),
    size: frontier.size,
    root: rootOf(frontier, sha256),
  };
  const text = checkpointText(checkpoint);
  const signature = signRaw(owner.logKey, new TextEncoder().encode(text));
  return { checkpoint, note: noteText({ text, signatures: [{ name: key.name, keyId: noteKeyId(key), signature }] }) };
}

/** Writes what follows from a head. The record of the batch comes last: where it stands, all the rest does. */
async function finish(owner: LogOwner, head: LogHead, known?: Batch): Promise<void> {
  if (await readAppended(owner, head.batch)) return;
  const batch = known ?? (await keptBatch(owner, head));
  // Another worker has just finished it and taken the batch away.
  if (!batch) return;
  await publishTiles(owner, head, batch);
  await publishCheckpoint(owner, head);
  await owner.privateStore.putIfAbsent(
    `log/appended/${head.batch}`,
    encode({ position: head.from, count: batch.entries.length } satisfies Appended),
  );
  await owner.privateStore.remove(`log/batches/${head.batch}`);
}

interface Batch {
  readonly entries: readonly Uint8Array[];
  readonly leaves: readonly Uint8Array[];
}

async function keptBatch(owner: LogOwner, head: LogHead): Promise<Batch | null> {
  const bundle = await owner.privateStore.get(`log/batches/${head.batch}`);
  const entries = bundle && entriesOf(bundle);
  if (!entries || entries.length !== head.size - head.from) {
    if (await readAppended(owner, head.batch)) return null;
    throw new ConcordatError('storeFault', 'the private store has lost entries of the log');
  }
  return { entries, leaves: [...leavesOf(entries)] };
}

async function publishTiles(owner: LogOwner, head: LogHead, { entries, leaves }: Batch): Promise<void> {
  /** Hashes that the next level up gains, by their position in that level. */
  let gained: readonly Uint8Array[] = leaves;
  let firstGained = head.from;
  const byLevel = new Map<number, Tile[]>();
  for (const tile of tilesBetween(head.from, head.size))
    byLevel.set(tile.level, [...(byLevel.get(tile.level) ?? []), tile]);
  for (const [level, tiles] of [...byLevel].sort(([left], [right]) => left - right)) {
    const above: Uint8Array[] = [];
    for (const tile of tiles) {
      const start = tile.index * tileWidth;
      const kept = Math.max(0, firstGained - start);
      const own = gained.slice(start + kept - firstGained, start + tile.width - firstGained);
      const before = kept === 0 ? [] : await keptHashes(owner, { level, index: tile.index, width: kept });
      const hashes = [...before, ...own];
      await putBoth(owner, tileName(tile), Buffer.concat(hashes));
      if (level === 0)
        await publishEntries(
          owner,
          tile,
          kept,
          entries.slice(start + kept - head.from, start + tile.width - head.from),
        );
      if (tile.width === tileWidth) {
        above.push(rowHash(hashes, sha256));
        if (kept > 0) await dropPartial(owner, tile);
      }
    }
    firstGained = Math.floor(firstGained / tileWidth);
    gained = above;
  }
}

async function publishEntries(owner: LogOwner, tile: Tile, kept: number, own: readonly Uint8Array[]): Promise<void> {
  let before: readonly Uint8Array[] = [];
  if (kept > 0) {
    const bundle =
      (await owner.privateStore.get(`log/${entriesName({ index: tile.index, width: kept })}`)) ??
      (await owner.privateStore.get(`log/${entriesName({ index: tile.index, width: tileWidth })}`));
    before = (bundle && entriesOf(bundle)?.slice(0, kept)) ?? [];
    if (before.length !== kept) throw new ConcordatError('storeFault', 'the private store has lost entries of the log');
  }
  await putBoth(owner, entriesName(tile), bundleOf([...before, ...own]));
}

/** Out of the partial tile of that width, or of the complete one that an attempt before a crash has put in its place. */
async function keptHashes(owner: LogOwner, tile: Tile): Promise<readonly Uint8Array[]> {
  const bytes =
    (await owner.privateStore.get(`log/${tileName(tile)}`)) ??
    (await owner.privateStore.get(`log/${tileName({ ...tile, width: tileWidth })}`));
  if (!bytes || bytes.length < tile.width * hashBytes)
    throw new ConcordatError('storeFault', 'the private store has lost a tile of the log');
  return Array.from({ length: tile.width }, (_, at) => bytes.subarray(at * hashBytes, (at + 1) * hashBytes));
}

/**
 * HAZARD: tiles are the same bytes whoever writes them. Other bytes under the name mean that this log has already gone
 * another way, which is what a restored backup does.
 */
async function putBoth(owner: LogOwner, name: string, bytes: Uint8Array): Promise<void> {
  await owner.privateStore.putIfAbsent(`log/${name}`, bytes);
  const published = `${publishedLog(owner.id)}/${name}`;
  if (await owner.exchange.putIfAbsent(published, bytes)) return;
  const there = await owner.exchange.get(published);
  if (there && !Buffer.from(there).equals(bytes))
    throw new ConcordatError(
      'logRewound',
      `${published} holds another part of the log of ${owner.id} than its private store: the private store is a restored backup`,
    );
}

/** A tile that is complete needs its partial forms no more (C2SP tlog-tiles). */
async function dropPartial(owner: LogOwner, { level, index }: Tile): Promise<void> {
  for (const name of [
    tileName({ level, index, width: 1 }),
    ...(level === 0 ? [entriesName({ index, width: 1 })] : []),
  ]) {
    const folder = name.slice(0, -1);
    for (const place of [
      { store: owner.privateStore, prefix: 'log' },
      { store: owner.exchange, prefix: publishedLog(owner.id) },
    ])
      for (const partial of await place.store.list(`${place.prefix}/${folder}`)) await place.store.remove(partial);
  }
}

async function publishCheckpoint(owner: LogOwner, head: LogHead): Promise<void> {
  const own = signedCheckpoint(owner, frontierAt(head));
  const name = publishedCheckpoint(owner.id);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const published = await owner.exchange.readHead(name);
    const text = published && new TextDecoder().decode(published.bytes);
    const before = text === null ? null : checkpointSignedBy(owner, text);
    if (text === own.note) return;
    if (before && before.size > own.checkpoint.size) {
      // A faster worker may have gone on; only what is beyond the log's own head is a backup that was restored.
      const { head: current } = await readHead(owner);
      if (current && current.size >= before.size) return;
      throw new ConcordatError(
        'logRewound',
        `the exchange store holds a checkpoint of the log of ${owner.id} with ${before.size} entries, its private store only ${current?.size ?? 0}: the private store is a restored backup`,
      );
    }
    if (await owner.exchange.compareAndSetHead(name, published?.version ?? 0, new TextEncoder().encode(own.note)))
      return;
  }
  throw new ConcordatError('storeFault', 'the checkpoint of the log is being written by somebody else');
}

/** Null for one under a key that was stolen, too: whoever has it could publish any, and keep this authority from going on. */
function checkpointSignedBy(owner: LogOwner, text: string): Checkpoint | null {
  const note = parseNote(text);
  const keys = [publicKeyOf(owner.logKey), ...owner.ownKeys.filter((state) => !isStolen(state)).map(({ key }) => key)];
  const isOwn = keys.some((key) => note && isSignedBy(note, logNoteKey(owner.federation, owner.id, key), verifyRaw));
  return note && isOwn ? parseCheckpoint(note.text) : null;
}

async function readHead(
  owner: Pick<LogOwner, 'privateStore'>,
): Promise<{ readonly head: LogHead | null; readonly version: number }> {
  const head = await owner.privateStore.readHead(headName);
  if (!head) return { head: null, version: 0 };
  return { head: LogHead.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

async function readAppended(owner: LogOwner, batch: Digest): Promise<Appended | null> {
  const bytes = await owner.privateStore.get(`log/appended/${batch}`);
  return bytes ? Appended.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}

function frontierAt(head: LogHead | null): Frontier {
  return frontierOf(
    head?.size ?? 0,
    (head?.frontier ?? []).map((hash) => Buffer.from(hash, 'hex')),
  );
}

function* leavesOf(entries: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const entry of entries) yield leafHash(entry, sha256);
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
