/** A drifted schema in words: what changed, how widely, which fields it touches, and what follows. */
import type { SchemaDrift } from '../../core/drift/schema-drift.js';
import type { AuthorityId } from '../../core/record.js';
import type { Paint } from '../output/output.js';
import { visibleText } from './value-text.js';
import { counted, listWords, shortDigest } from './words.js';

export interface DriftThere extends SchemaDrift {
  readonly authority: AuthorityId;
}

/** What happened to the property, in one clause. */
export function driftWords({ kind, property, to, count, of, was, is, by, declared }: SchemaDrift): string {
  const name = visibleText(property);
  switch (kind) {
    case 'gained':
      return `${name} is new, in ${count} of ${counted(of, 'object')}`;
    case 'lost':
      if (count === 0) return `the map reads ${name}, and none of ${counted(of, 'object')} has it`;
      return `${name} is gone from all ${counted(of, 'object')}`;
    case 'renamed':
      return `${name} is gone, and the new ${visibleText(to ?? '')} holds ${count} of ${of} of its values: renamed?`;
    case 'retyped':
      if (was === null)
        return `the map cannot read ${name} in ${count} of ${counted(of, 'object')}${is === null ? '' : `, which hold ${kindWords(is)}`}`;
      return `${name} held ${kindWords(was)} and holds ${kindWords(is)} now, in ${count} of ${counted(of, 'object')}`;
    case 'scaled':
      return `the numbers in ${name} are about 10^${by ?? 0} times what they were: another unit?`;
    case 'newValue':
      return `${name} holds ${counted(count, 'value')} that it never held`;
    case 'emptied':
      // Few objects had a value, and nearly all of them lost it.
      if ((by ?? 0) < 1)
        return `${name} is empty in ${count} of ${counted(of, 'object')}: nearly all of its values are gone`;
      return `${name} is empty in ${count} of ${counted(of, 'object')}, ${by ?? 0} percent more of them than before`;
    case 'redeclared':
      return `${name} was declared as ${visibleText(declared?.was ?? 'nothing')} and is ${visibleText(declared?.is ?? 'nothing')} now`;
    case 'rekeyed':
      return `records are known by ${name}, and none of ${counted(of, 'value')} looked at was there before: other keys?`;
  }
}

const plurals: Readonly<Record<NonNullable<SchemaDrift['was']>, string>> = {
  boolean: 'yes and no',
  number: 'numbers',
  date: 'days',
  instant: 'moments',
  text: 'text',
  list: 'lists',
  object: 'objects',
};

function kindWords(kind: SchemaDrift['was']): string {
  return kind === null ? 'nothing' : plurals[kind];
}

/** What follows from it. */
export function driftConsequence({ action, fields, approved, type }: SchemaDrift): string {
  if (approved) return 'approved';
  if (action === 'report') return fields.length === 0 ? 'no field is read from it' : 'reported only';
  if (action === 'stop') return `nothing of ${type} is told`;
  return fields.length === 0
    ? `nothing of ${type} is deleted for want of it`
    : `${listWords(fields)} of ${type} ${fields.length === 1 ? 'is' : 'are'} untold here, the rest goes on`;
}

export function driftLine(drift: SchemaDrift, paint: Paint): string {
  const held = drift.action !== 'report';
  const word = held ? paint.yellow('drifted') : paint.dim('drifted');
  return `${word} ${shortDigest(drift.id)} ${visibleText(drift.native)}: ${driftWords(drift)}; ${driftConsequence(drift)}`;
}
