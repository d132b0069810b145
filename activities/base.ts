/** The next base, sealed: the old one with what members now agree on put in and what all have let go taken out. */
import { digestOf } from '../core/digest.js';
import type { DatasetShape } from '../core/federation/federation.js';
import { referredTypes, type TaxonomyType } from '../core/federation/taxonomy.js';
import type { Base } from '../core/messages.js';
import { isBaseBehind, migratedFields } from '../core/migrate-base.js';
import type { LongList } from '../core/long-list.js';
import type { BaseChange } from '../core/next-base.js';
import type { Fields } from '../core/record.js';
import type { DigestKeyId } from '../core/sealed-value.js';
import type { SealedType } from '../core/sealed.js';
import { letOthersRun } from './event-loop.js';
import { createSealer } from './sealing/sealer.js';
import { resealChanged } from './sealing/reseal-changed.js';
import { readAll } from './sealing/read-records.js';
import { createSegmentReader } from './sealing/segment-reader.js';
import type { ObjectStore } from './store.js';
import type { UnanimousByType } from './unanimous.js';
import { recordsTakenOver, sealFirst } from './unanimous-base.js';

/** So many new records are added to a base segment by segment like changes; of more, all segments are made anew. */
const fewMax = 10_000;

/** A smaller object of lines is written anew with every change. Part of concordat-later-lines/1. */
const apartFromBytes = 1024 * 1024;

export interface SealedBase {
  readonly base: Base;
  readonly digest: string;
}

/** Segments go under `prefix`; those that lie under another member's prefix already are the same bytes under the same name. */
export async function sealNextBase(options: {
  readonly shape: DatasetShape;
  readonly previous: Base | null;
  readonly previousDigest: string | null;
  readonly changes: LongList<BaseChange>;
  /** None of them is among the changes. */
  readonly unanimous: UnanimousByType;
  /** As in the Base. */
  readonly digestKeys: readonly DigestKeyId[] | undefined;
  readonly versions: Base['versions'];
  readonly agreedUnder: Base['agreedUnder'];
  readonly authored: Base['authored'];
  /** Whether all who take part in the run read bases of format 2. */
  readonly mayLieApart?: boolean;
  readonly exchange: ObjectStore;
  readonly prefix: string;
  readonly heartbeat?: () => void;
}): Promise<SealedBase> {
  const { shape, previous, changes, exchange, prefix } = options;
  const reader = createSegmentReader({ store: exchange, prefixes: [prefix, ...shape.members] });
  const types: SealedType[] = [];
  for (const type of shape.types) {
    const name = type.taxonomy.type;
    const old = previous?.types.find((sealed) => sealed.type === name);
    const changed = new Map(changes.filter((change) => change.type === name).map((change) => [change.key, change]));
    const isBehind = isBaseBehind(previous, type.taxonomy);
    const unanimous = options.unanimous[name];
    const isMember = shape.members.includes(prefix);
    const added = unanimous && {
      unanimous,
      reader,
      store: exchange,
      prefix,
      isMember,
      heartbeat: options.heartbeat,
    };
    const first = added && (old?.count ?? 0) === 0 ? await sealFirst(added, putsOf(changed)) : null;
    if (first) {
      types.push(first);
      continue;
    }
    const isFew = unanimous !== undefined && unanimous.count <= fewMax;
    if (added && isFew)
      for await (const { key, fields } of recordsTakenOver(added))
        changed.set(key, { kind: 'put', type: name, key, fields });
    const resealed =
      old &&
      !isBehind &&
      (!added || isFew) &&
      (await resealChanged({
        previous: old,
        changes: fieldsByKey(changed),
        groups: type.groups,
        reader,
        store: exchange,
        prefix,
        ...(options.mayLieApart && !namesOthers(type.taxonomy) ? { apartFromBytes } : {}),
      }));
    if (resealed) {
      types.push(resealed);
      continue;
    }
    const sealer = createSealer({
      store: exchange,
      prefix,
      type: name,
      groups: type.groups,
      expectedCount: (old?.count ?? 0) + changed.size + (unanimous?.count ?? 0),
    });
    try {
      let count = 0;
      if (old) {
        for await (const record of readAll(old, reader)) {
          await letOthersRun();
          if (!changed.has(record.key))
            sealer.add(isBehind ? { ...record, fields: migratedFields(record.fields, type.taxonomy) } : record);
          count += 1;
          if (count % 5_000 === 0) options.heartbeat?.();
        }
      }
      for (const change of changed.values())
        if (change.kind === 'put') sealer.add({ type: name, key: change.key, fields: change.fields });
      if (added && !isFew) for await (const record of recordsTakenOver(added)) sealer.add({ type: name, ...record });
      types.push(await sealer.finish());
    } finally {
      sealer.discard();
    }
  }
  const base: Base = {
    dataset: shape.dataset.dataset,
    sequence: (previous?.sequence ?? 0) + 1,
    previous: options.previousDigest,
    types,
    ...(options.digestKeys ? { digestKeys: [...options.digestKeys] } : {}),
    ...(options.versions ? { versions: options.versions } : {}),
    ...(options.agreedUnder ? { agreedUnder: options.agreedUnder } : {}),
    ...(options.authored ? { authored: options.authored } : {}),
  };
  return { base, digest: digestOf(base) };
}

/**
 * HAZARD: what a record said before stays in the large object while that is needed. Where it named another record by its key, that
 * one could not be erased for as long.
 */
function namesOthers({ fields }: TaxonomyType): boolean {
  return Object.values(fields).some((kind) => kind.kind === 'effect' || referredTypes(kind).length > 0);
}

/** What lies in a base that held nothing before. */
function putsOf(changed: ReadonlyMap<string, BaseChange>): ReadonlyMap<string, Fields> {
  return new Map(
    [...changed].flatMap(([key, change]) => (change.kind === 'put' ? [[key, change.fields] as const] : [])),
  );
}

/** What a reseal takes: the new fields of a key, null where it goes. */
function fieldsByKey(changed: ReadonlyMap<string, BaseChange>): ReadonlyMap<string, Fields | null> {
  return new Map([...changed].map(([key, change]) => [key, change.kind === 'put' ? change.fields : null]));
}
