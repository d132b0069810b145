/** Who has a capability, in words: one line a way, and what was not seen at the end. */
import { durationWords } from '../../core/duration.js';
import type { Paint } from '../output/output.js';
import type { NamedRecord, NamedWay, WhoCanAnswer } from '../reading/who-can.js';
import { visibleText } from './value-text.js';
import { counted, instantText, listWords } from './words.js';

const reachText: Readonly<Record<NamedWay['reach'], string>> = {
  full: 'yes',
  partial: 'partly',
  conditional: 'conditional',
  unseen: 'not seen',
};

export function whoCanLines(answer: WhoCanAnswer, nowMs: number, paint: Paint): readonly string[] {
  const { capability, on, holders, meshes, notSeen } = answer;
  const where = on === null ? 'anywhere' : `on ${listWords(on.map(nameText))}`;
  const sure = holders.filter(({ ways }) => ways.some(({ reach }) => reach !== 'unseen'));
  const perhaps = holders.filter((one) => !sure.includes(one));
  return [
    `${paint.bold(`Who can ${visibleText(capability)}`)} ${where}: ${counted(sure.length, 'holder')}${perhaps.length === 0 ? '' : `, and ${perhaps.length} of whom it was not seen`}`,
    ...meshes.map(({ authority, observedAtMs }) =>
      paint.dim(
        `  ${authority} as of ${instantText(new Date(observedAtMs))}, ${durationWords(Math.max(0, nowMs - observedAtMs))} ago`,
      ),
    ),
    '',
    ...[...sure, ...perhaps].flatMap(({ holder, ways }) => [
      paint.bold(recordText(holder)),
      ...ways.map((way) => `  ${way.authority}  ${wayText(way)}`),
    ]),
    ...(holders.length === 0 ? ['nobody, as far as it was seen'] : []),
    '',
    paint.bold('Not seen, so others may have it, or these may not'),
    ...notSeen.map(({ authority, what }) => `  ${authority}  ${visibleText(what)}`),
  ];
}

function wayText({ reach, isAllSeen, through, role, grant, scope, inheritedOn }: NamedWay): string {
  const path = [
    ...through.map(recordText),
    role === null ? recordText(grant) : `${grant.type} of ${recordText(role)}`,
    ...(scope === null ? [] : [`on ${nameText(scope)}`]),
    ...(inheritedOn === null ? [] : [`inherited by ${nameText(inheritedOn)}`]),
  ];
  return `${reachText[reach]}${isAllSeen || reach === 'unseen' ? '' : ' (not all seen)'}: ${path.join(', ')}`;
}

function recordText(record: NamedRecord): string {
  return `${record.type} ${nameText(record)}`;
}

function nameText({ name, key }: NamedRecord): string {
  return name === null ? key.slice(0, 12) : visibleText(name);
}
