/** A plan in counts: what differs, where, why, and whether one thing explains it all. */
import type { OneCause } from '../../core/report/one-cause.js';
import type { Census } from '../../core/report/plan-census.js';
import { durationWords } from '../../core/duration.js';
import { causeWords, divergenceWords, listWords } from './words.js';
import { visibleText } from './value-text.js';

/** More of a sort than this are summed up. */
const shownOfEach = 6;

/** Thousands apart, the same on every machine: 1,000,000. */
export function numberText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export function shareText(count: number, of: number): string {
  if (of === 0) return '0 %';
  const tenths = Math.floor((count * 1_000) / of);
  return `${Math.floor(tenths / 10)}.${tenths % 10} %`.replace('.0 %', ' %');
}

/** Kinds, fields and causes, each a line; nothing for a plan of nothing. */
export function censusLines({ kinds, fields, causes, oneCause }: Census): readonly string[] {
  const line = (name: string, parts: readonly string[], total: number): readonly string[] => {
    if (parts.length === 0) return [];
    const more = total > parts.length ? `, and ${total - parts.length} more` : '';
    return [`  ${name.padEnd(12)}${parts.join(', ')}${more}`];
  };
  return [
    ...line(
      'by kind',
      kinds.slice(0, shownOfEach).map(({ kind, count }) => `${numberText(count)} ${divergenceWords[kind]}`),
      kinds.length,
    ),
    ...line(
      'by field',
      fields.slice(0, shownOfEach).map(({ type, field, count }) => `${fieldText(type, field)} ${numberText(count)}`),
      fields.length,
    ),
    ...line(
      'by cause',
      causes
        .slice(0, shownOfEach)
        .map(({ rule, because, count }) => `${causeWords(rule, because)} ${numberText(count)}`),
      causes.length,
    ),
    ...(oneCause ? [`  ${'one cause'.padEnd(12)}${oneCauseText(oneCause)}`] : []),
  ];
}

export function fieldText(type: string, field: string | null): string {
  return field === null ? `${visibleText(type)} (whole record)` : `${visibleText(field)} of ${visibleText(type)}`;
}

const kindWords = { create: 'made', update: 'changed', delete: 'deleted' } as const;

/** `100 % is weight of shipment, changed in oslo: each new value is 1000 times the old one. Was a unit changed?` */
export function oneCauseText({ type, field, kind, because, count, of, relation }: OneCause): string {
  const who = because.length === 0 ? 'by no one member' : `in ${listWords(because)}`;
  const what = `${shareText(count, of)} (${numberText(count)} of ${numberText(of)} ${of === 1 ? 'operation' : 'operations'}) is ${fieldText(type, field)}, ${kindWords[kind]} ${who}`;
  return relation ? `${what}: ${relationText(relation, count)}` : what;
}

function relationText(relation: NonNullable<OneCause['relation']>, of: number): string {
  const each = relation.count === of ? 'each' : `${numberText(relation.count)} of ${numberText(of)}`;
  switch (relation.kind) {
    case 'factor':
      return `${each} is ${relation.by} times what it was. Was a unit changed? See \`concordat taxonomy diff\``;
    case 'offset':
      return `${each} is ${relation.by.startsWith('-') ? `${relation.by.slice(1)} less` : `${relation.by} more`} than it was`;
    case 'seconds':
      return `${each} is ${durationWords(Math.abs(relation.by) * 1_000)} ${relation.by < 0 ? 'earlier' : 'later'} than it was. Was a time zone changed?`;
    case 'emptied':
      return `${each} is emptied. Was it dropped?`;
  }
}
