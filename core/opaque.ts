/**
 * Opaque records: what a connector cannot fully represent. Its member shows that it is there and why it is not read, and
 * nothing else of it takes part: nothing follows from its values, and nothing is written over it or deleted there.
 */
import { z } from 'zod';
import type { RecordView } from './compare.js';
import { byCodeUnit } from './json.js';
import { AuthorityId, type Fields } from './record.js';

/** What an authority signs of one such record. */
export const OpaqueEntry = z.strictObject({
  type: z.string(),
  /** Provisional where not even its key could be told. */
  key: z.string(),
  /** In words without values. */
  reason: z.string().max(500),
  /** Whether the native object is another, by its canonical digest, than at the last agreement; true before one. */
  changed: z.boolean(),
});
export type OpaqueEntry = z.infer<typeof OpaqueEntry>;

/** The document that a snapshot names, sorted by type and key. */
export const OpaqueRecords = z.strictObject({ records: z.array(OpaqueEntry) });
export type OpaqueRecords = z.infer<typeof OpaqueRecords>;

/** As a plan shows it. */
export const OpaqueRecord = OpaqueEntry.extend({ authority: AuthorityId });
export type OpaqueRecord = z.infer<typeof OpaqueRecord>;

/** All members' opaque records, found by record and member. */
export class OpaqueIndex {
  readonly #byRecord = new Map<string, OpaqueRecord[]>();

  constructor(records: readonly OpaqueRecord[]) {
    for (const record of [...records].sort((a, b) => byCodeUnit(a.authority, b.authority))) {
      const name = `${record.type} ${record.key}`;
      const known = this.#byRecord.get(name);
      if (known) known.push(record);
      else this.#byRecord.set(name, [record]);
    }
  }

  of(type: string, key: string): readonly OpaqueRecord[] {
    return this.#byRecord.get(`${type} ${key}`) ?? [];
  }

  ofType(type: string): readonly OpaqueRecord[] {
    return [...this.#byRecord.values()].flat().filter((record) => record.type === type);
  }

  isOpaque(type: string, key: string, member: AuthorityId): boolean {
    return this.of(type, key).some(({ authority }) => authority === member);
  }

  /** The view in which opaque members are there and say nothing. */
  silenced(type: string, view: RecordView): RecordView {
    const opaque = this.of(type, view.key).filter(({ authority }) => view.members[authority] !== undefined);
    if (opaque.length === 0) return view;
    const silent: Fields = {};
    return {
      ...view,
      members: { ...view.members, ...Object.fromEntries(opaque.map(({ authority }) => [authority, silent])) },
    };
  }
}
