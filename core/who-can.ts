/**
 * Who has a capability, over all meshes at once: along grants to people, through teams and as workloads. Pure: records of
 * each mesh in, ways out. A type is a grant where it has a field `principal`; `role` and `scope` are read where they are there.
 */
import type { Reach } from './effect/effect.js';
import { labelsIn } from './effect-labels.js';
import { effectFieldsOf, placeFieldsOf, type TaxonomyType } from './federation/taxonomy.js';
import { byCodeUnit } from './json.js';
import { referenceOf, type Reference } from './lens/reference.js';
import { setElements } from './operation.js';
import type { AuthorityId, FederatedRecord, Fields } from './record.js';

export interface MeshRecords {
  readonly authority: AuthorityId;
  /** By type; a type that this mesh does not show is left out. */
  readonly records: Readonly<Record<string, readonly FederatedRecord[]>>;
  /** Whether a grant is partial here by its scope alone, as in Entra and Keystone: on a scope that it counts on, it is whole. */
  readonly isPartialByScope?: boolean;
}

export interface Way {
  readonly authority: AuthorityId;
  readonly reach: Reach;
  /** Whether something that was not read might take it away again. */
  readonly isAllSeen: boolean;
  /** From the holder to the one the grant names: teams. Empty where it names the holder. */
  readonly through: readonly Reference[];
  readonly grant: Reference;
  readonly role: Reference | null;
  /** null: the grant has no scope, so it counts in the whole mesh. */
  readonly scope: Reference | null;
  /** The scope that was asked about, where the grant is given above it and counts there because the cloud inherits it. */
  readonly inheritedOn: Reference | null;
}

export interface Holder {
  readonly holder: Reference;
  readonly ways: readonly Way[];
}

export interface WhoCan {
  readonly holders: readonly Holder[];
  /** Meshes whose grants, though there, say nothing of effects: their surface or map leaves them out. */
  readonly silent: readonly AuthorityId[];
}

export function grantTypes(taxonomy: readonly TaxonomyType[]): readonly TaxonomyType[] {
  return taxonomy.filter(({ fields }) => fields['principal']?.kind === 'reference');
}

export function whoCan(question: {
  readonly capability: string;
  /** null: wherever. */
  readonly scopes: readonly Reference[] | null;
  readonly taxonomy: readonly TaxonomyType[];
  readonly meshes: readonly MeshRecords[];
}): WhoCan {
  const { capability, scopes, taxonomy, meshes } = question;
  const ways = new Map<string, { readonly holder: Reference; readonly ways: Way[] }>();
  const silent: AuthorityId[] = [];
  for (const { authority, records, isPartialByScope } of inOrder(meshes)) {
    const mesh = new Mesh(taxonomy, records);
    let said = false;
    let grants = 0;
    for (const type of grantTypes(taxonomy)) {
      for (const { key, fields } of records[type.type] ?? []) {
        grants += 1;
        const role = referenceOf(fields['role']);
        const labels = mesh.effectOf(type, fields, role);
        if (labels === null) continue;
        said = true;
        const label = labels.find((one) => one.capability === capability);
        const scope = referenceOf(fields['scope']);
        const principal = referenceOf(fields['principal']);
        const places = placesOf(type, fields);
        const wanted = wantedScope(scopes, scope, places);
        if (!label || !principal || wanted === 'none') continue;
        for (const { holder, through } of mesh.holdersOf(principal)) {
          const name = nameOf(holder);
          const entry = ways.get(name) ?? { holder, ways: [] };
          ways.set(name, entry);
          const isWhole = label.reach === 'partial' && isPartialByScope === true && wanted !== 'any' && places !== null;
          entry.ways.push({
            authority,
            reach: isWhole ? 'full' : label.reach,
            isAllSeen: label.isAllSeen,
            through,
            grant: { type: type.type, key },
            role,
            scope,
            inheritedOn: wanted === 'any' || (scope && nameOf(wanted) === nameOf(scope)) ? null : wanted,
          });
        }
      }
    }
    if (grants > 0 && !said) silent.push(authority);
  }
  const holders = [...ways.entries()]
    .sort(([left], [right]) => byCodeUnit(left, right))
    .map(([, { holder, ways: own }]) => ({
      holder,
      ways: [...own].sort((a, b) => byCodeUnit(orderOf(a), orderOf(b))),
    }));
  return { holders, silent };
}

function inOrder(meshes: readonly MeshRecords[]): readonly MeshRecords[] {
  return [...meshes].sort((a, b) => byCodeUnit(a.authority, b.authority));
}

/**
 * The scope that was asked about on which the grant counts: by what the mesh says of where it counts, else by where it is
 * given. `any`: all were asked about, or it counts in the whole mesh.
 */
function wantedScope(
  scopes: readonly Reference[] | null,
  scope: Reference | null,
  places: readonly string[] | null,
): Reference | 'any' | 'none' {
  if (scopes === null || scope === null) return 'any';
  const own = nameOf(scope);
  const counting = scopes.filter((one) => (places ?? [own]).includes(nameOf(one)));
  return counting.find((one) => nameOf(one) === own) ?? counting[0] ?? 'none';
}

/** As `<type>/<key>`; null where the mesh does not say it. */
function placesOf(type: TaxonomyType, fields: Fields): readonly string[] | null {
  for (const field of placeFieldsOf(type)) {
    const value = fields[field];
    if (Array.isArray(value)) return value.filter((place) => typeof place === 'string');
  }
  return null;
}

function nameOf({ type, key }: Reference): string {
  return `${type}/${key}`;
}

function orderOf({ authority, through, grant }: Way): string {
  return `${authority} ${through.map(nameOf).join(' ')} ${nameOf(grant)}`;
}

class Mesh {
  readonly #taxonomy: ReadonlyMap<string, TaxonomyType>;
  readonly #records = new Map<string, Fields>();

  constructor(taxonomy: readonly TaxonomyType[], records: MeshRecords['records']) {
    this.#taxonomy = new Map(taxonomy.map((type) => [type.type, type]));
    for (const ofType of Object.values(records))
      for (const { type, key, fields } of ofType) this.#records.set(`${type}/${key}`, fields);
  }

  /** What the grant says of itself; where it says nothing, what its role does. null: neither does. */
  effectOf(type: TaxonomyType, fields: Fields, role: Reference | null): ReturnType<typeof labelsIn> {
    const own = effectOf(type, fields);
    if (own !== null || role === null) return own;
    const roleType = this.#taxonomy.get(role.type);
    const roleFields = this.#records.get(nameOf(role));
    return roleType && roleFields ? effectOf(roleType, roleFields) : null;
  }

  /** Whoever the grant names, and whoever is in it: people of a team. Types refer to each other in no circle, so this ends. */
  holdersOf(
    principal: Reference,
    through: readonly Reference[] = [],
  ): readonly { readonly holder: Reference; readonly through: readonly Reference[] }[] {
    const type = this.#taxonomy.get(principal.type);
    const sets = Object.entries(type?.fields ?? {}).filter(([, kind]) => kind.kind === 'set' && kind.of !== 'text');
    if (sets.length === 0) return [{ holder: principal, through }];
    const fields = this.#records.get(nameOf(principal));
    const members = sets.flatMap(([field, kind]) =>
      kind.kind === 'set' ? setElements(fields?.[field]).map((key) => ({ type: kind.of, key })) : [],
    );
    // A team without anybody in it is named itself: the grant is there, and the next member has it.
    if (members.length === 0) return [{ holder: principal, through }];
    return members.flatMap((member) => this.holdersOf(member, [principal, ...through]));
  }
}

function effectOf(type: TaxonomyType, fields: Fields): ReturnType<typeof labelsIn> {
  for (const field of effectFieldsOf(type)) {
    const labels = labelsIn(fields[field]);
    if (labels !== null) return labels;
  }
  return null;
}
