/** A delegation in one line. */
import type { DelegationView } from '../../workflows/activity-types.js';
import { visibleText } from './value-text.js';
import { instantText, listWords } from './words.js';

const stateWords = { holds: 'until', over: 'was until', ended: 'ended early; was until' } as const;

/** `aws: ana -> ben until 2027-01-31 23:59:59 UTC, workforce, update only  (q3V0c1…)`. */
export function delegationText({ id, authority, dataset, kinds, from, to, untilMs, state }: DelegationView): string {
  const limits = [
    ...(dataset === null ? ['all datasets'] : [visibleText(dataset)]),
    ...(kinds === null ? [] : [`${listWords(kinds)} only`]),
  ];
  return `${authority}: ${visibleText(from)} -> ${visibleText(to)} ${stateWords[state]} ${instantText(new Date(untilMs))}, ${limits.join(', ')}  (${id})`;
}
