/** A case with its records side by side: who could be whom, by which rule, and what to type. */
import type { Case } from '../../core/correlation-cases.js';
import type { Fields } from '../../core/record.js';
import { byCodeUnit } from '../../core/json.js';
import type { Paint } from '../output/output.js';
import type { OpenCase, OpenCases } from '../reading/cases.js';
import { tableLines } from './table.js';
import { valueText } from './value-text.js';
import { counted, listWords, shortDigest } from './words.js';

export function caseLines(open: OpenCases, paint: Paint): readonly string[] {
  if (open.cases.length === 0) return [`${open.dataset}: no open cases`];
  return [
    `${paint.bold(open.dataset)}: ${counted(open.cases.length, 'case')} in plan ${shortDigest(open.plan)}; until they are decided, their records are neither compared nor written`,
    ...open.cases.flatMap((own) => ['', ...oneCase(own, paint)]),
  ];
}

function oneCase(own: OpenCase, paint: Paint): readonly string[] {
  const { number, record, candidates } = own;
  const { id, type, more } = own.case;
  const columns = [record, ...candidates];
  const fields = [...new Set(columns.flatMap((column) => Object.keys(column.fields ?? {})))].sort(byCodeUnit);
  const head = [
    '',
    paint.bold(`${record.authority} (this record)`),
    ...candidates.map((candidate) => paint.bold(`${candidate.number}: ${candidate.authority}`)),
  ];
  const rows = fields.map((field) => [
    field,
    ...columns.map((column) => {
      const text = fieldText(column.fields, field);
      return column !== record && text === fieldText(record.fields, field) ? paint.green(text) : text;
    }),
  ]);
  return [
    `${paint.magenta(`case ${number}`)} ${shortDigest(id)}: this ${type} of ${record.authority} ${doubtText(own.case, candidates.length, more === true)}`,
    ...(fields.length === 0
      ? ['  (the fields are in the exchange store, which is not readable here)']
      : tableLines([head, ...rows]).map((line) => `  ${line}`)),
    ...candidates.map(
      (candidate) => `  same as ${candidate.number}:  concordat link ${shortDigest(id)} ${candidate.number} --as KEY`,
    ),
    ...(candidates.length > 0 ? [`  another:    concordat unlink ${shortDigest(id)} NUMBER --as KEY`] : []),
    `  its own:    concordat unlink ${shortDigest(id)} --as KEY`,
    `  nobody:     concordat ignore ${own.case.record.slice(1, 13)} --reason TEXT --as KEY`,
  ];
}

/** `could be 2 records by email (90 % sure)`, and why a person is asked. */
export function doubtText({ rule, confidence, doubt }: Case, candidates: number, more: boolean): string {
  const sure = confidence === undefined ? '' : ` (${confidence} % sure)`;
  const could = `could be ${counted(candidates, 'record')}${more ? ' and more' : ''} by ${listWords(rule)}${sure}`;
  switch (doubt) {
    case undefined:
      return could;
    case 'proposed':
      return `${could}; that rule only proposes`;
    case 'replaced':
      return `${could}, which this authority held as another native object; that one is gone`;
    case 'unmatchable':
      return 'holds nothing that a rule could match it by: an account without an owner?';
  }
}

function fieldText(fields: Fields | null, field: string): string {
  const value = fields?.[field];
  if (value === undefined) return '-';
  if (Array.isArray(value)) return counted(value.length, 'element');
  return valueText(value);
}
