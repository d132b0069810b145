/**
 * What all members of a dataset must hold alike, as one document: its digest is in every open, and a later run finishes
 * an earlier one under the document that the earlier opens named, whatever its own folder says by now.
 */
import { z } from 'zod';
import { documentVersion, type DocumentVersion, type TypeDocuments } from '../agreed-under.js';
import { digestOf, type Digest } from '../digest.js';
import type { AuthorityId } from '../record.js';
import { Capability } from '../effect/capability.js';
import { Dataset } from './dataset.js';
import { documentsOf } from './documents.js';
import type { DatasetShape, DatasetType } from './federation.js';
import { hasEffect, sayable } from './effect-natives.js';
import { TypeMap } from './map.js';
import { everyWrite, writesOf, type NativeWriteKind } from './native-types.js';
import { tableOf } from './tables.js';
import { inDependencyOrder, TaxonomyType } from './taxonomy.js';
import { exposedFields, surfaceOf, type TypeSurface } from './surface.js';
import { Terms } from './terms.js';
import { mapInForm, surfaceInForm } from './versions.js';

/** Dataset, taxonomy, active maps, and of each member the terms in force, but not how its mesh is reached. Members stand in order. */
export const Configuration = z.strictObject({
  federation: z.string(),
  dataset: Dataset.omit({ schedule: true }).extend({ schedule: z.null() }),
  taxonomy: z.array(TaxonomyType.nullable()),
  /** Left out where no type of the dataset has an effect. */
  capabilities: z.array(Capability).optional(),
  maps: z.array(TypeMap.nullable()),
  authorities: z.array(Terms.omit({ description: true }).nullable()),
  // Absent where nobody signed anything: the digest of such a configuration stays what it was.
  statements: z
    .array(z.strictObject({ document: z.string(), jws: z.string() }))
    .optional()
    .describe('who signed which document as its author, sorted'),
  authors: z.literal('required').optional(),
});
export type Configuration = z.infer<typeof Configuration>;

/** What compare and plan need to know. Throws only where `validate` would have refused the folder. */
export function shapeOf(configuration: Configuration): DatasetShape {
  const { dataset } = configuration;
  const members = [...dataset.members].sort();
  const taxonomies = configuration.taxonomy.map((taxonomy, position) => {
    if (!taxonomy) throw new Error(`the taxonomy has no type ${dataset.types[position] ?? ''}`);
    return taxonomy;
  });
  const types = inDependencyOrder(taxonomies).map((taxonomy): DatasetType => {
    const held: Record<AuthorityId, readonly string[]> = {};
    for (const member of members) {
      const fields = heldFields(configuration, member, taxonomy.type);
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
    const policy = dataset.resolution?.[taxonomy.type];
    return {
      taxonomy,
      held,
      absent: [],
      groups,
      digests: digestFields(configuration, taxonomy.type, held),
      ...(policy ? { policy } : {}),
      ...limitsOf(configuration, taxonomy.type, Object.keys(held)),
      documents: documentsOfType(configuration, taxonomy, Object.keys(held)),
    };
  });
  const statements = configuration.statements;
  const documents =
    statements &&
    documentsOf(configuration, (name) => statements.filter(({ document }) => document === name).map(({ jws }) => jws));
  return {
    dataset,
    members,
    types,
    absent: [],
    configuration: configurationDigestOf(configuration),
    ...(documents ? { documents } : {}),
  };
}

export function configurationDigestOf(configuration: Configuration): Digest {
  return digestOf(configuration);
}

/** Of maps those of `holders`: who maps a type and exposes nothing of it holds none. */
function documentsOfType(
  configuration: Configuration,
  taxonomy: TaxonomyType,
  holders: readonly AuthorityId[],
): TypeDocuments {
  const maps: Record<AuthorityId, DocumentVersion> = {};
  for (const holder of holders) {
    const map = writtenMapIn(configuration, holder, taxonomy.type);
    if (map) maps[holder] = documentVersion(map);
  }
  return { taxonomy: documentVersion(taxonomy), maps };
}

/** As the member wrote it. */
function writtenMapIn({ dataset, maps }: Configuration, member: AuthorityId, type: string): TypeMap | null {
  const memberAt = [...dataset.members].sort().indexOf(member);
  return maps[memberAt * dataset.types.length + dataset.types.indexOf(type)] ?? null;
}

function taxonomyIn({ dataset, taxonomy }: Configuration, type: string): TaxonomyType | null {
  return taxonomy[dataset.types.indexOf(type)] ?? null;
}

/** In the words of the type as it is now. */
function mapIn(configuration: Configuration, member: AuthorityId, type: string): TypeMap | null {
  const [map, taxonomy] = [writtenMapIn(configuration, member, type), taxonomyIn(configuration, type)];
  return map && taxonomy ? mapInForm(map, taxonomy) : map;
}

function surfaceIn(configuration: Configuration, member: AuthorityId, type: string): TypeSurface | undefined {
  const terms = configuration.authorities.find((authority) => authority?.authority === member);
  const surface = terms ? surfaceOf(terms, type) : undefined;
  const taxonomy = taxonomyIn(configuration, type);
  return surface && taxonomy ? surfaceInForm(surface, taxonomy) : surface;
}

/** What members can hold and cannot be told, or have no image for; left out where there is nothing of it. */
function limitsOf(
  configuration: Configuration,
  type: string,
  members: readonly AuthorityId[],
): Pick<DatasetType, 'cannot' | 'lacks' | 'sayable'> {
  const cannot: Record<AuthorityId, readonly NativeWriteKind[]> = {};
  const lacks: Record<AuthorityId, Record<string, readonly string[]>> = {};
  const said: Record<AuthorityId, readonly string[]> = {};
  for (const member of members) {
    const map = mapIn(configuration, member, type);
    const kind = configuration.authorities.find((authority) => authority?.authority === member)?.mesh.kind;
    const allowed = map && kind ? writesOf(kind, map.native) : undefined;
    const missing = allowed ? everyWrite.filter((write) => !allowed.includes(write)) : [];
    if (missing.length > 0) cannot[member] = missing;
    if (map && kind && hasEffect(map)) said[member] = sayable(kind, map.native, configuration.capabilities ?? []);
    for (const field of Object.keys(map?.fields ?? {})) {
      const without = Object.entries((map && tableOf(map, field)?.table) ?? {}).filter(
        ([, texts]) => texts.length === 0,
      );
      if (without.length > 0) lacks[member] = { ...lacks[member], [field]: without.map(([value]) => value) };
    }
  }
  return {
    ...(Object.keys(cannot).length > 0 ? { cannot } : {}),
    ...(Object.keys(lacks).length > 0 ? { lacks } : {}),
    ...(Object.keys(said).length > 0 ? { sayable: said } : {}),
  };
}

function heldFields(configuration: Configuration, member: AuthorityId, type: string): readonly string[] | undefined {
  const map = mapIn(configuration, member, type);
  const surface = surfaceIn(configuration, member, type);
  if (!map || !surface) return undefined;
  const exposed = exposedFields(surface);
  return Object.keys(map.fields)
    .filter((field) => exposed.includes(field))
    .sort();
}

/** One holder that shows a field only as a digest is enough: digests compare with digests alone, so all seal it. */
function digestFields(
  configuration: Configuration,
  type: string,
  held: Readonly<Record<AuthorityId, readonly string[]>>,
): readonly string[] {
  const fields = Object.entries(held).flatMap(([member, names]) => {
    const surface = surfaceIn(configuration, member, type);
    return names.filter((name) => surface?.fields[name] === 'digest');
  });
  return [...new Set(fields)].sort();
}
