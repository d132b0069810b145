/** A store of records in memory that tells its changes, and can be asked to tell them badly. */
import type { ChangeItem, Changes, Connector, ReadItem } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';

export interface Faults {
  /** Ids whose next change is not told, as a store with a fault would. */
  lost: Set<string>;
  /** The next answer ends before its end. */
  cutOff: boolean;
  /** Every item comes twice. */
  doubled: boolean;
  /** Items of one answer come in another order; each tells what the store holds now, so none contradicts another. */
  reversed: boolean;
  expired: boolean;
  doubtful: boolean;
}

export class ChangingStore {
  readonly rows = new Map<string, JsonObject>();
  readonly opaque = new Set<string>();
  readonly #log: string[] = [];
  /** What is told only by the answer after the next one. */
  #late: string[] = [];
  #released = 0;
  readonly faults: Faults = {
    lost: new Set(),
    cutOff: false,
    doubled: false,
    reversed: false,
    expired: false,
    doubtful: false,
  };
  /** Called once while all is read, and before a row is shown: the read shows what the positions taken before it do not. */
  meanwhile: (() => void) | null = null;
  /** Ids that a read shows twice, as a list does that changes while it is paged: as they were, and at the end as they are. */
  readonly shownAgain = new Map<string, JsonObject>();
  fullReads = 0;
  /** A read ends halfway, and says so. */
  isCutShort = false;
  readonly #type: string;
  readonly #pageSize: number;

  constructor(type: string, pageSize = 7) {
    this.#type = type;
    this.#pageSize = pageSize;
  }

  put(id: string, body: JsonObject): void {
    this.rows.set(id, body);
    this.#tell(id);
  }
  remove(id: string): void {
    if (this.rows.delete(id)) this.#tell(id);
  }
  /** As `put`, or `remove` where there is no body, but told late. */
  writeLate(id: string, body: JsonObject | null): void {
    if (body) this.rows.set(id, body);
    else this.rows.delete(id);
    this.#late.push(id);
  }
  touch(id: string, isOpaque: boolean): void {
    if (isOpaque) this.opaque.add(id);
    else this.opaque.delete(id);
    this.#tell(id);
  }
  #tell(id: string): void {
    if (!this.faults.lost.delete(id)) this.#log.push(id);
    else this.#log.push('');
  }

  #object(id: string): NativeObject | null {
    const body = this.rows.get(id);
    if (!body) return null;
    return { type: this.#type, id, body, ...(this.opaque.has(id) ? { opaque: 'somebody else owns it' } : {}) };
  }

  /** `fullReadEvery` undefined: it tells no changes. */
  connector(base: Connector, fullReadEvery?: number): Connector {
    const { changes: _changes, batches: _batches, ...rest } = base;
    return {
      ...rest,
      readAll: () => this.#readAll(),
      readOne: (_type, id) => Promise.resolve(this.#object(id)),
      ...(fullReadEvery === undefined ? {} : { changes: this.#changes(fullReadEvery) }),
    };
  }

  async *#readAll(): AsyncGenerator<ReadItem> {
    this.fullReads += 1;
    const scope = this.#type;
    this.meanwhile?.();
    this.meanwhile = null;
    const all = [...this.rows.keys()].flatMap((id) => this.#object(id) ?? []);
    for (const [id, body] of this.shownAgain) {
      const at = all.findIndex((object) => object.id === id);
      const object = all[at];
      if (object) all.splice(at, 1, { ...object, body });
      if (object) all.push(object);
    }
    const end = this.isCutShort ? all.length / 2 : all.length;
    for (let from = 0; from < end; from += this.#pageSize)
      yield await Promise.resolve({
        kind: 'objects',
        scope,
        objects: all.slice(from, from + this.#pageSize),
        cursor: `${from}`,
      } as const);
    const told = { kind: 'scopeEnd', scope, nativeType: scope, cursor: 'end' } as const;
    yield this.isCutShort ? { ...told, complete: false, reason: 'storeFault' } : { ...told, complete: true };
  }

  #changes(fullReadEvery: number): Changes {
    return {
      fullReadEvery,
      positions: () => Promise.resolve({ [this.#type]: { kind: 'cursor', cursor: String(this.#log.length) } }),
      changesSince: (cursors) => this.#since(Number(cursors[this.#type])),
      release: (cursors) => {
        this.#released = Math.max(this.#released, Math.min(...cursors.map(Number)));
        return Promise.resolve();
      },
      idWritten: (write) => (write.kind === 'create' ? null : write.id),
    };
  }

  async *#since(from: number): AsyncGenerator<ChangeItem> {
    const { faults } = this;
    const nativeType = this.#type;
    if (faults.expired || from < this.#released)
      yield await Promise.resolve({ kind: 'untold', nativeType, why: 'expired', detail: '' });
    if (faults.doubtful) yield { kind: 'untold', nativeType, why: 'doubtful', detail: '' };
    const items: ChangeItem[] = [];
    for (const id of new Set(this.#log.slice(from).filter((told) => told !== ''))) {
      const object = this.#object(id);
      items.push(object ? { kind: 'objects', objects: [object] } : { kind: 'gone', nativeType, ids: [id] });
    }
    if (faults.doubled) items.push(...items);
    if (faults.reversed) items.reverse();
    if (faults.cutOff) {
      yield* items.slice(0, Math.floor(items.length / 2));
      return;
    }
    yield* items;
    yield { kind: 'end', cursors: { [nativeType]: String(this.#log.length) } };
    this.#log.push(...this.#late);
    this.#late = [];
  }
}
