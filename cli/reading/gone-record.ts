/** Which record somebody means whose data is gone from the agreed base: it is looked for in the bases before. */
import { exchangeDocument, newestBase } from '../../activities/lineage/make-export.js';
import { readErasures } from '../../activities/lineage/erasures.js';
import { keysOfFederation } from '../../activities/lineage/trusted-keys.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { readAll } from '../../activities/sealing/read-records.js';
import type { ObjectStore } from '../../activities/store.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { erasureSubject } from '../../core/lineage/erasure.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { Base } from '../../core/messages.js';
import type { SealedType } from '../../core/sealed.js';

/** Fewer characters of a key could be a name. */
const keyCharactersMin = 8;

/**
 * By its federated key, the beginning of one, or the name that people knew it by, in the newest base that had it. Throws
 * notFound where none that can still be read had it, usage where several are meant.
 */
export async function recordEverNamed(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  word: string,
): Promise<RecordName> {
  const members = federation.datasets[dataset]?.members ?? [];
  const prefixes = [...members, 'federation'];
  for (let base = await newestBase(exchange, members, dataset); base;) {
    const found: RecordName[] = [];
    for (const sealed of base.types)
      found.push(...(await namedIn(federation, exchange, prefixes, dataset, sealed, word)));
    const [only, ...more] = found;
    if (more.length > 0)
      throw new ConcordatError('usage', `several records are meant: ${found.map(({ key }) => key).join(', ')}`);
    if (only) return only;
    base = base.previous === null ? null : await exchangeDocument(exchange, prefixes, base.previous, Base);
  }
  const erased = await erasedByKey(federation, exchange, dataset, word);
  if (erased) return erased;
  throw new ConcordatError(
    'notFound',
    `no base of ${dataset} that can still be read had a record of the key, the beginning of a key or the name that was given; give its whole key with --type`,
  );
}

/** A record of which nothing is left but receipts is found by its whole key; null where no receipt is about it. */
export async function erasedByKey(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  key: string,
): Promise<RecordName | null> {
  const erasures = await readErasures(exchange, keysOfFederation(federation), dataset);
  for (const type of federation.datasets[dataset]?.types ?? []) {
    const subject = erasureSubject({ dataset, type, key });
    if (erasures.some(({ receipt }) => receipt.subject === subject)) return { dataset, type, key };
  }
  return null;
}

async function namedIn(
  federation: Federation,
  exchange: ObjectStore,
  prefixes: readonly string[],
  dataset: string,
  sealed: SealedType,
  word: string,
): Promise<readonly RecordName[]> {
  const taxonomy = federation.taxonomy[sealed.type];
  const label = taxonomy?.label ?? Object.keys(taxonomy?.fields ?? {})[0] ?? '';
  const found: RecordName[] = [];
  try {
    for await (const { type, key, fields } of readAll(sealed, createSegmentReader({ store: exchange, prefixes })))
      if ((word.length >= keyCharactersMin && key.startsWith(word)) || fields[label] === word)
        found.push({ dataset, type, key });
  } catch (error) {
    // Segments of this base were erased with some record; an older or a newer one may still tell.
    if (!(error instanceof ConcordatError) || error.code !== 'storeFault') throw error;
  }
  return found.slice(0, 6);
}
