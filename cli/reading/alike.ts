/** A record of which nothing is to be explained, because all who hold its type show it alike: who shows it, and which base has it. */
import { readAll, readOne } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import type { ObjectStore } from '../../activities/store.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import { byCodeUnit } from '../../core/json.js';
import type { AuthorityId } from '../../core/record.js';
import type { SealedType } from '../../core/sealed.js';

export interface Sealed {
  readonly exchange: ObjectStore;
  readonly taxonomy: Readonly<Record<string, TaxonomyType>>;
  /** What each member of the run sealed. */
  readonly members: Readonly<Record<AuthorityId, readonly SealedType[]>>;
  /** The base that the run began with. */
  readonly base: { readonly sequence: number; readonly types: readonly SealedType[] } | null;
}

/**
 * By the beginning of a key or a whole name. Reads what is sealed until one is found: a second for a million records. Null
 * where nobody shows such a record. Throws storeFault and inputNotAuthentic as reads of segments do.
 */
export async function alikeWords(sealed: Sealed, word: string): Promise<string | null> {
  const ids = Object.keys(sealed.members).sort(byCodeUnit);
  const reader = createSegmentReader({ store: sealed.exchange, prefixes: ids });
  const called = await recordCalled();
  if (!called) return null;
  const { type, key } = called;
  const showing: AuthorityId[] = [];
  for (const id of ids) {
    const own = sealed.members[id]?.find((one) => one.type === type);
    if (own && (await readOne(own, key, reader))) showing.push(id);
  }
  const agreed = sealed.base?.types.find((one) => one.type === type);
  const inBase = agreed !== undefined && (await readOne(agreed, key, reader)) !== undefined;
  const since =
    inBase && sealed.base
      ? `as base ${sealed.base.sequence} has it (\`concordat lineage\` says since when)`
      : 'and no base had it: the next one takes it over as they show it';
  return `${type} ${key.slice(0, 12)} differs nowhere: ${showing.join(', ')} show it alike, ${since}`;

  async function recordCalled(): Promise<{ readonly type: string; readonly key: string } | null> {
    for (const id of ids)
      for (const own of sealed.members[id] ?? []) {
        const taxonomy = sealed.taxonomy[own.type];
        const label = taxonomy?.label ?? Object.keys(taxonomy?.fields ?? {})[0] ?? '';
        for await (const { type, key, fields } of readAll(own, reader))
          if (key.startsWith(word) || key.startsWith(`~${word}`) || fields[label] === word) return { type, key };
      }
    return null;
  }
}
