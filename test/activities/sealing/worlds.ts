/** Small worlds of sealed records for the tests of sealing, and a compare so naive that it can be believed. */
import fc from 'fast-check';
import type { FieldGroup } from '../../../core/federation/federation.js';
import type { Fields } from '../../../core/record.js';
import type { SealedType } from '../../../core/sealed.js';
import { groupsHeldBy } from '../../../core/sealed.js';
import { groupText } from '../../../core/record-digest.js';
import { byCodeUnit } from '../../../core/json.js';
import { createSealer, type SealerOptions } from '../../../activities/sealing/sealer.js';
import { xxh64, type KeyHash } from '../../../activities/sealing/key-hash.js';
import type { Head, ObjectStore } from '../../../activities/store.js';
import { ConcordatError } from '../../../core/errors.js';

export type Rows = ReadonlyMap<string, Fields>;

/** Lists what is read, and lets a test spoil an object. */
export class CountingStore implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();
  readonly read: string[] = [];
  pieceBytesRead = 0;

  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    if (this.objects.has(name)) return Promise.resolve(false);
    this.objects.set(name, Uint8Array.from(bytes));
    return Promise.resolve(true);
  }
  get(name: string): Promise<Uint8Array | null> {
    const bytes = this.objects.get(name) ?? null;
    if (bytes) this.read.push(name);
    return Promise.resolve(bytes && Uint8Array.from(bytes));
  }
  async getInto(name: string, room: Uint8Array): Promise<number | null> {
    const bytes = await this.get(name);
    if (bytes && bytes.length <= room.length) room.set(bytes);
    return bytes?.length ?? null;
  }
  getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const bytes = this.objects.get(name);
    if (bytes) this.read.push(name);
    this.pieceBytesRead += bytes ? length : 0;
    if (!bytes || start + length > bytes.length)
      return Promise.reject(new ConcordatError('storeFault', `${name} is missing or shorter`));
    return Promise.resolve(bytes.slice(start, start + length));
  }
  list(prefix: string): Promise<readonly string[]> {
    return Promise.resolve([...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort(byCodeUnit));
  }
  readHead(): Promise<Head | null> {
    return Promise.resolve(null);
  }
  compareAndSetHead(): Promise<boolean> {
    return Promise.resolve(false);
  }
  remove(): Promise<void> {
    return Promise.resolve();
  }
  rewriteOlder(): Promise<number> {
    return Promise.resolve(0);
  }
  removeUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** Names and bytes of both, told apart without a matcher that walks each byte. */
export function sameObjects(left: CountingStore, right: CountingStore): boolean {
  return (
    left.objects.size === right.objects.size &&
    [...left.objects].every(([name, bytes]) => {
      const other = right.objects.get(name);
      return other !== undefined && Buffer.compare(bytes, other) === 0;
    })
  );
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export const base = '(base)';
export const prefixes = ['aws', 'entra', 'openstack', 'federation'];

/** `mail` is held by all three, `phone` by two, `path` by one alone. */
export const groups: readonly FieldGroup[] = [
  { id: 'aws+entra+openstack', fields: ['mail', 'team'], members: ['aws', 'entra', 'openstack'] },
  { id: 'aws+entra', fields: ['phone'], members: ['aws', 'entra'] },
  { id: 'aws', fields: ['path'], members: ['aws'] },
];

export function groupsOf(id: string): readonly FieldGroup[] {
  return id === base ? groups : groupsHeldBy(groups, id);
}

export async function seal(
  store: ObjectStore,
  id: string,
  rows: Rows,
  options: Partial<SealerOptions> = {},
): Promise<SealedType> {
  const sealer = createSealer({
    store,
    prefix: id === base ? 'federation' : id,
    type: 'person',
    groups: groupsOf(id),
    expectedCount: rows.size,
    ...options,
  });
  for (const [key, fields] of rows) sealer.add({ type: 'person', key, fields });
  return await sealer.finish();
}

/** Only the lowest bits of the real hash, spread to both ends: many keys collide, in every bucket. */
export const weakHash: KeyHash = (key) => ((xxh64(key) & 3n) << 62n) | (xxh64(key) & 1n);

export function heldPart(id: string, fields: Fields): Fields {
  const held = groupsOf(id).flatMap((group) => group.fields);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => held.includes(name)));
}

/** What walkDiffering must yield, by the plainest means. */
export function naiveDiffering(
  worlds: Readonly<Record<string, Rows>>,
  options: { readonly hashKey?: KeyHash } = {},
): readonly { readonly key: string; readonly present: Readonly<Record<string, Fields | undefined>> }[] {
  const hashKey = options.hashKey ?? xxh64;
  const ids = Object.keys(worlds).sort(byCodeUnit);
  const keys = [...new Set(ids.flatMap((id) => [...(worlds[id]?.keys() ?? [])]))];
  return keys
    .filter((key) => {
      if (ids.some((id) => !worlds[id]?.has(key))) return true;
      return groups.some((group) => {
        const holders = ids.filter((id) => groupsOf(id).includes(group));
        return new Set(holders.map((id) => groupText(key, worlds[id]?.get(key) ?? {}, group.fields))).size > 1;
      });
    })
    .sort((a, b) => (hashKey(a) < hashKey(b) ? -1 : hashKey(a) > hashKey(b) ? 1 : byCodeUnit(a, b)))
    .map((key) => ({ key, present: Object.fromEntries(ids.map((id) => [id, worlds[id]?.get(key)])) }));
}

const text = fc.oneof(fc.string({ maxLength: 4 }), fc.string({ unit: 'grapheme', maxLength: 3 }));
export const anyFields: fc.Arbitrary<Fields> = fc.record(
  {
    mail: fc.oneof(fc.constantFrom('a@b', 'c@d', ''), text, fc.constant(null)),
    team: fc.array(fc.constantFrom('t1', 't2', 't3', '\\ud800'), { maxLength: 3 }),
    phone: fc.oneof(text, fc.constant(null), fc.boolean()),
    path: fc.oneof(text, fc.integer(), fc.dictionary(fc.constantFrom('9', '10', 'b'), fc.integer(), { maxKeys: 2 })),
  },
  { requiredKeys: [] },
);

/** Rows for every participant, made from common rows by edits and omissions, so that most are equal and some differ. */
export const anyWorlds: fc.Arbitrary<Readonly<Record<string, Rows>>> = fc
  .record({
    common: fc.uniqueArray(fc.tuple(fc.oneof(fc.string({ minLength: 1, maxLength: 6 }), fc.uuid()), anyFields), {
      maxLength: 60,
      selector: ([key]) => key,
    }),
    changes: fc.array(
      fc.record({
        who: fc.constantFrom('aws', 'entra', 'openstack', base),
        at: fc.nat(80),
        to: fc.option(anyFields, { nil: null }),
      }),
      { maxLength: 12 },
    ),
    who: fc.subarray(['aws', 'entra', 'openstack', base], { minLength: 1 }),
  })
  .map(({ common, changes, who }) => {
    const worlds: Record<string, Map<string, Fields>> = {};
    for (const id of who) worlds[id] = new Map(common.map(([key, fields]) => [key, heldPart(id, fields)]));
    for (const change of changes) {
      const rows = worlds[change.who];
      if (!rows) continue;
      const key = common[change.at]?.[0] ?? `new-${change.at}`;
      if (change.to === null) rows.delete(key);
      else rows.set(key, heldPart(change.who, change.to));
    }
    return worlds;
  });
