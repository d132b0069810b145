/** federation.yaml and the whole folder once read: everything that an authority must have its own copy of. */
import { z } from 'zod';
import { digestOf, type Digest } from '../digest.js';
import { AuthorityId } from '../record.js';
import { PublicKey, type Authority } from './authority.js';
import type { Dataset } from './dataset.js';
import type { TypeMap } from './map.js';
import { inDependencyOrder, type TaxonomyType } from './taxonomy.js';

export const Member = z.strictObject({
  id: AuthorityId,
  key: PublicKey.optional().describe('the pinned key of this authority, written by `concordat keys generate`'),
});
export type Member = z.infer<typeof Member>;

export const FederationFile = z.strictObject({
  federation: z
    .string()
    .max(40)
    .regex(/^[a-z][a-z0-9-]*[a-z0-9]$/),
  description: z.string().optional(),
  members: z.array(Member).min(2),
});
export type FederationFile = z.infer<typeof FederationFile>;

/** The folder, parsed and cross-checked. `maps` is keyed `<authority>.<type>`. */
export interface Federation {
  readonly file: FederationFile;
  readonly authorities: Readonly<Record<AuthorityId, Authority>>;
  readonly taxonomy: Readonly<Record<string, TaxonomyType>>;
  readonly maps: Readonly<Record<string, TypeMap>>;
  readonly datasets: Readonly<Record<string, Dataset>>;
}

/** Fields of a type that the same members hold: compared under one digest, so that a cloud without a place for a field does not make every record differ. */
export interface FieldGroup {
  readonly id: string;
  readonly fields: readonly string[];
  readonly members: readonly AuthorityId[];
}

export interface DatasetType {
  readonly taxonomy: TaxonomyType;
  /** Per member, the fields it holds and exposes. A member that is absent holds no record of this type. */
  readonly held: Readonly<Record<AuthorityId, readonly string[]>>;
  readonly groups: readonly FieldGroup[];
}

/** What compare and plan need to know of a dataset, taken from the folder once. Types stand in dependency order. */
export interface DatasetShape {
  readonly dataset: Dataset;
  readonly members: readonly AuthorityId[];
  readonly types: readonly DatasetType[];
  readonly configuration: Digest;
}

export function mapOf(federation: Federation, authority: AuthorityId, type: string): TypeMap | undefined {
  const map = federation.maps[`${authority}.${type}`];
  return map?.lifecycle === 'active' ? map : undefined;
}

function heldFields(federation: Federation, authority: AuthorityId, type: string): readonly string[] | undefined {
  const map = mapOf(federation, authority, type);
  const surface = federation.authorities[authority]?.surface[type];
  if (!map || !surface) return undefined;
  return Object.keys(map.fields)
    .filter((field) => surface.includes(field))
    .sort();
}

/**
 * The digest of everything that all members must hold alike: dataset, taxonomy, maps, and of each authority what it
 * published (surface, constraints, approvers, quorum), but not how its mesh is reached.
 */
export function configurationDigest(federation: Federation, dataset: Dataset): Digest {
  const members = [...dataset.members].sort();
  return digestOf({
    federation: federation.file.federation,
    dataset: { ...dataset, members, schedule: null },
    keys: federation.file.members
      .filter((member) => members.includes(member.id))
      .map((member) => ({ id: member.id, key: member.key ?? null })),
    taxonomy: dataset.types.map((type) => federation.taxonomy[type] ?? null),
    maps: members.flatMap((member) => dataset.types.map((type) => mapOf(federation, member, type) ?? null)),
    authorities: members.map((member) => {
      const authority = federation.authorities[member];
      return authority
        ? {
            id: member,
            surface: authority.surface,
            constraints: authority.constraints,
            approval: authority.approval,
            approvers: authority.approvers,
          }
        : null;
    }),
  });
}

/** Throws only where `validate` would have refused the folder. */
export function datasetShape(federation: Federation, datasetName: string): DatasetShape {
  const dataset = federation.datasets[datasetName];
  if (!dataset) throw new Error(`the federation has no dataset ${datasetName}`);
  const members = [...dataset.members].sort();
  const taxonomies = dataset.types.map((type) => {
    const taxonomy = federation.taxonomy[type];
    if (!taxonomy) throw new Error(`the taxonomy has no type ${type}`);
    return taxonomy;
  });
  const types = inDependencyOrder(taxonomies).map((taxonomy): DatasetType => {
    const held: Record<AuthorityId, readonly string[]> = {};
    for (const member of members) {
      const fields = heldFields(federation, member, taxonomy.type);
      if (fields) held[member] = fields;
    }
    const byHolders = new Map<string, string[]>();
    for (const field of Object.keys(taxonomy.fields).sort()) {
      const holders = Object.keys(held).filter((member) => held[member]?.includes(field));
      if (holders.length === 0) continue;
      const id = holders.join('+');
      byHolders.set(id, [...(byHolders.get(id) ?? []), field]);
    }
    const groups = [...byHolders.entries()].map(([id, fields]) => ({ id, fields, members: id.split('+') }));
    return { taxonomy, held, groups };
  });
  return { dataset, members, types, configuration: configurationDigest(federation, dataset) };
}
