/**
 * Where a store is, as one text: a folder, or `s3://BUCKET/PREFIX?region=…&endpoint=…&profile=…` for S3 and what speaks its
 * API (the names of the parameters are those of gocloud.dev's blob URLs). No secret has a place in it: credentials are
 * found as every AWS SDK finds them, under the profile where one is named.
 */
import path from 'node:path';
import { ConcordatError } from '../core/errors.js';
import { createLateStore } from './late-store.js';
import { createFileStore } from './store-files.js';
import type { ObjectStore } from './store.js';

export type StoreLocation = FolderLocation | S3Location;

export interface FolderLocation {
  readonly kind: 'folder';
  readonly folder: string;
}

export interface S3Location {
  readonly kind: 's3';
  readonly bucket: string;
  /** '' or ends with a slash. */
  readonly prefix: string;
  readonly region?: string;
  /** Of a server that is not AWS; then the bucket stands in the path of a request and not in its host. */
  readonly endpoint?: string;
  /** Of the shared files of the AWS SDKs; without it, the environment and what comes after it. */
  readonly profile?: string;
}

const parameters = ['region', 'endpoint', 'profile'] as const;

/** Throws usage with all that is wrong. `name` is the variable or option that held the text. */
export function parseStoreLocation(text: string, name: string): StoreLocation {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'folder', folder: path.resolve(text) };
  const faults: string[] = [];
  // HAZARD: the text may hold a password where a user name can stand; no message repeats it whole.
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ConcordatError('usage', `${name} is neither a folder nor a URL such as s3://bucket/prefix`);
  }
  if (url.protocol !== 's3:') faults.push(`${name} starts with ${url.protocol}//; a folder or s3:// is known here`);
  if (url.username !== '' || url.password !== '')
    faults.push(`${name} holds credentials: name a profile of the AWS configuration with ?profile= in place of them`);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname))
    faults.push(`${name} names no bucket: s3://BUCKET/PREFIX`);
  if (url.hash !== '') faults.push(`${name} has a # in it, which a prefix cannot have`);
  for (const given of new Set(url.searchParams.keys())) {
    if (!parameters.some((known) => known === given))
      faults.push(`${name} has an unknown parameter ${given}; known are ${parameters.join(', ')}`);
    else if (url.searchParams.getAll(given).length > 1) faults.push(`${name} says ${given} more than once`);
    else if (url.searchParams.get(given) === '') faults.push(`${name} says ${given}= and then nothing`);
  }
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null && endpoint !== '' && !/^https?:\/\/[^/]+/.test(endpoint))
    faults.push(`${name} has an endpoint that is no http or https URL`);
  const inside = decoded(url.pathname).replace(/^\/+/, '').replace(/\/+$/, '');
  if (faults.length > 0) throw new ConcordatError('usage', faults.join('\n'));
  const region = url.searchParams.get('region');
  const profile = url.searchParams.get('profile');
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: inside === '' ? '' : `${inside}/`,
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    ...(profile === null ? {} : { profile }),
  };
}

/** The text of `parseStoreLocation` made whole: a folder becomes absolute, a URL stays. Throws usage. */
export function absoluteLocation(text: string, name: string): string {
  const location = parseStoreLocation(text, name);
  return location.kind === 'folder' ? location.folder : text;
}

const locations = new WeakMap<ObjectStore, string>();

/** Opens what `text` names. Nothing is read or made before the first use. Throws usage. */
export function openStore(text: string, name = 'the store'): ObjectStore {
  const location = parseStoreLocation(text, name);
  const store =
    location.kind === 'folder'
      ? createFileStore(location.folder)
      : createLateStore(async () => (await import('./store-s3.js')).createS3Store(location));
  locations.set(store, absoluteLocation(text, name));
  return store;
}

/** The text under which a thread can open the same store; undefined where none did, as for a store in memory. */
export function locationOf(store: ObjectStore): string | undefined {
  return locations.get(store);
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
