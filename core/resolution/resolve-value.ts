/** Policies over fields that hold one value. */
import { heldValues, inOneOrder, type ConflictCandidate, type FieldVerdict } from '../verdict.js';
import type { Json } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import type { AuthorityId } from '../record.js';
import { narrowest } from './privilege-order.js';
import { mayBeCreated, silentMembers, waitsFor, type FieldScene } from './field-scene.js';

export function resolveValue(scene: FieldScene): readonly FieldVerdict[] {
  const { policy } = scene;
  switch (policy.kind) {
    case 'owned':
      return owned(scene, policy.by);
    case 'leastPrivilege':
      return leastPrivilege(scene);
    case 'people': {
      const verdict = scene.threeWay();
      return [verdict.kind === 'equal' ? verdict : conflict(scene)];
    }
    // Decided where the three-way rules find a conflict (latest.ts).
    case 'latest':
    // Of sets; `validate` refuses them here.
    case 'union':
    case 'intersection':
      return [scene.threeWay()];
  }
}

function owned(scene: FieldScene, owner: AuthorityId): readonly FieldVerdict[] {
  const { field, speaking, view, base } = scene;
  const found = heldValues(field, speaking, view);
  const [first] = found;
  const isEqual = first !== undefined && found.length === 1;
  // HAZARD: an owner that is not heard decides nothing, and nobody decides in its place.
  if (silentMembers(scene).includes(owner))
    return isEqual && !(mayBeCreated(scene) && base?.[field] === undefined)
      ? [{ kind: 'equal', field, value: first.value }]
      : [waitsFor(scene, [owner])];
  // Where the owner does not have the record there is nothing yet that it could have decided.
  if (!speaking.includes(owner)) return [scene.threeWay()];
  if (isEqual) return [{ kind: 'equal', field, value: first.value }];
  const target = view.members[owner]?.[field] ?? null;
  // First contact proposes and never empties.
  if (target === null && base?.[field] === undefined) return [conflict(scene)];
  return [proposal(scene, target, 'owned', [owner])];
}

function leastPrivilege(scene: FieldScene): readonly FieldVerdict[] {
  const { field, kind, speaking, view, base } = scene;
  const privileges = kind.kind === 'text' || kind.kind === 'boolean' ? kind.privileges : undefined;
  // `validate` refuses it.
  if (!privileges) return [conflict(scene)];
  const found = heldValues(field, speaking, view);
  const silent = silentMembers(scene);
  const agreed = base?.[field];
  // Who is not heard counts with what was agreed, so that calling the strictest absent widens nothing.
  const counted = [...found.map(({ value }) => value), ...(silent.length > 0 && agreed !== undefined ? [agreed] : [])];
  const least = narrowest(privileges, counted);
  const [first] = found;
  const unknown = silent.length > 0 && agreed === undefined && mayBeCreated(scene);
  if (first && found.length === 1) {
    const isLeast =
      counted.every((value) => sameJson(value, first.value)) ||
      (least.kind === 'one' && sameJson(least.value, first.value));
    if (isLeast && !unknown) return [{ kind: 'equal', field, value: first.value }];
    return [waitsFor(scene, silent, least.kind === 'one' && !unknown ? least.value : undefined)];
  }
  const verdict =
    least.kind === 'one'
      ? proposal(
          scene,
          least.value,
          'leastPrivilege',
          holdersOf(scene, least.value) ?? (silent.length > 0 ? silent : speaking),
        )
      : conflict(scene, least.kind === 'several' ? least.below : []);
  return unknown ? [verdict, waitsFor(scene, silent)] : [verdict];
}

function holdersOf({ field, speaking, view }: FieldScene, value: Json): readonly AuthorityId[] | undefined {
  return heldValues(field, speaking, view).find((entry) => sameJson(entry.value, value))?.heldBy;
}

function proposal(
  { field, speaking, view }: FieldScene,
  target: Json,
  cause: 'owned' | 'leastPrivilege',
  because: readonly AuthorityId[],
): FieldVerdict {
  const behind = speaking.filter((member) => !sameJson(view.members[member]?.[field] ?? null, target));
  return { kind: 'proposal', field, target, cause, because, behind };
}

/** Every value that is held, and those that nobody holds but that would be a way out. */
function conflict({ field, speaking, view, base }: FieldScene, also: readonly Json[] = []): FieldVerdict {
  const found: readonly ConflictCandidate[] = heldValues(field, speaking, view);
  const extra = also
    .filter((value) => !found.some((entry) => sameJson(entry.value, value)))
    .map((value): ConflictCandidate => ({ value, heldBy: [] }));
  return { kind: 'conflict', field, base: base?.[field], candidates: inOneOrder([...found, ...extra]) };
}
