/**
 * What the undos in all standings go back to, read from the bases that they name. These must lie in the chain that the
 * base of the run stands on: each base names the one before it by its digest, so nothing but what was agreed is found here.
 */
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { DatasetShape, DatasetType } from '../core/federation/federation.js';
import { referredTypes } from '../core/federation/taxonomy.js';
import { byCodeUnit } from '../core/json.js';
import { referenceOf } from '../core/lens/reference.js';
import type { LongList } from '../core/long-list.js';
import { Base } from '../core/messages.js';
import { setElements } from '../core/operation.js';
import type { RecordView } from '../core/compare.js';
import type { Fields } from '../core/record.js';
import { isUndoOver, type StandingUndo, type UndoneRecord } from '../core/undo.js';
import { findDocument } from './exchange.js';
import type { RunMessages } from './run-messages.js';
import { readOne } from './sealing/read-records.js';
import { createSegmentReader, type SegmentReader } from './sealing/segment-reader.js';
import type { ObjectStore } from './store.js';

type Messages = Pick<RunMessages, 'shape' | 'opens' | 'standings' | 'base' | 'baseDigest'>;
type Views = Readonly<Record<string, LongList<RecordView>>>;

/** Every record of every statement that holds, in one order. Empty at nearly all times, and then nothing is read. */
export async function undoneRecords(messages: Messages, exchange: ObjectStore): Promise<readonly UndoneRecord[]> {
  const { shape, opens, standings, base, baseDigest } = messages;
  const statements = Object.values(standings).flatMap(({ authority, undos = [] }) => {
    const opened = opens[authority];
    return undos.flatMap((undo) => (opened && !isUndoOver(undo, opened.hlc) ? [{ ...undo, authority }] : []));
  });
  if (statements.length === 0) return [];
  const chain = new BaseChain(exchange, shape.members, base, baseDigest);
  const reader = createSegmentReader({ store: exchange, prefixes: shape.members });
  const found: UndoneRecord[] = [];
  for (const statement of statements.sort((a, b) => byCodeUnit(a.id, b.id)))
    found.push(...(await recordsOf(statement, shape, chain, reader)));
  return withoutGoneReferences(found, shape, base, reader);
}

type Statement = StandingUndo & Pick<UndoneRecord['undo'], 'authority'>;

async function recordsOf(
  statement: Statement,
  shape: DatasetShape,
  chain: BaseChain,
  reader: SegmentReader,
): Promise<readonly UndoneRecord[]> {
  const { records, before, after, ...undo } = statement;
  const bases = await chain.pair(before, after, undo.sequence);
  const result: UndoneRecord[] = [];
  for (const record of records) {
    const type = shape.types.find(({ taxonomy }) => taxonomy.type === record.type);
    if (!type) continue;
    const own = { undo, ...record };
    if (!bases) {
      result.push({ ...own, was: undefined, found: undefined, left: 'notInHistory' });
      continue;
    }
    const values = await valuesOf(record.type, record.key, bases, reader);
    result.push(
      values ? { ...own, ...values, left: null } : { ...own, was: undefined, found: undefined, left: 'valuesGone' },
    );
  }
  return result;
}

/** Undefined where they are not there any more: their segments were erased with a record that shared them. */
export async function valuesOf(
  type: string,
  key: string,
  { before, after }: BasePair,
  reader: SegmentReader,
): Promise<Pick<UndoneRecord, 'was' | 'found'> | undefined> {
  try {
    return { was: await fieldsIn(before, type, key, reader), found: await fieldsIn(after, type, key, reader) };
  } catch (error) {
    if (error instanceof ConcordatError && (error.code === 'storeFault' || error.code === 'inputNotAuthentic'))
      return undefined;
    throw error;
  }
}

export async function fieldsIn(
  base: Base | null,
  type: string,
  key: string,
  reader: SegmentReader,
): Promise<Fields | undefined> {
  const sealed = base?.types.find((one) => one.type === type);
  return sealed && (await readOne(sealed, key, reader))?.fields;
}

export interface BasePair {
  readonly before: Base;
  readonly after: Base;
}

/** The bases below one, by the digests that each holds of the one before it. Read once each, from wherever they lie. */
export class BaseChain {
  readonly #exchange: ObjectStore;
  readonly #prefixes: readonly string[];
  /** The newest first. */
  readonly #bases: { readonly digest: Digest; readonly base: Base }[] = [];

  constructor(exchange: ObjectStore, prefixes: readonly string[], base: Base | null, digest: Digest | null) {
    this.#exchange = exchange;
    this.#prefixes = prefixes;
    if (base && digest !== null) this.#bases.push({ digest, base });
  }

  /** The base of that number; undefined where it is none of this chain, or where one above it is not there any more. */
  async at(sequence: number): Promise<{ readonly digest: Digest; readonly base: Base } | undefined> {
    for (;;) {
      const last = this.#bases.at(-1);
      if (!last || last.base.sequence < sequence) break;
      const { previous } = last.base;
      if (last.base.sequence === sequence || previous === null) break;
      const base = await this.#read(previous);
      if (base?.sequence !== last.base.sequence - 1) break;
      this.#bases.push({ digest: previous, base });
    }
    return this.#bases.find(({ base }) => base.sequence === sequence);
  }

  /** Undefined unless both lie in this chain, one right after the other. */
  async pair(before: Digest, after: Digest, sequence: number): Promise<BasePair | undefined> {
    const made = await this.at(sequence);
    const below = await this.at(sequence - 1);
    if (made?.digest !== after || below?.digest !== before) return undefined;
    return { before: below.base, after: made.base };
  }

  async #read(digest: Digest): Promise<Base | undefined> {
    try {
      return await findDocument(this.#exchange, this.#prefixes, digest, Base);
    } catch (error) {
      if (error instanceof ConcordatError && error.code === 'inputNotAuthentic') return undefined;
      throw error;
    }
  }
}

/** HAZARD: a record that comes back must not name one that is gone for good: its cloud would refuse the write. */
async function withoutGoneReferences(
  records: readonly UndoneRecord[],
  shape: DatasetShape,
  base: Base | null,
  reader: SegmentReader,
): Promise<readonly UndoneRecord[]> {
  const comesBack = new Set(
    records.flatMap(({ type, key, fields, was }) => (fields === null && was ? [`${type} ${key}`] : [])),
  );
  const known = new Map<string, boolean>();
  const isThere = async (type: string, key: string): Promise<boolean> => {
    const name = `${type} ${key}`;
    if (comesBack.has(name)) return true;
    const answer = known.get(name) ?? (await fieldsIn(base, type, key, reader)) !== undefined;
    known.set(name, answer);
    return answer;
  };
  const result: UndoneRecord[] = [];
  for (const record of records) {
    const type = shape.types.find(({ taxonomy }) => taxonomy.type === record.type);
    result.push(type && record.was ? await withLivingReferences(record, record.was, type, isThere) : record);
  }
  return result;
}

async function withLivingReferences(
  record: UndoneRecord,
  was: Fields,
  { taxonomy }: DatasetType,
  isThere: (type: string, key: string) => Promise<boolean>,
): Promise<UndoneRecord> {
  const kept: Record<string, Fields[string]> = { ...was };
  for (const [field, kind] of Object.entries(taxonomy.fields)) {
    if (record.fields !== null && !record.fields.includes(field)) continue;
    const named = kind.kind === 'reference' ? referenceOf(was[field]) : null;
    if (named && !(await isThere(named.type, named.key))) return { ...record, left: 'referenceGone' };
    const [of] = kind.kind === 'set' ? referredTypes(kind) : [];
    if (of === undefined || was[field] === undefined) continue;
    const living: string[] = [];
    for (const element of setElements(was[field])) if (await isThere(of, element)) living.push(element);
    kept[field] = living;
  }
  return { ...record, was: kept };
}

/** Adds the records that a statement names and on which all are agreed, or which all have let go. */
export async function viewsWithUndone(
  views: Views,
  undone: readonly UndoneRecord[],
  { shape, base }: Pick<Messages, 'shape' | 'base'>,
  exchange: ObjectStore,
): Promise<Views> {
  if (undone.length === 0) return views;
  const reader = createSegmentReader({ store: exchange, prefixes: shape.members });
  const result: Record<string, RecordView[]> = Object.fromEntries(
    Object.entries(views).map(([type, records]) => [type, [...records]]),
  );
  const seen = new Map(Object.entries(result).map(([type, records]) => [type, new Set(records.map(({ key }) => key))]));
  for (const { type: name, key } of undone) {
    const records = result[name];
    const type = shape.types.find(({ taxonomy }) => taxonomy.type === name);
    if (!records || !type || seen.get(name)?.has(key)) continue;
    seen.get(name)?.add(key);
    const agreed = await fieldsIn(base, name, key, reader);
    records.push({ key, members: membersOf(type, agreed), base: agreed });
  }
  return result;
}

/** Where nothing differs every member shows what the base holds, as far as it holds the fields. */
function membersOf(type: DatasetType, agreed: Fields | undefined): RecordView['members'] {
  return Object.fromEntries(
    Object.entries(type.held).map(([member, held]) => [
      member,
      agreed && Object.fromEntries(Object.entries(agreed).filter(([field]) => held.includes(field))),
    ]),
  );
}
