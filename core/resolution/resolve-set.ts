/**
 * Policies over sets. What was not read counts as nobody's removal, first contact removes nothing without a person, and
 * elements whose own record is in doubt are left out, all as under the three-way rules.
 */
import { inOneOrder, type ConflictCandidate, type FieldVerdict, type PerMember } from '../verdict.js';
import { byCodeUnit, type Json } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import { setElements } from '../operation.js';
import type { AuthorityId } from '../record.js';
import { mayBeCreated, silentMembers, waitsFor, type FieldScene } from './field-scene.js';

export function resolveSet(scene: FieldScene): readonly FieldVerdict[] {
  const threeWay = scene.threeWay();
  const sets = new Sets(scene);
  const { policy } = scene;
  switch (policy.kind) {
    case 'owned':
      return owned(scene, sets, policy.by, threeWay);
    case 'union':
      return [union(scene, sets)];
    case 'intersection':
      return intersection(scene, sets);
    case 'people':
      return [threeWay.kind === 'setProposal' ? sets.conflict([threeWay.target]) : threeWay];
    // Of single values; `validate` refuses them here.
    case 'leastPrivilege':
    case 'latest':
      return [threeWay];
  }
}

function owned(scene: FieldScene, sets: Sets, owner: AuthorityId, threeWay: FieldVerdict): readonly FieldVerdict[] {
  const { field, base, speaking } = scene;
  // HAZARD: an owner that is not heard decides nothing, and nobody decides in its place.
  if (silentMembers(scene).includes(owner))
    return threeWay.kind === 'equal' && !(mayBeCreated(scene) && base?.[field] === undefined)
      ? [threeWay]
      : [waitsFor(scene, [owner])];
  if (!speaking.includes(owner)) return [threeWay];
  return [sets.towards(sets.of(owner), sets.doubtfulAt(owner), 'owned', [owner])];
}

function union(scene: FieldScene, sets: Sets): FieldVerdict {
  const giving = scene.speaking.filter((member) =>
    [...sets.of(member)].some((element) => scene.speaking.some((other) => !sets.of(other).has(element))),
  );
  return sets.towards(sets.everything(), new Set(), 'union', giving);
}

function intersection(scene: FieldScene, sets: Sets): readonly FieldVerdict[] {
  const { speaking, base, field } = scene;
  const lacks = (member: AuthorityId, element: string): boolean =>
    !sets.of(member).has(element) && !sets.isSilent(member, element);
  const target = new Set(
    [...sets.everything()].filter((element) => !speaking.some((member) => lacks(member, element))),
  );
  const taking = speaking.filter((member) => [...sets.everything()].some((element) => lacks(member, element)));
  const verdict = sets.towards(target, new Set(target), 'intersection', taking);
  const silent = silentMembers(scene);
  // What somebody who is not heard lacks nobody can say, so nothing is made anew that they might lack.
  const isUnknown = silent.length > 0 && base?.[field] === undefined && mayBeCreated(scene);
  return isUnknown ? [verdict, waitsFor(scene, silent)] : [verdict];
}

class Sets {
  readonly #scene: FieldScene;
  readonly #of: string;
  readonly #elements: ReadonlyMap<AuthorityId, ReadonlySet<string>>;

  constructor(scene: FieldScene) {
    const { context, field, kind, speaking, view } = scene;
    this.#scene = scene;
    this.#of = kind.kind === 'set' ? kind.of : 'text';
    this.#elements = new Map(
      speaking.map((member) => [
        member,
        new Set(
          setElements(view.members[member]?.[field]).filter((element) => !context.references.isOpen(this.#of, element)),
        ),
      ]),
    );
  }

  of(member: AuthorityId): ReadonlySet<string> {
    return this.#elements.get(member) ?? new Set();
  }

  everything(): ReadonlySet<string> {
    return new Set([...this.#elements.values()].flatMap((elements) => [...elements]));
  }

  /** HAZARD: an element missing from an incomplete snapshot, or whose record was not read, is unread and not removed. */
  isSilent(member: AuthorityId, element: string): boolean {
    const { context } = this.#scene;
    return context.incomplete.has(member) || context.references.isUnread(this.#of, element, member);
  }

  /** Elements that others have and that the member may have as well: it was not read well enough to say. */
  doubtfulAt(member: AuthorityId): ReadonlySet<string> {
    const own = this.of(member);
    return new Set([...this.everything()].filter((element) => !own.has(element) && this.isSilent(member, element)));
  }

  /** Towards `target`; `doubtful` elements are neither brought anywhere nor removed. */
  towards(
    target: ReadonlySet<string>,
    doubtful: ReadonlySet<string>,
    cause: 'owned' | 'union' | 'intersection',
    because: readonly AuthorityId[],
  ): FieldVerdict {
    const { field, base } = this.#scene;
    const perMember = this.#perMember(target, doubtful);
    const sorted = [...target].sort(byCodeUnit);
    if (Object.keys(perMember).length === 0) return { kind: 'equal', field, value: sorted };
    const removes = Object.values(perMember).some(({ remove }) => remove.length > 0);
    // First contact proposes and never removes: a person decides.
    if (removes && base?.[field] === undefined) return this.conflict([sorted]);
    return { kind: 'setProposal', field, target: sorted, cause, perMember, because: [...because].sort(byCodeUnit) };
  }

  /** Every set that is held, and those that nobody holds but that would be a way out. */
  conflict(also: readonly (readonly string[])[]): FieldVerdict {
    const { field, base, speaking } = this.#scene;
    const doubtful = speaking.filter((member) => this.doubtfulAt(member).size > 0);
    if (doubtful.length > 0) return waitsFor(this.#scene, doubtful);
    const found: { value: Json; heldBy: AuthorityId[] }[] = [];
    for (const member of speaking) {
      const value = [...this.of(member)].sort(byCodeUnit);
      const known = found.find((entry) => sameJson(entry.value, value));
      if (known) known.heldBy.push(member);
      else found.push({ value, heldBy: [member] });
    }
    for (const value of also)
      if (!found.some((entry) => sameJson(entry.value, value))) found.push({ value, heldBy: [] });
    const candidates = found.map((entry): ConflictCandidate => ({
      ...entry,
      perMember: this.#perMember(new Set(setElements(entry.value)), new Set()),
    }));
    return { kind: 'conflict', field, base: base?.[field], candidates: inOneOrder(candidates) };
  }

  #perMember(target: ReadonlySet<string>, doubtful: ReadonlySet<string>): PerMember {
    const { context, base, field } = this.#scene;
    const agreed = new Set(setElements(base?.[field]));
    const perMember: Record<AuthorityId, PerMember[AuthorityId]> = {};
    for (const [member, elements] of this.#elements) {
      const add = [...target].filter(
        (element) =>
          !elements.has(element) &&
          !doubtful.has(element) &&
          !(agreed.has(element) && this.isSilent(member, element)) &&
          context.references.canAdd(this.#of, element, member),
      );
      const remove = [...elements].filter((element) => !target.has(element) && !doubtful.has(element));
      if (add.length > 0 || remove.length > 0)
        perMember[member] = { add: add.sort(byCodeUnit), remove: remove.sort(byCodeUnit) };
    }
    return perMember;
  }
}
