/** From what an authority witnessed to the drafts of its hops: of each change by itself, and of all that is taken over unseen. */
import { ConcordatError } from '../../core/errors.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { Cause } from '../../core/lineage/hop.js';
import { draftHop, type AgreedChange } from '../../core/lineage/make-hops.js';
import { sameJson } from '../../core/lens/same-json.js';
import type { LongList } from '../../core/long-list.js';
import { effectiveByRecord, type BaseChange, type EffectiveOperations } from '../../core/next-base.js';
import type { Fields } from '../../core/record.js';
import { agreedAsShown, setFields } from '../../core/unanimous.js';
import { inSlices, isSliceOver, letOthersRun } from '../event-loop.js';
import { hmacSha256 } from '../log/sha256.js';
import type { OpenBody } from '../sealing/body.js';
import { unanimousLines } from '../sealing/unanimous-lines.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import type { UnanimousRecords } from '../unanimous.js';
import { FirstHops } from './first-hops.js';
import { readPublishedTable, tableId, writeTableId, type RecordTable } from './record-table.js';
import { tableIdBytes, type TableRow } from './table-rows.js';
import type { HopOwner, Witnessed } from './run-hops.js';
import { viewsByKey } from '../spilling/gathered-views.js';
import { SortedList } from '../spilling/sorted-list.js';
import { SortedListWriter } from '../spilling/sorted-list-writer.js';
import { saltsOf, type Salts } from './salts.js';
import type { SortedHops } from './sorted-hops.js';

const heartbeatEvery = 5_000;

export async function draftHops(
  owner: HopOwner,
  witnessed: Witnessed,
  own: RecordTable,
  hops: SortedHops,
): Promise<void> {
  const drafting = new Drafting(owner, witnessed, own, await sharedSalts(owner, witnessed, own), hops);
  for (const type of witnessed.shape.types) {
    const name = type.taxonomy.type;
    const held = type.held[owner.id];
    if (!held) continue;
    await drafting.changed(name, held);
    const unanimous = witnessed.unanimous[name];
    if (unanimous) await drafting.unanimous(type, held, unanimous);
  }
}

async function sharedSalts(owner: HopOwner, { shape, salts }: Witnessed, own: RecordTable): Promise<Salts> {
  return saltsOf({
    exchange: owner.exchange,
    own,
    proposed: salts,
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
}

class Drafting {
  readonly #owner: HopOwner;
  readonly #witnessed: Witnessed;
  readonly #own: RecordTable;
  readonly #salts: Salts;
  readonly #hops: SortedHops;
  readonly #effectiveOf: EffectiveOperations['of'];
  #count = 0;

  constructor(owner: HopOwner, witnessed: Witnessed, own: RecordTable, salts: Salts, hops: SortedHops) {
    this.#owner = owner;
    this.#witnessed = witnessed;
    this.#own = own;
    this.#salts = salts;
    this.#hops = hops;
    this.#effectiveOf = effectiveByRecord(witnessed.effective);
  }

  async changed(type: string, held: readonly string[]): Promise<void> {
    const { changes } = this.#witnessed;
    const viewOf = viewsByKey(this.#witnessed.views[type] ?? []);
    for (const { id, change } of await inOrderOfIds(type, changes)) {
      const view = viewOf(change.key);
      const old = view?.storedBase ?? view?.base;
      const isResealed = view?.storedBase !== undefined && change.kind === 'put' && sameJson(view.base, change.fields);
      await this.#add(id, await this.#own.rowInOrder(id), {
        type,
        key: change.key,
        isInBase: old !== undefined,
        before: old === undefined ? null : heldFields(old, held),
        after: change.kind === 'remove' ? null : heldFields(change.fields, held),
        cause: this.#causeOf(type, change.key) ?? { kind: isResealed ? 'resealed' : 'observed' },
      });
    }
  }

  /** Of a record that its own authority wrote. */
  #causeOf(type: string, key: string): Cause | null {
    const own = this.#effectiveOf(type, key).filter(({ authority }) => authority === this.#owner.id);
    if (own.length === 0) return null;
    const { decisionsBy } = this.#witnessed;
    return {
      kind: 'written',
      operations: own.map(({ id }) => id).sort(),
      decisions: [...new Set(own.flatMap(({ id }) => decisionsBy.get(id) ?? []))].sort(),
    };
  }

  /** What its own mesh shows of them is all that it holds of them. */
  async unanimous(type: DatasetType, held: readonly string[], { walk }: UnanimousRecords): Promise<void> {
    const { shape, nativeOf } = this.#witnessed;
    const { dataset } = shape.dataset;
    const { type: name } = type.taxonomy;
    const reader = createSegmentReader({
      store: this.#owner.exchange,
      prefixes: [this.#owner.id, ...shape.members],
    });
    const first = new FirstHops({ dataset, type: name, held, setFields: setFields(type) });
    const isNew = this.#own.manifest.count === 0;
    const id = Buffer.alloc(tableIdBytes);
    for await (const { bytes, lines } of unanimousLines({ ...walk, reader }, this.#owner.id)) {
      for (let line = 0; line < lines.length; line += 2) {
        if (isSliceOver()) await letOthersRun();
        const [start, end] = [lines[line] ?? 0, lines[line + 1] ?? 0];
        const key = first.read(bytes, start, end);
        const salt = key !== null && isNew ? this.#salts.proposedFirst(writeTableId(name, key, id)) : undefined;
        if (key === null || !salt) {
          const record = JSON.parse(bytes.toString('utf8', start, end)) as OpenBody;
          const after = heldFields(agreedAsShown(record.fields, type), held);
          const idOfThis = tableId({ type: name, key: record.key });
          await this.#add(idOfThis, await this.#own.rowOf(idOfThis), {
            type: name,
            key: record.key,
            isInBase: false,
            before: null,
            after,
            cause: { kind: 'observed' },
          });
          continue;
        }
        this.#hops.add(first.draft(salt, nativeOf(name, key)), { tableId: id, salt });
        this.#counted();
      }
    }
  }

  async #add(id: Buffer, row: TableRow | null, told: Told): Promise<void> {
    const { type, key, isInBase, before, after, cause } = told;
    if (isSliceOver()) await letOthersRun();
    const change: AgreedChange = {
      dataset: this.#witnessed.shape.dataset.dataset,
      type,
      key,
      salt: row?.salt ?? (await this.#salts.of(id, type, isInBase)),
      native: this.#witnessed.nativeOf(type, key),
      previous: row?.end ?? null,
      before,
      after,
      cause,
    };
    const draft = draftHop(change, hmacSha256);
    if (draft) this.#hops.add(draft, { tableId: id, salt: change.salt });
    this.#counted();
  }

  #counted(): void {
    this.#count += 1;
    if (this.#count % heartbeatEvery === 0) this.#witnessed.heartbeat?.();
  }
}

interface Told extends Pick<AgreedChange, 'type' | 'key' | 'before' | 'after' | 'cause'> {
  readonly isInBase: boolean;
}

interface ChangeById {
  readonly id: Buffer;
  readonly change: BaseChange;
}

/** Changes that lie in a file are put into this order in another one. */
async function inOrderOfIds(type: string, changes: LongList<BaseChange>): Promise<Iterable<ChangeById>> {
  if (changes instanceof SortedList) return inFileByIds(type, changes as SortedList<BaseChange>);
  return changes
    .filter((change) => change.type === type)
    .map((change) => ({ id: tableId({ type, key: change.key }), change }))
    .sort((left, right) => Buffer.compare(left.id, right.id));
}

async function inFileByIds(type: string, changes: SortedList<BaseChange>): Promise<Iterable<ChangeById>> {
  const writer = new SortedListWriter((text) => JSON.parse(text) as BaseChange);
  for (const text of changes.texts()) {
    if (isSliceOver()) await letOthersRun();
    const change = JSON.parse(text) as BaseChange;
    if (change.type === type) writer.put(tableId({ type, key: change.key }).toString('hex'), text);
  }
  return byIds(await inSlices(writer.finish()));
}

function* byIds(sorted: SortedList<BaseChange>): Generator<ChangeById> {
  for (const { key, text } of sorted.entries())
    yield { id: Buffer.from(key, 'hex'), change: JSON.parse(text) as BaseChange };
  sorted.discard();
}

function heldFields(fields: Fields, held: readonly string[]): Fields {
  return Object.fromEntries(held.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}
