/**
 * The agreed values of the version of a type before, in the words of its version now. Everybody makes the same of them:
 * only moves and exact steps take part, no lens of a map. What cannot be told anew is left out, so that it is agreed on
 * afresh and nothing is deleted or written over for want of it.
 */
import { notBackIn } from './agreed-under.js';
import { ConcordatError } from './errors.js';
import type { HeldFields } from './compare.js';
import type { DatasetType } from './federation/federation.js';
import type { MoveStep, TaxonomyType } from './federation/taxonomy.js';
import { placeBefore, versionOf } from './federation/versions.js';
import type { Json } from './json.js';
import { enumStep } from './lens/table.js';
import { partStep } from './lens/part.js';
import type { Base, SnapshotStatement } from './messages.js';
import { changedDocuments } from './new-versions.js';
import type { AuthorityId, Fields } from './record.js';

const noReferences = { resolve: () => null, resolveBack: () => null };

/** Whether the base holds the version before. Throws configurationDiffers where it holds another one than that. */
export function isBaseBehind(base: Pick<Base, 'versions' | 'types'> | null, taxonomy: TaxonomyType): boolean {
  const { type } = taxonomy;
  // Where nothing was agreed on, there is nothing to migrate.
  if ((base?.types.find((one) => one.type === type)?.count ?? 0) === 0) return false;
  const [held, now] = [base?.versions?.[type] ?? 1, versionOf(taxonomy)];
  if (held === now) return false;
  if (held === now - 1) return true;
  throw new ConcordatError(
    'configurationDiffers',
    `the last agreement holds version ${held} of ${type}, and the type is of version ${now}: versions are agreed on one by one`,
  );
}

/**
 * The proof that comes before anybody is asked: on the very snapshots that are compared under a new type or map, no more
 * records fail to come back through their lenses as they were than failed when the old one was agreed on, and every moved
 * field of every record could be told. Throws versionNotProven.
 */
export function requireProvenVersions(
  types: readonly Pick<DatasetType, 'taxonomy' | 'documents'>[],
  base: Pick<Base, 'versions' | 'types' | 'agreedUnder'> | null,
  snapshots: readonly Pick<SnapshotStatement, 'authority' | 'lossy' | 'untranslatable'>[],
): void {
  for (const shape of types) {
    const { taxonomy } = shape;
    const { type } = taxonomy;
    const isBehind = isBaseBehind(base, taxonomy);
    const changed = changedDocuments(shape, base);
    const newMaps = changed?.maps.map(({ authority }) => authority) ?? [];
    const isNewType = isBehind || (changed?.taxonomy ?? null) !== null;
    const moved = isBehind ? Object.keys(taxonomy.earlier?.moved ?? {}) : [];
    const found = snapshots.flatMap(({ authority, lossy, untranslatable }) => {
      if (!isNewType && !newMaps.includes(authority)) return [];
      const untold = untranslatable.filter((one) => one.type === type && moved.includes(one.field));
      const agreed = base?.agreedUnder?.[type]?.maps[authority];
      // What a base of before does not remember counts as none, and what could not be read was never counted there.
      const others = agreed ? untranslatable.filter((one) => !moved.includes(one.field)) : [];
      const [now, before] = [notBackIn({ lossy, untranslatable: others }, type), agreed?.notBack ?? 0];
      const words = `${now} of ${authority} do not come back as they were${before > 0 ? `, and ${before} did not before` : ''}`;
      return [
        ...(now > before ? [words] : []),
        ...untold.map(({ count, field }) => `${count} of ${authority} cannot tell ${field}`),
      ];
    });
    if (found.length === 0) continue;
    const what = isNewType
      ? `version ${versionOf(taxonomy)} of ${type}`
      : `the map of ${newMaps.join(', ')} for ${type}`;
    throw new ConcordatError('versionNotProven', `${what} is not proven by these snapshots: ${found.join('; ')}`);
  }
}

/** Values as they were agreed, called and cut as they are now. */
export function migratedFields(fields: Fields, taxonomy: TaxonomyType): Fields {
  const migrated: Record<string, Json> = {};
  for (const field of Object.keys(taxonomy.fields)) {
    const place = placeBefore(taxonomy, field);
    if (!place || !Object.hasOwn(fields, place.from)) continue;
    const next = steppedThrough(fields[place.from] ?? null, place.through ?? []);
    if (next !== undefined) migrated[field] = next;
  }
  return migrated;
}

function steppedThrough(value: Json, steps: readonly MoveStep[]): Json | undefined {
  let next = value;
  for (const step of steps) {
    const got = ('part' in step ? partStep(step) : enumStep(step.enum)).get(next, noReferences);
    if (got.kind !== 'value') return undefined;
    next = got.value;
  }
  return next;
}

/** Who had agreed on which fields, as they are called now. */
export function migratedHeld(held: HeldFields, taxonomy: TaxonomyType): HeldFields {
  return Object.fromEntries(
    Object.entries(held).map(([member, fields]): [AuthorityId, readonly string[]] => [
      member,
      Object.keys(taxonomy.fields).filter((field) => {
        const place = placeBefore(taxonomy, field);
        return place !== undefined && fields?.includes(place.from) === true;
      }),
    ]),
  );
}

/** Of each type that has versions, the one of the next base; undefined where none has. */
export function versionsOfNextBase(types: readonly { readonly taxonomy: TaxonomyType }[]): Base['versions'] {
  const versions = types.flatMap(({ taxonomy }) =>
    versionOf(taxonomy) > 1 ? [[taxonomy.type, versionOf(taxonomy)] as const] : [],
  );
  return versions.length === 0 ? undefined : Object.fromEntries(versions);
}
