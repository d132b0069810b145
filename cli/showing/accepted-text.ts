/** Accepted differences and ignored records, the first to end first, and what to type to take one back. */
import type { Paint } from '../output/output.js';
import type { Accepted, AcceptedDifference } from '../reading/accepted.js';
import { valueText, visibleText } from './value-text.js';
import { counted, instantText, shortDigest } from './words.js';

const stateWords: Readonly<Record<AcceptedDifference['state'], string>> = {
  holds: 'holds',
  moved: 'a value moved: back in the plan',
  gone: 'no such difference any more',
  ended: 'ended: back in the plan with the next run',
};

export function acceptedText({ dataset, accepted, ignored }: Accepted, paint: Paint): readonly string[] {
  if (accepted.length + ignored.length === 0) return [`${dataset}: nothing is accepted, and nothing is ignored`];
  return [
    `${paint.bold(dataset)}: ${counted(accepted.length, 'accepted difference')}, ${counted(ignored.length, 'ignored record')}`,
    ...accepted.flatMap((one) => {
      const what = `${one.type} ${one.name === null ? one.key.slice(0, 8) : `${visibleText(one.name)} (${one.key.slice(0, 8)})`}${one.field === null ? '' : ` ${one.field}`}`;
      const state = stateWords[one.state];
      return [
        `  ${shortDigest(one.id)}  ${one.authority}  ${what}  ${one.state === 'holds' ? paint.green(state) : paint.yellow(state)}`,
        `      owner ${visibleText(one.owner)}, until ${instantText(new Date(one.untilMs))}, signed by ${visibleText(one.approver)}: ${valueText(one.reason)}`,
      ];
    }),
    ...ignored.map(
      ({ id, authority, type, record, approver, reason, isThere }) =>
        `  ${shortDigest(id)}  ${authority}  ${type} ${record.slice(0, 9)} is nobody's${isThere ? '' : paint.yellow(' (no such object now)')}, signed by ${visibleText(approver)}: ${valueText(reason)}`,
    ),
    '  take one back with  concordat withdraw ID --as KEY',
  ];
}
