/** Which record somebody means: by federated key, by the name that people know it by, by the id that hops give it, or by its id in a mesh. */
import { access } from 'node:fs/promises';
import { loadLinks } from '../../activities/links.js';
import { newestBase } from '../../activities/lineage/make-export.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { readAll, readOne } from '../../activities/sealing/read-records.js';
import { createFileStore } from '../../activities/store-files.js';
import type { ObjectStore } from '../../activities/store.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { erasedByKey } from './gone-record.js';
import { recordByOpaqueId } from './opaque-record.js';
import type { Layout } from '../local/layout.js';

/** Fewer characters of a key could be a name. */
const keyCharactersMin = 8;

/** Throws notFound where the base holds no such record, usage where several are meant. */
export async function recordNamed(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  word: string,
): Promise<RecordName> {
  const members = federation.datasets[dataset]?.members ?? [];
  const base = await newestBase(exchange, members, dataset);
  if (!base)
    throw new ConcordatError('notFound', `${dataset} has no agreement yet; start a run with \`concordat run\``);
  const reader = createSegmentReader({ store: exchange, prefixes: [...members] });
  for (const sealed of base.types)
    if (await readOne(sealed, word, reader)) return { dataset, type: sealed.type, key: word };
  const found: RecordName[] = [];
  for (const sealed of base.types) {
    const taxonomy = federation.taxonomy[sealed.type];
    const label = taxonomy?.label ?? Object.keys(taxonomy?.fields ?? {})[0] ?? '';
    for await (const { type, key, fields } of readAll(sealed, reader)) {
      const isKey = word.length >= keyCharactersMin && key.startsWith(word);
      if (isKey || fields[label] === word) found.push({ dataset, type, key });
      if (found.length > 5) break;
    }
  }
  const [only, ...more] = found;
  const erased = only ? null : await erasedByKey(federation, exchange, dataset, word);
  if (erased) return erased;
  const named = only ? null : await recordByOpaqueId(members, exchange, dataset, word);
  if (named) return named;
  if (!only)
    throw new ConcordatError(
      'notFound',
      `no record of ${dataset} has the key, the beginning of a key, the opaque id or the name ${word}; a record that is gone is found by its whole key with --type`,
    );
  if (more.length > 0)
    throw new ConcordatError('usage', `several records are meant: ${found.map(({ key }) => key).join(', ')}`);
  return only;
}

/** Only the authority whose mesh it is can tell: its links lie in its private store. */
export async function recordInMesh(
  federation: Federation,
  layout: Layout,
  dataset: string,
  authority: AuthorityId,
  nativeId: string,
): Promise<RecordName> {
  if (!federation.authorities[authority])
    throw new ConcordatError('usage', `the federation has no authority ${authority}`);
  const folder = layout.privateFolder(authority);
  try {
    await access(folder);
  } catch (error) {
    throw new ConcordatError(
      'notFound',
      `the links of ${authority} are in its private store, and ${folder} is not on this machine; run this where the worker of ${authority} runs`,
      { cause: error },
    );
  }
  const store = createFileStore(folder);
  const linkKey = await store.get('secrets/link-key');
  if (!linkKey) throw new ConcordatError('notFound', `the private store of ${authority} has no link key yet`);
  const links = await loadLinks(store, dataset, linkKey);
  for (const type of federation.datasets[dataset]?.types ?? []) {
    const key = await links.linkedKeyOf(type, nativeId);
    if (key !== null) return { dataset, type, key };
  }
  throw new ConcordatError('notFound', `${authority} has linked no object ${nativeId} to a record of ${dataset}`);
}
