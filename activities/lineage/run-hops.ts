/**
 * The hops of one run by one authority: made when it witnesses a candidate, taken into its table once the candidate is
 * sealed. A candidate that never was leaves a root in the log and nothing in any chain.
 */
import { z } from 'zod';
import { canonicalJson, Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetShape } from '../../core/federation/federation.js';
import { HopRoot, hopRootType, type Cause, type LogEntry } from '../../core/lineage/hop.js';
import { draftHop, type AgreedChange } from '../../core/lineage/make-hops.js';
import { sameJson } from '../../core/lens/same-json.js';
import { Ref } from '../../core/messages.js';
import type { BaseChange } from '../../core/next-base.js';
import type { Operation } from '../../core/operation.js';
import type { RecordView } from '../../core/compare.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import { agreedAsShown } from '../../core/unanimous.js';
import { parsePublished } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import type { SigningKey } from '../keys/signer.js';
import { letOthersRun } from '../event-loop.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { unanimousRecords } from '../sealing/walk-unanimous.js';
import type { UnanimousByType } from '../unanimous.js';
import { readUnverified, verifyCompact, type VerifyingKey } from '../keys/verify.js';
import { appendToLog, type LogOwner } from '../log/own-log.js';
import { hmacSha256 } from '../log/sha256.js';
import { hopFolder, putHops } from './hop-files.js';
import {
  emptyManifest,
  encodeRow,
  leafBytes,
  lineagePrefix,
  readPublishedTable,
  RecordTable,
  rowBytes,
  tableId,
  TableManifest,
} from './record-table.js';
import { saltsOf } from './salts.js';
import { SortedHops } from './sorted-hops.js';

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
  readonly views: Readonly<Record<string, readonly RecordView[]>>;
  readonly changes: readonly BaseChange[];
  /** Records that the base took over as all members show them. */
  readonly unanimous: UnanimousByType;
  /** Of all members; those with an effect. */
  readonly effective: readonly Operation[];
  /** Operation → ids of the signed decisions that approved it for this authority. */
  readonly decisionsBy: ReadonlyMap<Digest, readonly Digest[]>;
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
    for await (const change of agreedChanges(owner, witnessed, await ownTable(owner, dataset))) {
      const draft = draftHop(change, hmacSha256);
      if (draft) hops.add(draft, change);
    }
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
  const { leaves, root } = hops.leaves();
  witnessed.heartbeat?.();
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
  const rows = Buffer.alloc(count * rowBytes);
  let index = 0;
  for (const { tableId: id, salt } of hops.inOrder()) {
    const hop = leaves.toString('hex', index * leafBytes, (index + 1) * leafBytes);
    encodeRow({ id, salt, end: { sequence: witnessed.sequence, index, hop } }, rows, index);
    index += 1;
  }
  await owner.privateStore.putIfAbsent(`${madeName(dataset, witnessed.candidate)}/rows`, rows);
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
      return;
    }
    const table = new RecordTable(owner.exchange, prefix, manifest);
    const rows = await owner.privateStore.get(`${madeName(dataset, candidate)}/rows`);
    if (!rows) throw new ConcordatError('storeFault', 'the private store has lost the hops of a sealed candidate');
    const next = await table.withRows(Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength), made.sequence);
    const hops = made.hops && { root: made.hops.root, count: made.hops.count, position: made.hops.position };
    await owner.exchange.putIfAbsent(
      sealedName(prefix, made.sequence),
      encode({ candidate, seal, hops } satisfies SealedHops),
    );
    const there = await table.bucketsThere();
    if (!(await owner.privateStore.compareAndSetHead(name, version, encode(next)))) continue;
    await publishTable(owner, prefix, next);
    await table.removeAllBut(next, there);
    return;
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
  for (const kept of await owner.privateStore.list(`lineage/${dataset}/made/`))
    if (kept.endsWith('/rows')) await owner.privateStore.remove(kept);
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

async function* agreedChanges(owner: LogOwner, witnessed: Witnessed, own: RecordTable): AsyncGenerator<AgreedChange> {
  const { shape, heartbeat } = witnessed;
  const saltOf = await saltsOf({
    exchange: owner.exchange,
    own,
    proposed: witnessed.salts,
    tables: async () => {
      const tables = await Promise.all(
        shape.members
          .filter((member) => member !== owner.id)
          .map((member) =>
            readPublishedTable(owner.exchange, member, shape.dataset.dataset).catch((error: unknown) => {
              // Who publishes what is no table keeps nobody from what the others have.
              if (error instanceof ConcordatError && error.code === 'inputNotAuthentic') return null;
              throw error;
            }),
          ),
      );
      return tables.filter((table) => table !== null);
    },
  });
  const causes = causesOf(owner.id, witnessed);
  const changesOf = new Map<string, BaseChange[]>();
  for (const change of witnessed.changes) {
    const known = changesOf.get(change.type);
    if (known) known.push(change);
    else changesOf.set(change.type, [change]);
  }
  const named = async (type: string, key: string, isInBase: boolean): Promise<Omit<AgreedChange, AgreedPart>> => {
    const row = await own.rowOf(tableId({ type, key }));
    return {
      dataset: shape.dataset.dataset,
      type,
      key,
      salt: row?.salt ?? (await saltOf(type, key, isInBase)),
      native: witnessed.nativeOf(type, key),
      previous: row?.end ?? null,
    };
  };
  let count = 0;
  for (const type of shape.types) {
    const name = type.taxonomy.type;
    const held = type.held[owner.id];
    if (!held) continue;
    const views = new Map((witnessed.views[name] ?? []).map((view) => [view.key, view]));
    for (const change of changesOf.get(name) ?? []) {
      const view = views.get(change.key);
      const old = view?.storedBase ?? view?.base;
      const isResealed = view?.storedBase !== undefined && change.kind === 'put' && sameJson(view.base, change.fields);
      await letOthersRun();
      yield {
        ...(await named(name, change.key, old !== undefined)),
        before: old === undefined ? null : heldFields(old, held),
        after: change.kind === 'remove' ? null : heldFields(change.fields, held),
        cause: causes.get(`${name} ${change.key}`) ?? { kind: isResealed ? 'resealed' : 'observed' },
      };
      if (++count % 5_000 === 0) heartbeat?.();
    }
    const unanimous = witnessed.unanimous[name];
    if (!unanimous) continue;
    const reader = createSegmentReader({ store: owner.exchange, prefixes: [owner.id, ...shape.members] });
    // What its own mesh shows of them is all that it holds of them.
    for await (const records of unanimousRecords({ ...unanimous.walk, reader }, [owner.id])) {
      for (const { key, fields } of records) {
        await letOthersRun();
        const after = heldFields(agreedAsShown(fields, type), held);
        yield { ...(await named(name, key, false)), before: null, after, cause: { kind: 'observed' } };
      }
      heartbeat?.();
    }
  }
}

/** What is told of each change by itself. */
type AgreedPart = 'before' | 'after' | 'cause';

function causesOf(id: AuthorityId, { effective, decisionsBy }: Witnessed): ReadonlyMap<string, Cause> {
  const causes = new Map<string, Cause>();
  for (const operation of effective) {
    if (operation.authority !== id) continue;
    const record = `${operation.type} ${operation.key}`;
    const known = causes.get(record);
    const before = known?.kind === 'written' ? known : { operations: [], decisions: [] };
    causes.set(record, {
      kind: 'written',
      operations: [...before.operations, operation.id].sort(),
      decisions: [...new Set([...before.decisions, ...(decisionsBy.get(operation.id) ?? [])])].sort(),
    });
  }
  return causes;
}

function heldFields(fields: Fields, held: readonly string[]): Fields {
  return Object.fromEntries(held.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
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

function madeName(dataset: string, candidate: Digest): string {
  return `lineage/${dataset}/made/${candidate}`;
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
