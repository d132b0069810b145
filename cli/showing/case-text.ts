/** A case with its records side by side: who could be whom, by which rule, and what to type. */
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
  const { id, type, rule, more } = own.case;
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
    `${paint.magenta(`case ${number}`)} ${shortDigest(id)}: this ${type} of ${record.authority} could be ${counted(candidates.length, 'record')}${more ? ' and more' : ''} by ${listWords(rule)}`,
    ...(fields.length === 0
      ? ['  (the fields are in the exchange store, which is not readable here)']
      : tableLines([head, ...rows]).map((line) => `  ${line}`)),
    ...candidates.map(
      (candidate) => `  same as ${candidate.number}:  concordat link ${shortDigest(id)} ${candidate.number} --as KEY`,
    ),
    `  another:    concordat unlink ${shortDigest(id)} NUMBER --as KEY`,
  ];
}

function fieldText(fields: Fields | null, field: string): string {
  const value = fields?.[field];
  if (value === undefined) return '-';
  if (Array.isArray(value)) return counted(value.length, 'element');
  return valueText(value);
}
