/**
 * What all members of a dataset must hold alike, as one document: its digest is in every open, and a later run finishes
 * an earlier one under the document that the earlier opens named, whatever its own folder says by now.
 */
import { z } from 'zod';
import { digestOf, type Digest } from '../digest.js';
import type { AuthorityId } from '../record.js';
import { Dataset } from './dataset.js';
import type { DatasetShape, DatasetType } from './federation.js';
import { TypeMap } from './map.js';
import { inDependencyOrder, TaxonomyType } from './taxonomy.js';
import { exposedFields, surfaceOf } from './surface.js';
import { Terms } from './terms.js';

/** Dataset, taxonomy, active maps, and of each member the terms in force, but not how its mesh is reached. Members stand in order. */
export const Configuration = z.strictObject({
  federation: z.string(),
  dataset: Dataset.omit({ schedule: true }).extend({ schedule: z.null() }),
  taxonomy: z.array(TaxonomyType.nullable()),
  maps: z.array(TypeMap.nullable()),
  authorities: z.array(Terms.omit({ description: true }).nullable()),
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
    };
  });
  return { dataset, members, types, absent: [], configuration: configurationDigestOf(configuration) };
}

export function configurationDigestOf(configuration: Configuration): Digest {
  return digestOf(configuration);
}

function heldFields(configuration: Configuration, member: AuthorityId, type: string): readonly string[] | undefined {
  const { dataset, maps, authorities } = configuration;
  const memberAt = [...dataset.members].sort().indexOf(member);
  const map = maps[memberAt * dataset.types.length + dataset.types.indexOf(type)];
  const terms = authorities.find((authority) => authority?.authority === member);
  const surface = terms && surfaceOf(terms, type);
  if (!map || !surface) return undefined;
  const exposed = exposedFields(surface);
  return Object.keys(map.fields)
    .filter((field) => exposed.includes(field))
    .sort();
}

/** One holder that shows a field only as a digest is enough: digests compare with digests alone, so all seal it. */
function digestFields(
  { authorities }: Configuration,
  type: string,
  held: Readonly<Record<AuthorityId, readonly string[]>>,
): readonly string[] {
  const fields = Object.entries(held).flatMap(([member, names]) => {
    const terms = authorities.find((authority) => authority?.authority === member);
    const surface = terms && surfaceOf(terms, type);
    return names.filter((name) => surface?.fields[name] === 'digest');
  });
  return [...new Set(fields)].sort();
}
