/**
 * The hops of one run by one authority: made when it witnesses a candidate, taken into its table once the candidate is
 * sealed. A candidate that never was leaves a root in the log and nothing in any chain.
 */
import { z } from 'zod';
import { canonicalJson, Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetShape } from '../../core/federation/federation.js';
import { HopRoot, hopRootType, type LogEntry } from '../../core/lineage/hop.js';
import type { LongList } from '../../core/long-list.js';
import { Ref } from '../../core/messages.js';
import type { BaseChange, EffectiveOperations } from '../../core/next-base.js';
import type { Operation } from '../../core/operation.js';
import type { RecordView } from '../../core/compare.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { parsePublished } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import type { SigningKey } from '../keys/signer.js';
import type { UnanimousByType } from '../unanimous.js';
import { readUnverified, verifyCompact, type VerifyingKey } from '../keys/verify.js';
import { appendToLog, type LogOwner } from '../log/own-log.js';
import { draftHops } from './draft-hops.js';
import { hopFolder, putHops } from './hop-files.js';
import { emptyManifest, lineagePrefix, RecordTable, tableId, TableManifest } from './record-table.js';
import { readRows, removeRows, RowPieces } from './row-pieces.js';
import { SortedHops } from './sorted-hops.js';

const heartbeatEvery = 10_000;

export interface HopOwner extends LogOwner {
  /** Signs the roots of hops, as it signs messages. */
  readonly signingKey: SigningKey;
  /** By which such signatures verify. */
  readonly messageKeys: readonly VerifyingKey[];
}

export interface Witnessed {
  readonly run: Digest;
  readonly plan: Digest;
  readonly candidate: Digest;
  /** Of the base that the candidate makes. */
  readonly sequence: number;
  readonly shape: DatasetShape;
  readonly views: Readonly<Record<string, LongList<RecordView>>>;
  readonly changes: LongList<BaseChange>;
  /** Records that the base took over as all members show them. */
  readonly unanimous: UnanimousByType;
  /** Of all members; those with an effect. */
  readonly effective: readonly Operation[] | EffectiveOperations;
  /** Operation → ids of the signed decisions that approved it for this authority. */
  readonly decisionsBy: Pick<ReadonlyMap<Digest, readonly Digest[]>, 'get'>;
  /** Of each member, the digest of the salts that its snapshot signed. */
  readonly salts: Readonly<Record<AuthorityId, Digest | null>>;
  /** HMAC of the native id behind a record, or null where this mesh holds none. */
  readonly nativeOf: (type: string, key: string) => Digest | null;
  readonly hlc: string;
  readonly heartbeat?: () => void;
}

const Made = z.strictObject({
  sequence: z.int().positive(),
  /** Null where nothing that this authority holds changed. */
  hops: z
    .strictObject({ count: z.int().positive(), root: Digest, message: Digest, position: z.int().nonnegative() })
    .nullable(),
});
export type Made = z.infer<typeof Made>;

/** What a sealed sequence points to: under the authority's prefix, so that a chain and its run can be followed back. */
export const SealedHops = z.strictObject({
  candidate: Digest,
  /** The Seal document: from it everything of the run is found. */
  seal: Ref,
  hops: z.strictObject({ root: Digest, count: z.int().positive(), position: z.int().nonnegative() }).nullable(),
});
export type SealedHops = z.infer<typeof SealedHops>;

export function statementName(prefix: string, candidate: Digest): string {
  return `${prefix}/roots/${candidate}`;
}
export function sealedName(prefix: string, sequence: number): string {
  return `${prefix}/sealed/${String(sequence).padStart(10, '0')}`;
}

/** Idempotent for a candidate, over crashes too: the same hops, the same signed root, the same position in the log. */
export async function makeRunHops(owner: HopOwner, witnessed: Witnessed): Promise<Made> {
  const { dataset } = witnessed.shape.dataset;
  const known = await readMade(owner, dataset, witnessed.candidate);
  if (known) return known;
  const prefix = lineagePrefix(owner.id, dataset);
  const hops = new SortedHops(countOf(witnessed));
  try {
    await draftHops(owner, witnessed, await ownTable(owner, dataset), hops);
    return await keepHops(owner, witnessed, prefix, hops);
  } finally {
    hops.discard();
  }
}

function countOf({ changes, unanimous }: Witnessed): number {
  return Object.values(unanimous).reduce((sum, { count }) => sum + count, changes.length);
}

/** What makeHops would make of the same changes, written piece by piece. */
async function keepHops(owner: HopOwner, witnessed: Witnessed, prefix: string, hops: SortedHops): Promise<Made> {
  const { dataset } = witnessed.shape.dataset;
  const { count } = hops;
  const rows = new RowPieces(owner.privateStore, rowsPrefix(dataset, witnessed.candidate), count);
  const { leaves, root } = await hops.leaves(({ tableId: id, salt }, leaf, index) => {
    const hop = Buffer.from(leaf).toString('hex');
    if (index % heartbeatEvery === 0) witnessed.heartbeat?.();
    return rows.add({ id, salt, end: { sequence: witnessed.sequence, index, hop } });
  });
  let made: Made = { sequence: witnessed.sequence, hops: null };
  if (count > 0) {
    await putHops(owner.exchange, hopFolder(prefix, root), textsOf(hops), leaves, witnessed.heartbeat);
    const { statement, message } = await signedRoot(owner, prefix, {
      authority: owner.id,
      dataset,
      run: witnessed.run,
      sequence: witnessed.sequence,
      candidate: witnessed.candidate,
      plan: witnessed.plan,
      hlc: witnessed.hlc,
      hops: { count, root },
    });
    const position = await appendEntry(owner, {
      kind: 'hops',
      dataset,
      sequence: witnessed.sequence,
      candidate: witnessed.candidate,
      hops: statement.hops,
      message,
    });
    made = { sequence: witnessed.sequence, hops: { ...statement.hops, message, position } };
  }
  await owner.privateStore.putIfAbsent(`${madeName(dataset, witnessed.candidate)}/made`, encode(made));
  return made;
}

function* textsOf(hops: SortedHops): Generator<Uint8Array> {
  for (const { text } of hops.inOrder()) yield text;
}

/**
 * Takes the hops of a sealed candidate into the table. To be called whenever an authority learns that its base has moved,
 * and again after a crash: what is taken in already changes nothing.
 */
export async function adoptHops(owner: LogOwner, dataset: string, candidate: Digest, seal: Ref): Promise<void> {
  const made = await readMade(owner, dataset, candidate);
  if (!made) return;
  const prefix = lineagePrefix(owner.id, dataset);
  const name = `lineage/${dataset}/table`;
  for (;;) {
    const { manifest, version } = await readTableHead(owner, dataset);
    if (manifest.sequence >= made.sequence) {
      // A worker that died in between may have kept the table and not shown it.
      await publishTable(owner, prefix, manifest);
      await removeRows(owner.privateStore, rowsPrefix(dataset, candidate));
      return;
    }
    const table = new RecordTable(owner.exchange, prefix, manifest);
    const next = await adopted(owner, dataset, candidate, made, table);
    if (!next) continue;
    const hops = made.hops && { root: made.hops.root, count: made.hops.count, position: made.hops.position };
    await owner.exchange.putIfAbsent(
      sealedName(prefix, made.sequence),
      encode({ candidate, seal, hops } satisfies SealedHops),
    );
    const there = await table.bucketsThere();
    if (!(await owner.privateStore.compareAndSetHead(name, version, encode(next)))) continue;
    await publishTable(owner, prefix, next);
    await table.removeAllBut(next, there);
    await removeRows(owner.privateStore, rowsPrefix(dataset, candidate));
    return;
  }
}

/** Null where another worker has taken them in since the head was read, and with that removed them. */
async function adopted(
  owner: LogOwner,
  dataset: string,
  candidate: Digest,
  made: Made,
  table: RecordTable,
): Promise<TableManifest | null> {
  const count = made.hops?.count ?? 0;
  const read = (): AsyncIterable<Buffer> => readRows(owner.privateStore, rowsPrefix(dataset, candidate), count);
  try {
    return await table.withPieces({ count, read }, made.sequence);
  } catch (error) {
    const { manifest } = await readTableHead(owner, dataset);
    if (manifest.sequence >= made.sequence) return null;
    throw error;
  }
}

/**
 * Takes a record's row, and with it its salt, out of the table, and removes every bucket and every kept row that may still
 * hold it. To be called where no candidate is pending; what is gone already changes nothing.
 */
export async function eraseRow(owner: LogOwner, name: RecordName): Promise<void> {
  const { dataset } = name;
  const prefix = lineagePrefix(owner.id, dataset);
  for (;;) {
    const { manifest, version } = await readTableHead(owner, dataset);
    const table = new RecordTable(owner.exchange, prefix, manifest);
    const next = await table.without(tableId(name));
    const there = await table.bucketsThere();
    if (next !== manifest) {
      const isMoved = await owner.privateStore.compareAndSetHead(`lineage/${dataset}/table`, version, encode(next));
      if (!isMoved) continue;
    }
    await publishTable(owner, prefix, next);
    await table.removeAllBut(next, there);
    break;
  }
  await removeRows(owner.privateStore, `lineage/${dataset}/made/`);
}

/** The authority's own table as its private store knows it. */
export async function ownTable(owner: LogOwner, dataset: string): Promise<RecordTable> {
  const { manifest } = await readTableHead(owner, dataset);
  return new RecordTable(owner.exchange, lineagePrefix(owner.id, dataset), manifest);
}

/** Appends that an authority witnessed a candidate; gives the position that its witness names. */
export async function appendAgreement(
  owner: LogOwner,
  agreement: Omit<Extract<LogEntry, { kind: 'agreement' }>, 'kind'>,
): Promise<number> {
  return appendEntry(owner, { kind: 'agreement', ...agreement });
}

async function appendEntry(owner: LogOwner, entry: LogEntry): Promise<number> {
  return (await appendToLog(owner, [new TextEncoder().encode(canonicalJson(entry))])).position;
}

/** HAZARD: the clock moves between two attempts, so the root that was signed first is the one that stands. */
async function signedRoot(
  owner: HopOwner,
  prefix: string,
  root: HopRoot,
): Promise<{ readonly statement: HopRoot; readonly message: Digest }> {
  const name = statementName(prefix, root.candidate);
  const own = await signCompact(root, { typ: hopRootType, key: owner.signingKey });
  const isFirst = await owner.exchange.putIfAbsent(name, new TextEncoder().encode(own));
  if (isFirst) return { statement: root, message: readUnverified(own, { typ: hopRootType }).id };
  const kept = new TextDecoder().decode((await owner.exchange.get(name)) ?? new Uint8Array(0));
  const { payload, id } = await verifyCompact(kept, { typ: hopRootType, keys: owner.messageKeys });
  const statement = HopRoot.parse(payload);
  if (statement.hops.root !== root.hops.root)
    throw new ConcordatError('storeFault', 'an earlier attempt made other hops for the same candidate');
  return { statement, message: id };
}

async function publishTable(owner: LogOwner, prefix: string, manifest: TableManifest): Promise<void> {
  for (;;) {
    const head = await owner.exchange.readHead(`${prefix}/table`);
    if (head && Buffer.from(head.bytes).equals(encode(manifest))) return;
    // HAZARD: others may be able to write there. What is no table is written over.
    if (head && publishedSequence(head.bytes) > manifest.sequence) return;
    if (await owner.exchange.compareAndSetHead(`${prefix}/table`, head?.version ?? 0, encode(manifest))) return;
  }
}

function publishedSequence(bytes: Uint8Array): number {
  try {
    return parsePublished('the published table', bytes, TableManifest).sequence;
  } catch {
    return -1;
  }
}

async function readTableHead(
  owner: LogOwner,
  dataset: string,
): Promise<{ readonly manifest: TableManifest; readonly version: number }> {
  const head = await owner.privateStore.readHead(`lineage/${dataset}/table`);
  if (!head) return { manifest: emptyManifest, version: 0 };
  return { manifest: TableManifest.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

async function readMade(owner: LogOwner, dataset: string, candidate: Digest): Promise<Made | null> {
  const bytes = await owner.privateStore.get(`${madeName(dataset, candidate)}/made`);
  return bytes ? Made.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}

function rowsPrefix(dataset: string, candidate: Digest): string {
  return `${madeName(dataset, candidate)}/rows`;
}

function madeName(dataset: string, candidate: Digest): string {
  return `lineage/${dataset}/made/${candidate}`;
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
