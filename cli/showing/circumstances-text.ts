/** What beside the rules decides about a record, in words, and what to type about it. */
import type { Acceptance } from '../../core/acceptance.js';
import type { Paint } from '../output/output.js';
import type { ExplainedRecord } from '../reading/explained.js';
import { doubtText } from './case-text.js';
import { valueText, visibleText } from './value-text.js';
import { codeWords, instantText, listWords, shortDigest } from './words.js';

/** `by sov until 2027-01-31 00:00:00 UTC, owner HR Berlin: "two spellings on purpose"`. */
export function acceptedText({ authority, owner, reason, untilMs }: Acceptance): string {
  const who = owner === undefined ? '' : `, owner ${visibleText(owner)}`;
  return `by ${authority} until ${instantText(new Date(untilMs))}${who}: ${valueText(reason)}`;
}

export function circumstanceLines(
  { explanation, doubtful, unwritten }: Pick<ExplainedRecord, 'explanation' | 'doubtful' | 'unwritten'>,
  paint: Paint,
): readonly string[] {
  const { circumstances, key } = explanation;
  const { accepted, ignored, cases, opaque, incomplete } = circumstances;
  return [
    ...(ignored === null
      ? []
      : [
          `${paint.yellow('ignored')} nobody's, as ${visibleText(ignored.approver)} of ${ignored.authority} said: ${valueText(ignored.reason)}`,
          'it is joined with nothing, and neither written nor deleted; see  concordat accepted',
        ]),
    ...cases.flatMap((found) => {
      const doubt = doubtText(found, found.candidates.length, found.more === true);
      const whose = found.record === key ? `this ${found.type}` : `a ${found.type} that could be this one`;
      return [
        `${paint.yellow('case')} ${shortDigest(found.id)}: ${whose} of ${found.authority} ${doubt}; decide with  concordat cases`,
      ];
    }),
    ...opaque.map(
      ({ authority, reason, changed }) =>
        `${paint.yellow('opaque')} at ${authority}: ${visibleText(reason)}${changed ? '; it is another object than at the last agreement' : ''}`,
    ),
    ...incomplete.map(
      ({ authority, type, scope, reason }) =>
        `${paint.yellow('not read completely')} ${authority} ${type} ${visibleText(scope)}, so no deletion follows from it (${codeWords(reason)})`,
    ),
    ...accepted
      .filter(({ field }) => field === null)
      .map(({ acceptance }) => `${paint.green('accepted')} ${acceptedText(acceptance)}`),
    ...doubtful.map(({ authority, operation, kind, fields, atMs, settled }) => {
      const what = `${paint.yellow('effect unknown')} ${authority} ${kind}${fields.length > 0 && kind === 'update' ? ` of ${listWords(fields)}` : ''} at ${instantText(new Date(atMs))}`;
      return settled === null
        ? `${what}: nothing is written there until it is settled:  concordat settle ${shortDigest(operation)} --as KEY`
        : `${what}: settled, this run read that it had its effect`;
    }),
    ...unwritten.map(({ authority, operation, kind, outcome, code }) =>
      outcome === 'unknown'
        ? `${paint.yellow('effect unknown')} ${authority} ${kind} of this run: nothing is written there until it is settled:  concordat settle ${shortDigest(operation)} --as KEY`
        : `${paint.yellow('not written')} ${authority} ${kind}: ${codeWords(code)}`,
    ),
  ];
}
