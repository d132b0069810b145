/** The native objects of one read that effects rest on, and which native types were not read to their end. */
import type { Json } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem } from '../../connectors/connector.js';

export class SeenObjects {
  readonly #byType = new Map<string, Map<string, NativeObject>>();
  readonly #incomplete = new Set<string>();
  readonly #types: ReadonlySet<string>;

  constructor(types: readonly string[]) {
    this.#types = new Set(types);
  }

  /** A later sight of an object counts. */
  take(item: ReadItem): void {
    if (item.kind === 'scopeEnd') {
      if (!item.complete) this.#incomplete.add(item.nativeType);
      return;
    }
    for (const object of item.objects) {
      if (!this.#types.has(object.type)) continue;
      const ofType = this.#byType.get(object.type) ?? new Map<string, NativeObject>();
      this.#byType.set(object.type, ofType.set(object.id, object));
    }
  }

  all(type: string): readonly NativeObject[] {
    return [...(this.#byType.get(type)?.values() ?? [])];
  }

  one(type: string, id: string): NativeObject | undefined {
    return this.#byType.get(type)?.get(id);
  }

  /** `<native type>/<native id>`; the id may hold slashes. */
  referred(reference: Json | undefined): NativeObject | undefined {
    const [type, id] = partsOf(reference);
    return type === undefined || id === undefined ? undefined : this.one(type, id);
  }

  isIncomplete(type: string): boolean {
    return this.#incomplete.has(type);
  }
}

export function partsOf(reference: Json | undefined): readonly [type: string, id: string] | readonly [] {
  if (typeof reference !== 'string') return [];
  const slash = reference.indexOf('/');
  return slash === -1 ? [] : [reference.slice(0, slash), reference.slice(slash + 1)];
}

export function textOf(body: NativeObject['body'], property: string): string | undefined {
  const value = body[property];
  return typeof value === 'string' ? value : undefined;
}
