/**
 * A cloud with roles, places and bindings beside the users and groups of a sandbox: enough of a connector to see what edges,
 * doubled and opaque objects become. Bindings go with what they refer to, as in most clouds.
 */
import type {
  Connector,
  NativeCall,
  NativeWrite,
  ReadItem,
  WriteAnswer,
} from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';

const ownTypes = ['place', 'role', 'binding'];

export class EdgeCloud implements Connector {
  readonly objects = new Map<string, NativeObject>();
  /** Native types whose pages are cut short. */
  readonly cut = new Set<string>();
  readonly deleted: string[] = [];
  readonly #inner: Connector;
  readonly #types: readonly string[];
  #next = 1;

  /** `types`: native types that this cloud has beside users and groups, in the order in which they are read. */
  constructor(inner: Connector, objects: readonly NativeObject[] = [], types: readonly string[] = ownTypes) {
    this.#inner = inner;
    this.#types = types;
    for (const object of objects) this.put(object);
  }

  put(object: NativeObject): void {
    this.objects.set(`${object.type} ${object.id}`, object);
  }

  get capabilities(): Connector['capabilities'] {
    return this.#inner.capabilities;
  }

  probe(): ReturnType<Connector['probe']> {
    return this.#inner.probe();
  }

  async *readAll(): AsyncIterable<ReadItem> {
    for await (const item of this.#inner.readAll({})) {
      // What is cut short shows nobody, as the first page of a list that fails.
      if (item.kind === 'objects') {
        const objects = item.objects.filter(({ type }) => !this.cut.has(type));
        yield { ...item, objects };
      } else yield this.cut.has(item.nativeType) ? { ...item, complete: false, reason: 'truncated' } : item;
    }
    for (const type of this.#types) {
      const objects = [...this.objects.values()].filter((object) => object.type === type);
      yield { kind: 'objects', scope: type, objects: this.cut.has(type) ? [] : objects, cursor: `${type} 1` };
      const complete = !this.cut.has(type);
      yield complete
        ? { kind: 'scopeEnd', scope: type, nativeType: type, complete, cursor: `${type} 2` }
        : { kind: 'scopeEnd', scope: type, nativeType: type, complete, reason: 'truncated', cursor: `${type} 2` };
    }
  }

  readOne(type: string, id: string): Promise<NativeObject | null> {
    if (!this.#types.includes(type)) return this.#inner.readOne(type, id);
    return Promise.resolve(this.objects.get(`${type} ${id}`) ?? null);
  }

  findTwin(type: string, after: JsonObject): Promise<NativeObject | null> {
    if (!this.#types.includes(type)) return this.#inner.findTwin(type, after);
    const same = [...this.objects.values()].find(
      (object) => object.type === type && JSON.stringify(object.body) === JSON.stringify(after),
    );
    return Promise.resolve(same ?? null);
  }

  plannedCalls(write: NativeWrite): readonly NativeCall[] {
    if (!this.#types.includes(write.type)) return this.#inner.plannedCalls(write);
    return [{ call: `${write.kind} ${write.type}`, target: write.kind === 'create' ? '' : write.id, arguments: {} }];
  }

  consequencesOf(write: NativeWrite): readonly string[] {
    if (!this.#types.includes(write.type)) return this.#inner.consequencesOf?.(write) ?? [];
    return write.kind === 'delete' && write.type === 'binding' ? ['open sessions keep the role until they end'] : [];
  }

  async write(write: NativeWrite, announce?: (call: NativeCall) => Promise<void>): Promise<WriteAnswer> {
    if (!this.#types.includes(write.type)) return this.#inner.write(write, announce);
    for (const call of this.plannedCalls(write)) await announce?.(call);
    const id = write.kind === 'create' ? `new-${this.#next++}` : write.id;
    if (write.kind === 'delete') {
      this.objects.delete(`${write.type} ${id}`);
      this.deleted.push(id);
    } else this.put({ type: write.type, id, body: write.after });
    return { kind: 'applied', id };
  }
}
