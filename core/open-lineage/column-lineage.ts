/**
 * From which native field of which mesh each field comes, read off the maps. Names of fields only: what maps and
 * taxonomy say, for the fields that are on an authority's surface, and nothing of any record.
 */
import { mapOf, type DatasetShape, type DatasetType, type Federation } from '../federation/federation.js';
import type { FieldMap, LensStep, TypeMap } from '../federation/map.js';
import type { TaxonomyType } from '../federation/taxonomy.js';
import { byCodeUnit } from '../json.js';
import type { AuthorityId } from '../record.js';
import type { ColumnLineage, InputField, SchemaField, Transformation } from './facets.js';
import { agreedDataset, meshDataset } from './names.js';

/** Under which the native fields of a mesh stand in its schema, so that none is taken for a federated one. */
const nativeRoot = 'native';

/** A field of a mesh with a place of its own there. A constant has none: it comes from the map and from no field. */
interface HeldField {
  readonly type: TaxonomyType;
  readonly field: string;
  readonly native: TypeMap['native'];
  readonly location: string;
  readonly steps: readonly LensStep[];
}

function heldFields(federation: Federation, shape: DatasetShape, authority: AuthorityId): readonly HeldField[] {
  return shape.types.flatMap(({ taxonomy, held }) => {
    const map = mapOf(federation, authority, taxonomy.type);
    if (!map) return [];
    return (held[authority] ?? []).flatMap((field): readonly HeldField[] => {
      const line = map.fields[field];
      if (!line || 'constant' in line || 'from' in line) return [];
      return [{ type: taxonomy, field, native: map.native, location: locationOf(line), steps: line.through ?? [] }];
    });
  });
}

function locationOf(line: Exclude<FieldMap, { readonly constant: unknown } | { readonly from: unknown }>): string {
  return 'path' in line ? line.path : `tags.${line.tag}`;
}

const nativeName = ({ native, location }: HeldField): string => `${nativeRoot}.${native}.${location}`;
const federatedName = ({ type, field }: HeldField): string => `${type.type}.${field}`;

/** What a mesh holds: its federated types from the taxonomy, then the native fields that they are read from. */
export function meshSchema(
  federation: Federation,
  shape: DatasetShape,
  authority: AuthorityId,
): readonly SchemaField[] {
  const types = shape.types.filter(({ held }) => held[authority] !== undefined);
  const byNative = new Map<string, Set<string>>();
  for (const { native, location } of heldFields(federation, shape, authority))
    byNative.set(native, (byNative.get(native) ?? new Set()).add(location));
  const native = [...byNative].map(([name, locations]): SchemaField => ({
    name,
    type: 'record',
    fields: [...locations].sort(byCodeUnit).map((location) => ({ name: location, type: nativeRoot })),
  }));
  return [
    ...types.map(({ taxonomy, held, digests }) => recordOf(taxonomy, held[authority] ?? [], digests)),
    ...(native.length === 0 ? [] : [{ name: nativeRoot, type: 'record', fields: native }]),
  ];
}

/** What all hold in common: every field that at least one member holds. */
export function agreedSchema(shape: DatasetShape): readonly SchemaField[] {
  return shape.types.map(({ taxonomy, groups, digests }) =>
    recordOf(
      taxonomy,
      groups.flatMap(({ fields }) => fields),
      digests,
    ),
  );
}

function recordOf(taxonomy: TaxonomyType, fields: readonly string[], digests: readonly string[]): SchemaField {
  return {
    name: taxonomy.type,
    type: 'record',
    ...(taxonomy.description === undefined ? {} : { description: taxonomy.description }),
    fields: [...fields].sort(byCodeUnit).flatMap((name) => {
      const kind = taxonomy.fields[name];
      if (!kind) return [];
      const type =
        kind.kind === 'set'
          ? `set<${kind.of}>`
          : kind.kind === 'reference'
            ? `reference<${kind.of.join('|')}>`
            : kind.kind;
      return [
        {
          name,
          type: digests.includes(name) ? `digest<${type}>` : type,
          ...(kind.description === undefined ? {} : { description: kind.description }),
        },
      ];
    }),
  };
}

export interface Origins {
  readonly federation: Federation;
  readonly shape: DatasetShape;
  /** The members that were read. */
  readonly members: readonly AuthorityId[];
  /** Whether there was a base: where nobody changed a field, its value is the one agreed before. */
  readonly hasBase: boolean;
}

/** A field that somebody shows only as a digest is agreed as one. */
const sealedStep: Transformation = {
  type: 'DIRECT',
  subtype: 'TRANSFORMATION',
  description: 'shown as a keyed digest only',
  masking: true,
};

/** Of the agreed records: each federated field from the native fields of the members that were read, through their lenses. */
export function agreedLineage(origins: Origins): ColumnLineage {
  const { federation, shape, members, hasBase } = origins;
  const name = agreedDataset(federation.file.federation, shape.dataset.dataset);
  const fields: Record<string, { readonly inputFields: readonly InputField[] }> = {};
  for (const { taxonomy, groups, digests } of shape.types)
    for (const field of groups.flatMap((group) => group.fields).sort(byCodeUnit)) {
      const column = `${taxonomy.type}.${field}`;
      const before: InputField = { ...name, field: column, transformations: [identity('the value agreed before')] };
      const read = members.flatMap((member) =>
        inputsFrom(origins, member, taxonomy.type, field, digests.includes(field) ? [sealedStep] : []),
      );
      fields[column] = { inputFields: [...read, ...(hasBase ? [before] : [])] };
    }
  return { fields, dataset: joinsOf(origins) };
}

/** Of a mesh that was written: each native field from the native fields of the others, through their lenses and back through its own. */
export function meshLineage(origins: Origins, authority: AuthorityId): ColumnLineage {
  const others = origins.members.filter((member) => member !== authority);
  const fields: Record<string, { readonly inputFields: readonly InputField[] }> = {};
  for (const held of heldFields(origins.federation, origins.shape, authority)) {
    const back = [...held.steps].reverse().map((step) => stepWords(step, 'put'));
    fields[nativeName(held)] = {
      inputFields: others.flatMap((member) => inputsFrom(origins, member, held.type.type, held.field, back)),
    };
  }
  return { fields, dataset: joinsOf(origins) };
}

function inputsFrom(
  { federation, shape }: Origins,
  member: AuthorityId,
  type: string,
  field: string,
  back: readonly Transformation[],
): readonly InputField[] {
  const held = heldFields(federation, shape, member).find((one) => one.type.type === type && one.field === field);
  if (!held) return [];
  const steps = [...held.steps.map((step) => stepWords(step, 'get')), ...back];
  return [
    {
      ...meshDataset(federation.file.federation, member, shape.dataset.dataset),
      field: nativeName(held),
      transformations: steps.length === 0 ? [identity(`read as ${federatedName(held)}`)] : steps,
    },
  ];
}

/** Which records are the same is decided by these fields: they have a say in every column. */
function joinsOf({ federation, shape, members }: Origins): readonly InputField[] {
  const rulesOf = ({ taxonomy }: DatasetType): readonly string[] => [
    ...new Set((shape.dataset.correlation[taxonomy.type] ?? []).flatMap(({ match }) => match)),
  ];
  return members.flatMap((member) =>
    heldFields(federation, shape, member).flatMap((held): readonly InputField[] => {
      const type = shape.types.find(({ taxonomy }) => taxonomy.type === held.type.type);
      if (!type || !rulesOf(type).includes(held.field)) return [];
      return [
        {
          ...meshDataset(federation.file.federation, member, shape.dataset.dataset),
          field: nativeName(held),
          transformations: [
            {
              type: 'INDIRECT',
              subtype: 'JOIN',
              description: `records of type ${held.type.type} without a link are joined by equal ${held.field}`,
              masking: false,
            },
          ],
        },
      ];
    }),
  );
}

function identity(description: string): Transformation {
  return { type: 'DIRECT', subtype: 'IDENTITY', description, masking: false };
}

/** One step of a lens in words. Tables are counted and not told: their values are the mesh's own. */
export function stepWords(step: LensStep, way: 'get' | 'put'): Transformation {
  const changes = (description: string, masking = false): Transformation => ({
    type: 'DIRECT',
    subtype: 'TRANSFORMATION',
    description,
    masking,
  });
  const isGet = way === 'get';
  if ('fold' in step) return changes(isGet ? 'A-Z are read as a-z' : 'a native spelling in A-Z is kept');
  if ('enum' in step) {
    const size = `table of ${Object.keys(step.enum).length} values`;
    return changes(isGet ? `native to federated by a ${size}` : `federated to native by a ${size}`);
  }
  if ('escape' in step)
    return changes(isGet ? 'IAM tag escapes (=XX) are undone' : 'characters that IAM tags refuse are written as =XX');
  if ('set' in step) return changes('order and repetition carry no meaning');
  if ('references' in step)
    // Ids of the mesh are left behind: what is seen elsewhere is a key of the federation.
    return changes(
      isGet
        ? `native ids of ${step.references} become federated keys`
        : `federated keys of ${step.references} become native ids`,
      isGet,
    );
  if ('reference' in step) {
    const types = Object.values(step.reference).join(' or ');
    return changes(
      isGet
        ? `a native reference becomes the federated key of a ${types}`
        : `a federated key becomes a native reference`,
      isGet,
    );
  }
  if ('table' in step) {
    const size = `table of ${Object.keys(step.table).length} values, several native ones to one`;
    return changes(isGet ? `native to federated by a ${size}` : `federated to the preferred native one by a ${size}`);
  }
  if ('special' in step)
    return changes(
      isGet ? 'texts that are no numbers are read as what they mean' : 'what is no number is written as text',
    );
  if ('number' in step) return changes(isGet ? 'a JSON number is read as a decimal text' : 'written as a JSON number');
  if ('unit' in step)
    return changes(isGet ? `${step.unit} times ${step.times}` : `divided by ${step.times}, written in ${step.unit}`);
  if ('zone' in step)
    return changes(isGet ? `read as a time at ${step.zone}` : `written as a time at ${step.zone} without its zone`);
  if ('epoch' in step)
    return changes(isGet ? `counted in ${step.epoch}s since 1970` : `written as ${step.epoch}s since 1970`);
  if ('bytes' in step)
    return changes(isGet ? 'hexadecimal digits are read as base64' : 'written in hexadecimal digits');
  if ('part' in step)
    return changes(
      isGet
        ? `${step.part === 'first' ? 'what stands before' : 'all that follows'} the first ${JSON.stringify(step.at)}`
        : `put ${step.part === 'first' ? 'before' : 'behind'} the first ${JSON.stringify(step.at)}`,
    );
  if ('emptyAs' in step) return changes(isGet ? 'an empty text is read as empty' : 'empty is written as an empty text');
  return identity(`longer than ${step.maxLength} is refused, never cut`);
}
