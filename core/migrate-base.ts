/**
 * The agreed values of the version of a type before, in the words of its version now. Everybody makes the same of them:
 * only moves and exact steps take part, no lens of a map. What cannot be told anew is left out, so that it is agreed on
 * afresh and nothing is deleted or written over for want of it.
 */
import { ConcordatError } from './errors.js';
import type { HeldFields } from './compare.js';
import type { MoveStep, TaxonomyType } from './federation/taxonomy.js';
import { placeBefore, versionOf } from './federation/versions.js';
import type { Json } from './json.js';
import { enumStep } from './lens/table.js';
import { partStep } from './lens/part.js';
import type { Base, SnapshotStatement } from './messages.js';
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
 * The proof that comes before anybody is asked: on the very snapshots over which agreed values are taken into a new version,
 * every record came back through its lenses as it was, and every moved field of every record could be told. Throws
 * versionNotProven.
 */
export function requireProvenVersions(
  types: readonly { readonly taxonomy: TaxonomyType }[],
  base: Pick<Base, 'versions' | 'types'> | null,
  snapshots: readonly Pick<SnapshotStatement, 'authority' | 'lossy' | 'untranslatable'>[],
): void {
  for (const { taxonomy } of types) {
    if (!isBaseBehind(base, taxonomy)) continue;
    const { type } = taxonomy;
    const moved = Object.keys(taxonomy.earlier?.moved ?? {});
    const found = snapshots.flatMap(({ authority, lossy, untranslatable }) => [
      ...lossy
        .filter((one) => one.type === type)
        .map(({ count }) => `${count} of ${authority} do not come back as they were`),
      ...untranslatable
        .filter((one) => one.type === type && moved.includes(one.field))
        .map(({ count, field }) => `${count} of ${authority} cannot tell ${field}`),
    ]);
    if (found.length > 0)
      throw new ConcordatError(
        'versionNotProven',
        `version ${versionOf(taxonomy)} of ${type} is not proven by these snapshots: ${found.join('; ')}`,
      );
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
