/** The records of which an authority is asked in one run what stands behind them here: those that a plan or an agreement is about. */
import { createHash } from 'node:crypto';
import { byCodeUnit } from '../../core/json.js';
import type { Operation } from '../../core/operation.js';
import type { AskedKeys } from '../link-buckets.js';
import type { Recomputed } from '../recompute.js';
import { sha256Hex } from '../sealing/sha256.js';

/** Of more of them everything is learned: what is held of one takes a kilobyte. */
export const askedRecordsMax = 25_000;

export interface AskedRecords {
  readonly has: (type: string, key: string) => boolean;
  /** Of a type; null where they cannot be listed. */
  readonly keysOf: (type: string) => ReadonlySet<string> | null;
  /** One name for the same records; null where they cannot be listed. */
  readonly name: string | null;
}

// Only a memory of pure results: the same question again is told from it (link-table.ts).
const keysOfAsked = new WeakMap<AskedRecords, Map<string, AskedKeys>>();

/** Of one type, as its links are asked for them. */
export function askedKeys(asked: AskedRecords, type: string): AskedKeys {
  const byType = keysOfAsked.get(asked) ?? new Map<string, AskedKeys>();
  keysOfAsked.set(asked, byType);
  const keys = byType.get(type) ?? { has: (key: string) => asked.has(type, key), list: asked.keysOf(type) };
  byType.set(type, keys);
  return keys;
}

export function askedFor(records: Iterable<{ readonly type: string; readonly key: string }>): AskedRecords | null {
  const byType = new Map<string, Set<string>>();
  let count = 0;
  for (const { type, key } of records) {
    const keys = byType.get(type) ?? new Set<string>();
    byType.set(type, keys.add(key));
    count += 1;
  }
  if (count > askedRecordsMax) return null;
  const hash = createHash('sha256');
  for (const [type, keys] of [...byType].sort(([left], [right]) => byCodeUnit(left, right)))
    hash.update(JSON.stringify([type, [...keys].sort(byCodeUnit)]));
  const none: ReadonlySet<string> = new Set();
  return {
    has: (type, key) => byType.get(type)?.has(key) === true,
    keysOf: (type) => byType.get(type) ?? none,
    name: hash.digest('hex'),
  };
}

/** What members or base differ on, and what the plan would write: review, gate and commit ask for nothing else. Null where they are many. */
export function askedOfPlan({ views, plan }: Pick<Recomputed, 'views' | 'plan'>): AskedRecords | null {
  const records: { readonly type: string; readonly key: string }[] = [];
  for (const [type, ofType] of Object.entries(views)) {
    if (records.length + ofType.length > askedRecordsMax) return null;
    for (const { key } of ofType) records.push({ type, key });
  }
  const add = ({ type, key }: Operation): void => void records.push({ type, key });
  for (const operation of plan.operations) add(operation);
  for (const { candidates } of plan.conflicts) for (const { operations } of candidates) operations.forEach(add);
  return askedFor(records);
}

/** Some more, of which only this is known. */
export function askedAlso(asked: AskedRecords, isAsked: (type: string, key: string) => boolean): AskedRecords {
  return { has: (type, key) => asked.has(type, key) || isAsked(type, key), keysOf: () => null, name: null };
}

/** For names of what is kept about the same records. */
export function nameOf(parts: readonly unknown[]): string {
  return sha256Hex(JSON.stringify(parts));
}
