/** Which files a federation folder has, what each is named after, and the schema that reads it. */
import type { z } from 'zod';
import { Authority } from './authority.js';
import { Capabilities } from './capabilities.js';
import { Dataset } from './dataset.js';
import { FederationFile } from './federation.js';
import { TypeMap } from './map.js';
import { TaxonomyType } from './taxonomy.js';

export const fileKinds = ['federation', 'authority', 'taxonomy', 'capabilities', 'map', 'dataset'] as const;
export type FileKind = (typeof fileKinds)[number];

export const schemaOf: Readonly<Record<FileKind, z.ZodType>> = {
  federation: FederationFile,
  authority: Authority,
  taxonomy: TaxonomyType,
  capabilities: Capabilities,
  map: TypeMap,
  dataset: Dataset,
};

/** Kinds of which there are many files, each named after what it holds. */
export type NamedKind = Exclude<FileKind, 'federation' | 'capabilities'>;

export const folderOf: Readonly<Record<NamedKind, string>> = {
  authority: 'authorities',
  taxonomy: 'taxonomy',
  map: 'maps',
  dataset: 'datasets',
};

export const federationFileName = 'federation.yaml';
/** Among the types: no type can be called so. */
export const capabilitiesFileName = 'taxonomy/capabilities.yaml';

/** Folders beside the files that hold no federation files. */
export const otherFolders: readonly string[] = ['keys', 'manifests', 'policy-tests', 'proposals', 'schemas'];

/** Null for a name that no federation file has. */
export function fileKindOf(file: string): FileKind | null {
  if (file === federationFileName) return 'federation';
  if (file === capabilitiesFileName) return 'capabilities';
  const [folder, name, ...deeper] = file.split('/');
  if (name === undefined || deeper.length > 0 || !name.endsWith('.yaml')) return null;
  return (Object.keys(folderOf) as NamedKind[]).find((kind) => folderOf[kind] === folder) ?? null;
}

/** `authorities/aws.yaml` → `aws`. */
export function stemOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.yaml$/, '');
}

/** `maps/aws.person.yaml` → aws and person. Authority ids hold no dot. */
export function mapNameOf(file: string): { readonly authority: string; readonly type: string } {
  const stem = stemOf(file);
  const dot = stem.indexOf('.');
  return dot < 0 ? { authority: stem, type: '' } : { authority: stem.slice(0, dot), type: stem.slice(dot + 1) };
}
