/** federation.yaml and the whole folder once read: everything that an authority must have its own copy of. */
import type { TypeDocuments } from '../agreed-under.js';
import { z } from 'zod';
import type { Digest } from '../digest.js';
import type { Capability } from '../effect/capability.js';
import { byCodeUnit } from '../json.js';
import { AuthorityId } from '../record.js';
import type { AcceptedManifest } from './accepted-manifest.js';
import { PublicKey, type Authority } from './authority.js';
import { shapeOf, type Configuration } from './configuration.js';
import type { Dataset } from './dataset.js';
import { configuredDataset, configuredTerms, documentsOf, type ConfiguredDocument } from './documents.js';
import type { TypeMap } from './map.js';
import type { NativeWriteKind } from './native-types.js';
import type { TypePolicy } from './resolution.js';
import { surfaceOf, type TypeSurface } from './surface.js';
import { effectFieldsOf, type TaxonomyType } from './taxonomy.js';
import { mapInForm, surfaceInForm } from './versions.js';

export const Member = z.strictObject({
  id: AuthorityId,
  key: PublicKey.optional().describe(
    'the key by which this authority signs its manifest, written by `concordat keys generate`; compare its thumbprint by another way',
  ),
});
export type Member = z.infer<typeof Member>;

export const FederationFile = z.strictObject({
  federation: z
    .string()
    .max(40)
    .regex(/^[a-z][a-z0-9-]*[a-z0-9]$/),
  description: z.string().optional(),
  members: z.array(Member).min(2),
  // Absent and not a default: the configuration of a federation that demands nothing stays what it was.
  authors: z
    .enum(['required', 'optional'])
    .optional()
    .describe('required: a person must have signed each map, type, dataset and authority file (`concordat sign`)'),
});
export type FederationFile = z.infer<typeof FederationFile>;

/** The folder, parsed and cross-checked. `maps` is keyed `<authority>.<type>`. */
export interface Federation {
  readonly file: FederationFile;
  readonly authorities: Readonly<Record<AuthorityId, Authority>>;
  readonly taxonomy: Readonly<Record<string, TaxonomyType>>;
  /** Absent where the folder declares none. */
  readonly capabilities?: readonly Capability[];
  readonly maps: Readonly<Record<string, TypeMap>>;
  readonly datasets: Readonly<Record<string, Dataset>>;
  /** Absent where the folder was read as it is. Where it is there, `authorities` hold the terms that are in force. */
  readonly manifests?: Readonly<Record<AuthorityId, AcceptedManifest>>;
  /** By document (`maps/aws.person`), the AuthorStatements that hold, as compact JWS. Absent where there are none. */
  readonly statements?: Readonly<Record<string, readonly string[]>>;
}

/** Fields of a type that the same members hold: compared under one digest, so that a cloud without a place for a field does not make every record differ. */
export interface FieldGroup {
  readonly id: string;
  readonly fields: readonly string[];
  readonly members: readonly AuthorityId[];
}

export interface DatasetType {
  readonly taxonomy: TaxonomyType;
  /** Per member that takes part, the fields it holds and exposes. Who stands not here holds no record of this type. */
  readonly held: Readonly<Record<AuthorityId, readonly string[]>>;
  /** Members that hold this type and take no part in the run, sorted: nothing is deleted and no base moves without them. */
  readonly absent: readonly AuthorityId[];
  readonly groups: readonly FieldGroup[];
  /** Fields that a member of the dataset shows only as a digest, sorted: every holder seals them. */
  readonly digests: readonly string[];
  /** Absent where the dataset declares none for this type: then the three-way rules hold. */
  readonly policy?: TypePolicy;
  /** Per member, what its native type does not allow; who stands not here may do everything. */
  readonly cannot?: Readonly<Record<AuthorityId, readonly NativeWriteKind[]>>;
  /** Per member and field, values that its map says it has no image for: such a record is not missing there. */
  readonly lacks?: Readonly<Record<AuthorityId, Readonly<Record<string, readonly string[]>>>>;
  /** Of a type with an effect: per member, the capabilities that its kind of cloud can express; about others it is silent. */
  readonly sayable?: Readonly<Record<AuthorityId, readonly string[]>>;
  /** Which taxonomy and maps make it so, as they are written; absent only where a shape is made of no configuration. */
  readonly documents?: TypeDocuments;
}

/** What compare and plan need to know of a dataset, taken from the folder once. Types stand in dependency order. */
export interface DatasetShape {
  readonly dataset: Configuration['dataset'];
  readonly members: readonly AuthorityId[];
  readonly types: readonly DatasetType[];
  /** Members that take no part in the run, sorted. */
  readonly absent: readonly AuthorityId[];
  readonly configuration: Digest;
  /** What people signed as its authors; absent where nobody signed anything. */
  readonly documents?: readonly ConfiguredDocument[];
}

/** In the words of the type as it is now. */
export function mapOf(federation: Federation, authority: AuthorityId, type: string): TypeMap | undefined {
  const map = writtenMapOf(federation, authority, type);
  const taxonomy = federation.taxonomy[type];
  return map && taxonomy ? mapInForm(map, taxonomy) : map;
}

/** As its file has it, whatever version of the type it was written for. */
export function writtenMapOf(federation: Federation, authority: AuthorityId, type: string): TypeMap | undefined {
  const map = federation.maps[`${authority}.${type}`];
  return map?.lifecycle === 'active' ? map : undefined;
}

/** What an authority exposes of a type, in the words of the type as it is now; undefined where it exposes nothing of it. */
export function surfaceIn(federation: Federation, authority: AuthorityId, type: string): TypeSurface | undefined {
  const terms = federation.authorities[authority];
  const surface = terms && surfaceOf(terms, type);
  const taxonomy = federation.taxonomy[type];
  return surface && taxonomy ? surfaceInForm(surface, taxonomy) : surface;
}

/**
 * Everything that all members must hold alike: dataset, taxonomy, maps, and of each authority the terms that are in force,
 * but not how its mesh is reached. Keys of authorities stand in no configuration: each may renew its own at any time, and
 * what it then signs verifies or does not.
 */
export function configurationOf(federation: Federation, dataset: Dataset): Configuration {
  const members = [...dataset.members].sort();
  const hasEffects = dataset.types.some((type) => {
    const taxonomy = federation.taxonomy[type];
    return taxonomy !== undefined && effectFieldsOf(taxonomy).length > 0;
  });
  const configuration: Configuration = {
    federation: federation.file.federation,
    dataset: configuredDataset(dataset),
    taxonomy: dataset.types.map((type) => federation.taxonomy[type] ?? null),
    ...(hasEffects && federation.capabilities ? { capabilities: [...federation.capabilities] } : {}),
    maps: members.flatMap((member) => dataset.types.map((type) => writtenMapOf(federation, member, type) ?? null)),
    authorities: members.map((member) => {
      const authority = federation.authorities[member];
      return authority ? configuredTerms(authority) : null;
    }),
  };
  const signed = federation.statements ?? {};
  const statements = documentsOf(configuration, (name) => signed[name] ?? []).flatMap(({ name, statements: all }) =>
    all.map((jws) => ({ document: name, jws })),
  );
  return {
    ...configuration,
    ...(statements.length > 0 ? { statements } : {}),
    ...(federation.file.authors === 'required' ? { authors: 'required' as const } : {}),
  };
}

/** Throws only where `validate` would have refused the folder. */
export function datasetShape(federation: Federation, datasetName: string): DatasetShape {
  const dataset = federation.datasets[datasetName];
  if (!dataset) throw new Error(`the federation has no dataset ${datasetName}`);
  return shapeOf(configurationOf(federation, dataset));
}

/** What is left to compare where some members take no part: they count with what the base says of them. */
export function shapeWithout(shape: DatasetShape, absent: readonly AuthorityId[]): DatasetShape {
  if (absent.length === 0) return shape;
  const isAbsent = new Set(absent);
  return {
    ...shape,
    absent: [...absent].sort(byCodeUnit),
    types: shape.types.map((type) => ({
      ...type,
      held: Object.fromEntries(Object.entries(type.held).filter(([member]) => !isAbsent.has(member))),
      absent: Object.keys(type.held)
        .filter((member) => isAbsent.has(member))
        .sort(byCodeUnit),
    })),
  };
}
