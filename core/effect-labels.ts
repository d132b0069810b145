/**
 * How an effect stands in a record: a sorted list of texts, one for each capability, with what limits it in parentheses.
 * `manage keys`, `manage keys (conditional)`, `manage keys (partial, not all seen)`, `manage keys (not seen)`.
 */
import type { Effect, Reach } from './effect/effect.js';
import { byCodeUnit, type Json } from './json.js';
import type { AuthorityId } from './record.js';

export interface EffectLabel {
  readonly capability: string;
  readonly reach: Reach;
  /** Whether something that was not read might take it away or widen it. */
  readonly isAllSeen: boolean;
}

const notAllSeen = 'not all seen';
const reachWords: Readonly<Record<Reach, string>> = {
  full: '',
  partial: 'partial',
  conditional: 'conditional',
  unseen: 'not seen',
};

export function effectLabel({ capability, reach, unseen = [] }: Effect): string {
  const doubt = unseen.length > 0 && reach !== 'unseen' ? notAllSeen : '';
  const limits = [reachWords[reach], doubt].filter((words) => words !== '');
  return limits.length === 0 ? capability : `${capability} (${limits.join(', ')})`;
}

export function effectLabels(effects: readonly Effect[]): readonly string[] {
  return effects.map(effectLabel).sort(byCodeUnit);
}

/** What a peer wrote: words that are none of ours are not seen, and never a right. */
export function readLabel(label: string): EffectLabel {
  const open = label.lastIndexOf(' (');
  if (open === -1 || !label.endsWith(')')) return { capability: label, reach: 'full', isAllSeen: true };
  const capability = label.slice(0, open);
  const limits = label.slice(open + 2, -1).split(', ');
  const isAllSeen = !limits.includes(notAllSeen);
  const words = limits.filter((limit) => limit !== notAllSeen);
  if (words.length === 0) return { capability, reach: 'full', isAllSeen };
  const reach = (['partial', 'conditional'] as const).find((one) => words.length === 1 && reachWords[one] === words[0]);
  return reach === undefined ? { capability, reach: 'unseen', isAllSeen: false } : { capability, reach, isAllSeen };
}

/** The labels of a field; null where the field says nothing. */
export function labelsIn(value: Json | undefined): readonly EffectLabel[] | null {
  if (!Array.isArray(value)) return null;
  return value.flatMap((label) => (typeof label === 'string' ? [readLabel(label)] : []));
}

export interface EffectDivergence {
  readonly at: readonly AuthorityId[];
  /** Per member that can speak of them, what it leaves of the capabilities on which members differ. */
  readonly leaves: Readonly<Record<AuthorityId, readonly string[]>>;
}

/**
 * Where effects differ; null where they agree as far as they were seen. A member is asked only about capabilities that its
 * kind of cloud can express, and says nothing about one that it did not see.
 */
export function effectDivergence(
  values: Readonly<Record<AuthorityId, Json | undefined>>,
  canSay: (member: AuthorityId, capability: string) => boolean,
): EffectDivergence | null {
  const members = Object.keys(values)
    .filter((member) => labelsIn(values[member]) !== null)
    .sort(byCodeUnit);
  const reachOf = new Map(
    members.map((member) => [
      member,
      new Map((labelsIn(values[member]) ?? []).map(({ capability, reach }) => [capability, reach])),
    ]),
  );
  const capabilities = [...new Set([...reachOf.values()].flatMap((reaches) => [...reaches.keys()]))].sort(byCodeUnit);
  const differing = new Set(
    capabilities.filter((capability) => {
      const reaches = members
        .filter((member) => canSay(member, capability))
        .map((member) => reachOf.get(member)?.get(capability))
        .filter((reach) => reach !== 'unseen');
      return new Set(reaches).size > 1;
    }),
  );
  if (differing.size === 0) return null;
  const at = members.filter((member) => [...differing].some((capability) => canSay(member, capability)));
  return {
    at,
    leaves: Object.fromEntries(
      at.map((member) => [
        member,
        (values[member] as readonly string[]).filter((label) => differing.has(readLabel(label).capability)),
      ]),
    ),
  };
}

/** Whether two effects were seen whole and are the same; what was not seen is like nothing else. */
export function areSameEffect(left: Json | undefined, right: Json | undefined): boolean {
  const [ofLeft, ofRight] = [labelsIn(left), labelsIn(right)];
  if (ofLeft === null || ofRight === null || ofLeft.length !== ofRight.length) return false;
  if (ofLeft.length === 0) return false;
  return ofLeft.every((label, at) => {
    const other = ofRight[at];
    const isSeen = label.isAllSeen && label.reach !== 'unseen' && other?.isAllSeen === true;
    return isSeen && other.capability === label.capability && other.reach === label.reach;
  });
}
