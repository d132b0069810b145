/** What a comparison says about one field and about one record, in plain data. */
import type { RecordView } from './compare.js';
import { canonicalJson } from './digest.js';
import type { EffectDivergence } from './effect-labels.js';
import { byCodeUnit, type Json } from './json.js';
import { sameJson } from './lens/same-json.js';
import type { AuthorityId, Fields } from './record.js';

export type FieldVerdict =
  | { readonly kind: 'equal'; readonly field: string; readonly value: Json }
  | {
      readonly kind: 'proposal';
      readonly field: string;
      readonly target: Json;
      /**
       * changed: against the base, on one side. later: on several sides, of which one knew all the others. filled: first
       * contact found one value and emptiness elsewhere. undo: a person's signed word. The others: a policy that the
       * dataset declares.
       */
      readonly cause: 'changed' | 'later' | 'filled' | 'owned' | 'leastPrivilege' | 'latestObserved' | 'undo';
      readonly because: readonly AuthorityId[];
      readonly behind: readonly AuthorityId[];
    }
  | {
      readonly kind: 'setProposal';
      readonly field: string;
      readonly target: readonly string[];
      readonly cause: 'changed' | 'filled' | 'owned' | 'union' | 'intersection' | 'undo';
      readonly perMember: PerMember;
      readonly because: readonly AuthorityId[];
    }
  | {
      readonly kind: 'conflict';
      readonly field: string;
      readonly base: Json | undefined;
      readonly candidates: readonly ConflictCandidate[];
    }
  | {
      /** What decides cannot be heard: nothing is written, and no record is created with this field. */
      readonly kind: 'waits';
      readonly field: string;
      readonly for: readonly AuthorityId[];
      readonly at: readonly AuthorityId[];
      /** What counts meanwhile, where anything does. */
      readonly value: Json | undefined;
    }
  | {
      /** The field is to be unique and another record holds the value: nothing is written that makes or keeps that. */
      readonly kind: 'doubled';
      readonly field: string;
      readonly at: readonly AuthorityId[];
    }
  | ({
      /** Members leave different capabilities. Nobody can write that: it is shown, and holds nothing else back. */
      readonly kind: 'effect';
      readonly field: string;
    } & EffectDivergence);

/** Of a set, what each member would gain and lose. */
export type PerMember = Readonly<
  Record<AuthorityId, { readonly add: readonly string[]; readonly remove: readonly string[] }>
>;

export interface ConflictCandidate {
  readonly value: Json;
  /** Empty where no member holds it, but people may well agree on it. */
  readonly heldBy: readonly AuthorityId[];
  /** Of a set. */
  readonly perMember?: PerMember;
  /** Another record holds it, so it is no way out. */
  readonly withheld?: true;
}

export type RecordVerdict =
  /** All members hold it and agree in every field. */
  | { readonly kind: 'agreed'; readonly fields: Fields }
  /** No member holds it any more, and all of them were read completely. */
  | { readonly kind: 'gone' }
  /** Some fields differ; `missing` members get it created from `merged` where no conflict is open. */
  | {
      readonly kind: 'differs';
      readonly fields: readonly FieldVerdict[];
      readonly merged: Fields;
      readonly missing: readonly AuthorityId[];
      readonly unread: readonly AuthorityId[];
    }
  | {
      readonly kind: 'deleted';
      readonly by: readonly AuthorityId[];
      readonly heldBy: readonly AuthorityId[];
      readonly fields: readonly FieldVerdict[];
      readonly merged: Fields;
      readonly unread: readonly AuthorityId[];
      /** Members whose incomplete snapshot forbids any deletion now; empty where the deletion may be proposed. */
      readonly heldBackBy: readonly AuthorityId[];
    }
  | {
      readonly kind: 'editedAndDeleted';
      readonly by: readonly AuthorityId[];
      readonly editedBy: readonly AuthorityId[];
      readonly fields: readonly FieldVerdict[];
      readonly merged: Fields;
      readonly unread: readonly AuthorityId[];
      /** As of `deleted`: while not empty, the record may be kept but not let go. */
      readonly heldBackBy: readonly AuthorityId[];
    };

export interface Held {
  readonly value: Json;
  readonly heldBy: AuthorityId[];
}

/** The distinct values of a field, each with the members that hold it. */
export function heldValues(field: string, speaking: readonly AuthorityId[], view: RecordView): Held[] {
  const found: Held[] = [];
  for (const member of speaking) {
    const value = view.members[member]?.[field] ?? null;
    const known = found.find((entry) => sameJson(entry.value, value));
    if (known) known.heldBy.push(member);
    else found.push({ value, heldBy: [member] });
  }
  return found;
}

/** Whatever order members are named in. */
export function inOneOrder(candidates: readonly ConflictCandidate[]): readonly ConflictCandidate[] {
  return candidates
    .map((candidate) => ({ candidate, text: canonicalJson({ value: candidate.value }) }))
    .sort((left, right) => byCodeUnit(left.text, right.text))
    .map(({ candidate }) => candidate);
}
