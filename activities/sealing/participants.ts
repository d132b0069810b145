/** Who takes part in a walk, and what of one may be held against what of another. */
import { canonicalJson } from '../../core/digest.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import { byCodeUnit } from '../../core/json.js';
import { groupsHeldBy, sealedGroups, type SealedGroup, type SealedType } from '../../core/sealed.js';

export interface Participant {
  /** A member's id: it must hold the groups that list it. Any other name is a base, which must hold all groups. */
  readonly id: string;
  readonly sealed: SealedType;
}

/** One group as two participants hold it: the positions of its columns. */
export interface SharedGroup {
  readonly left: number;
  readonly leftColumn: number;
  readonly right: number;
  readonly rightColumn: number;
}

export interface Comparison {
  readonly participants: readonly Participant[];
  /** Enough pairs that all of them equal means that each group is equal among all its holders. */
  readonly shared: readonly SharedGroup[];
  /** `covers[from][to]`: the pairs that make a body of `from` serve for `to` where all are equal; null where it cannot. */
  readonly covers: readonly (readonly (readonly SharedGroup[] | null)[])[];
  /** Positions of participants, those with most groups first: their bodies serve others. */
  readonly byBreadth: readonly number[];
  /** Every record counts as differing: something was sealed under another configuration. */
  readonly everyRecord: boolean;
  /** False where equal digests do not link all participants, so that equal key hashes may still be different keys. */
  readonly linked: boolean;
}

/** What is asked of a record that all participants but one hold alike. */
export interface Unanimity {
  /** Position of the participant that is to lack it. */
  readonly base: number;
  /** Positions of all others, at least one. */
  readonly members: readonly number[];
  /** As in Comparison, among the members alone. */
  readonly shared: readonly SharedGroup[];
}

/** Null where equal digests of the others cannot say that they hold the same. */
export function unanimityOf({ participants, everyRecord }: Comparison, base: string): Unanimity | null {
  const at = participants.findIndex(({ id }) => id === base);
  const members = participants.flatMap((_, index) => (index === at ? [] : [index]));
  const shared = sharedGroups(participants, members);
  if (at < 0 || members.length === 0 || everyRecord || !linksAll(members, shared)) return null;
  return { base: at, members, shared };
}

/** `groups` are those of the configuration in force. */
export function compareGroups(given: readonly Participant[], groups: readonly FieldGroup[]): Comparison {
  const participants = [...given].sort((a, b) => byCodeUnit(a.id, b.id));
  if (participants.length === 0) throw new Error('a walk needs a participant');
  if (new Set(participants.map(({ id }) => id)).size !== participants.length)
    throw new Error('two participants of a walk have one id');
  if (new Set(participants.map(({ sealed }) => sealed.type)).size !== 1)
    throw new Error('the participants of a walk hold different types');
  const all = participants.map((_, index) => index);
  const shared = sharedGroups(participants, all);
  return {
    participants,
    shared,
    covers: participants.map((_, from) => participants.map((__, to) => coverage(participants, from, to))),
    byBreadth: participants
      .map((_, index) => index)
      .sort((a, b) => groupsAt(participants, b).length - groupsAt(participants, a).length || a - b),
    everyRecord: !participants.every((participant) => sealedAsConfigured(participant, groups)),
    linked: linksAll(all, shared),
  };
}

function groupsAt(participants: readonly Participant[], index: number): readonly SealedGroup[] {
  return participants[index]?.sealed.groups ?? [];
}

/** The same id and the same fields: only then do digests mean the same. */
function columnOf(groups: readonly SealedGroup[], wanted: SealedGroup): number {
  return groups.findIndex(
    (group) => group.id === wanted.id && canonicalJson(group.fields) === canonicalJson(wanted.fields),
  );
}

/** `among`: positions, ascending. */
function sharedGroups(participants: readonly Participant[], among: readonly number[]): readonly SharedGroup[] {
  const shared: SharedGroup[] = [];
  for (const right of among) {
    groupsAt(participants, right).forEach((group, rightColumn) => {
      for (const left of among) {
        if (left >= right) break;
        const leftColumn = columnOf(groupsAt(participants, left), group);
        if (leftColumn < 0) continue;
        shared.push({ left, leftColumn, right, rightColumn });
        break;
      }
    });
  }
  return shared;
}

function coverage(participants: readonly Participant[], from: number, to: number): readonly SharedGroup[] | null {
  const pairs = groupsAt(participants, to).map((group, rightColumn) => ({
    left: from,
    leftColumn: columnOf(groupsAt(participants, from), group),
    right: to,
    rightColumn,
  }));
  return pairs.every(({ leftColumn }) => leftColumn >= 0) ? pairs : null;
}

function sealedAsConfigured({ id, sealed }: Participant, groups: readonly FieldGroup[]): boolean {
  const held = groupsHeldBy(groups, id);
  return canonicalJson(sealed.groups) === canonicalJson(sealedGroups(held.length > 0 ? held : groups));
}

function linksAll(among: readonly number[], shared: readonly SharedGroup[]): boolean {
  const linked = new Set(among.slice(0, 1));
  for (let before = 0; before < linked.size;) {
    before = linked.size;
    for (const { left, right } of shared) {
      if (linked.has(left)) linked.add(right);
      else if (linked.has(right)) linked.add(left);
    }
  }
  return linked.size === among.length;
}
