/** What a snapshot set aside, by kind: counted here and listed in every report, never silently dropped. */
import { byCodeUnit } from '../../core/json.js';
import type { SnapshotStatement } from '../../core/messages.js';

export class SetAside {
  readonly #untranslatable = new Map<string, { type: string; field: string; reason: string; count: number }>();
  readonly #unmapped = new Map<string, { type: string; property: string; count: number }>();
  readonly #hidden = new Map<string, { type: string; count: number }>();
  readonly #outside = new Map<string, { type: string; field: string; reason: string; count: number }>();
  readonly #doubled = new Map<string, { type: string; count: number }>();
  readonly #lossy = new Map<string, { type: string; count: number }>();

  untranslatable(type: string, field: string, reason: string): void {
    const entry = this.#untranslatable.get(`${type} ${field} ${reason}`) ?? { type, field, reason, count: 0 };
    this.#untranslatable.set(`${type} ${field} ${reason}`, { ...entry, count: entry.count + 1 });
  }

  unmapped(type: string, property: string): void {
    const entry = this.#unmapped.get(`${type} ${property}`) ?? { type, property, count: 0 };
    this.#unmapped.set(`${type} ${property}`, { ...entry, count: entry.count + 1 });
  }

  hidden(type: string): void {
    this.#hidden.set(type, { type, count: (this.#hidden.get(type)?.count ?? 0) + 1 });
  }

  lossy(type: string): void {
    this.#lossy.set(type, { type, count: (this.#lossy.get(type)?.count ?? 0) + 1 });
  }

  /** Of objects that were looked at in an earlier run. */
  unmappedBefore(type: string, property: string, count: number): void {
    const known = this.#unmapped.get(`${type} ${property}`)?.count ?? 0;
    this.#unmapped.set(`${type} ${property}`, { type, property, count: known + count });
  }
  lossyBefore(type: string, count: number): void {
    if (count > 0) this.#lossy.set(type, { type, count: (this.#lossy.get(type)?.count ?? 0) + count });
  }

  outside(type: string, field: string, reason: string): void {
    const entry = this.#outside.get(`${type} ${field} ${reason}`) ?? { type, field, reason, count: 0 };
    this.#outside.set(`${type} ${field} ${reason}`, { ...entry, count: entry.count + 1 });
  }

  doubled(type: string): void {
    this.#doubled.set(type, { type, count: (this.#doubled.get(type)?.count ?? 0) + 1 });
  }

  /** All that was counted of a type, which will be counted anew. */
  forget(type: string): void {
    for (const counted of [
      this.#untranslatable,
      this.#unmapped,
      this.#hidden,
      this.#outside,
      this.#doubled,
      this.#lossy,
    ] as readonly Map<string, { readonly type: string }>[])
      for (const [name, entry] of counted) if (entry.type === type) counted.delete(name);
  }

  hasUntranslatable(type: string): boolean {
    return [...this.#untranslatable.values()].some((entry) => entry.type === type);
  }

  /** Records that are not, or not wholly, part of the comparison. Unmapped properties are reported but hide no record. */
  total(): number {
    return [...this.#untranslatable.values(), ...this.#lossy.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Rows that the row filter keeps back: by design, so they are no part of what was set aside. */
  hiddenTotal(): number {
    return [...this.#hidden.values()].reduce((sum, { count }) => sum + count, 0);
  }

  report(): Pick<SnapshotStatement, 'untranslatable' | 'unmapped' | 'lossy' | 'hiddenRows' | 'outside' | 'doubled'> {
    const sorted = <Entry>(entries: ReadonlyMap<string, Entry>): Entry[] =>
      [...entries].sort(([left], [right]) => byCodeUnit(left, right)).map(([, entry]) => entry);
    return {
      untranslatable: sorted(this.#untranslatable),
      unmapped: sorted(this.#unmapped),
      lossy: sorted(this.#lossy),
      hiddenRows: sorted(this.#hidden),
      outside: sorted(this.#outside),
      doubled: sorted(this.#doubled),
    };
  }
}
