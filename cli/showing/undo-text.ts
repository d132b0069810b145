/** What goes back to what was agreed before a run, what is left alone, and why: before it is signed and in every plan. */
import type { PlannedUndo, UndoState } from '../../core/undo.js';
import type { Paint } from '../output/output.js';
import type { UndoableRun } from '../reading/undoable.js';
import { visibleText } from './value-text.js';
import { counted, instantText, listWords, shortDigest } from './words.js';

const leftWords: Readonly<Record<UndoableRun['left'][number]['reason'], string>> = {
  moved: 'has moved since',
  nothingAgreed: 'was written, and not all members agree on it yet',
  valuesGone: 'the earlier values are not there any more: they were erased',
};

export const undoStateWords: Readonly<Record<UndoState, string>> = {
  goesBack: 'goes back',
  isBack: 'is back already',
  moved: 'left alone: it has moved since',
  valuesGone: 'left alone: the earlier values were erased',
  notInHistory: 'left alone: the agreements that are named are none that this one stands on',
  nothingAgreedBefore: 'left alone: nothing was agreed about it before',
  digestField: 'left alone: nobody holds the clear value of a digest field any more',
  wouldWiden: 'left alone: the least privilege counts, and this would widen it',
  deletionPolicy: 'left alone: the policy of the dataset does not let a record of this type go at once',
  referenceGone: 'left alone: what it refers to is gone',
  doubled: 'left alone: another record holds a value that is to be unique',
  heldBack: 'waits: not everybody who may hold it could be read',
  waits: 'waits for what it depends on',
};

export function undoableLines(found: UndoableRun, paint: Paint): readonly string[] {
  const { dataset, sequence, undoable, left } = found;
  return [
    `agreement ${sequence} of ${dataset}: ${counted(undoable.length, 'record')} can go back to agreement ${sequence - 1}`,
    ...undoable.map(({ record, name, what }) => {
      const named = `${record.type} ${visibleText(name ?? record.key.slice(0, 12))}`;
      switch (what) {
        case 'created':
          return `  ${paint.red('delete')} ${named}: the run created it; it goes from every cloud`;
        case 'deleted':
          return `  ${paint.green('create')} ${named}: the run deleted it; it comes back to every cloud that held it`;
        case 'changed':
          return `  ${paint.yellow('change')} ${named}: ${listWords(record.fields ?? [])}`;
      }
    }),
    ...left.map(
      ({ type, key, name, field, reason }) =>
        `  ${paint.dim('leave')}  ${type} ${visibleText(name ?? key.slice(0, 12))}${field === null ? '' : ` ${field}`}: ${leftWords[reason]}`,
    ),
  ];
}

/** What a plan takes from each statement. */
export function plannedUndoLines(
  undos: readonly PlannedUndo[],
  recordText: (type: string, key: string) => string,
): readonly string[] {
  return undos.flatMap(({ undo, authority, approver, run, sequence, untilMs, parts }) => [
    `${shortDigest(undo)}: ${approver} of ${authority} undoes agreement ${sequence}, which run ${shortDigest(run)} made; until ${instantText(new Date(untilMs))}`,
    ...parts.map(
      ({ type, key, field, state }) =>
        `  ${recordText(type, key)}${field === null ? '' : ` ${field}`}: ${undoStateWords[state]}`,
    ),
  ]);
}
