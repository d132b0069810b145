/**
 * The objects that hold the records of a type: the one that is declared, or all parts under a prefix by one listing, in
 * code unit order of their names.
 */
import { createHash } from 'node:crypto';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { ListedObject, ObjectFile, ObjectStore, OpenObject, PartFiles, RecordFile } from './object-store.js';

export interface Part {
  readonly file: ObjectFile;
  /** Of the version that was listed; undefined where nothing was. */
  readonly etag: string | undefined;
  readonly bytes: number | null;
}

export interface Parts {
  readonly parts: readonly Part[];
  /** The same names with the same ETags have the same; null of an object that is declared by its name. */
  readonly mark: string | null;
}

type Lister = Pick<ObjectStore, 'list'>;

/** Throws ConcordatError: scopeNotFound where no part is there, listChanged where the listing contradicts itself. */
export async function partsOf(store: Lister, declared: RecordFile, signal?: AbortSignal): Promise<Parts> {
  if (!('parts' in declared)) return { parts: [{ file: declared, etag: undefined, bytes: null }], mark: null };
  const listed = await listParts(store, declared, signal);
  const { parts: _prefix, ...format } = declared;
  return {
    parts: listed.map(({ name, etag, bytes }) => ({ file: { ...format, file: name }, etag, bytes })),
    mark: markOf(listed.map(({ name, etag }) => [name, etag])),
  };
}

/** HAZARD: no part at all is a wrong prefix more often than a type without records, so it is never an empty list. */
export async function listParts(
  store: Lister,
  { parts: prefix }: PartFiles,
  signal?: AbortSignal,
): Promise<readonly ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const page of store.list(prefix, signal)) {
    signal?.throwIfAborted();
    for (const object of page) if (isPart(object.name.slice(prefix.length))) found.push(object);
  }
  if (found.length === 0) throw new ConcordatError('scopeNotFound', `nothing is there under ${prefix}`);
  const sorted = found.sort((left, right) => byCodeUnit(left.name, right.name));
  if (sorted.some(({ name }, at) => name === sorted[at - 1]?.name))
    throw new ConcordatError('listChanged', `the list of ${prefix} changed while it was read`);
  return sorted;
}

/** Throws listChanged where a part that was listed is not there any more. */
export async function openListed<Opened extends OpenObject>(
  store: Pick<ObjectStore<Opened>, 'open'>,
  { file, etag }: Part,
): Promise<Opened> {
  return store.open(file).catch((error: unknown) => {
    if (etag === undefined || !(error instanceof ConcordatError) || error.code !== 'scopeNotFound') throw error;
    throw new ConcordatError('listChanged', `${file.file} is gone since it was listed`);
  });
}

/**
 * What others leave beside their parts is none: markers (`_SUCCESS`), attempts (`_temporary/`), checksums (`.part.crc`),
 * names that stand for folders. `_day=3` is the name of a column with its value.
 */
function isPart(name: string): boolean {
  if (name === '' || name.endsWith('/')) return false;
  return !name.split('/').some((part) => part.startsWith('.') || (part.startsWith('_') && !part.includes('=')));
}

export function markOf(versions: unknown): string {
  return createHash('sha256').update(JSON.stringify(versions)).digest('hex');
}
