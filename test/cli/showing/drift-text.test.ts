/** What a person reads of each kind of drift, and of what follows from it. */
import { expect, it } from 'vitest';
import { driftConsequence, driftWords } from '../../../cli/showing/drift-text.js';
import type { SchemaDrift } from '../../../core/drift/schema-drift.js';

const drift = (change: Partial<SchemaDrift>): SchemaDrift => ({
  id: 'a'.repeat(64),
  type: 'shipment',
  native: 'envoi',
  kind: 'lost',
  property: 'poids',
  to: null,
  fields: ['weight'],
  action: 'hold',
  approved: false,
  count: 90,
  of: 100,
  was: null,
  is: null,
  by: null,
  examples: [],
  ...change,
});

it.each([
  [{ kind: 'gained' }, 'poids is new, in 90 of 100 objects'],
  [{ kind: 'lost' }, 'poids is gone from all 100 objects'],
  [{ kind: 'lost', count: 0 }, 'the map reads poids, and none of 100 objects has it'],
  [
    { kind: 'renamed', to: 'weight', count: 60, of: 64 },
    'poids is gone, and the new weight holds 60 of 64 of its values: renamed?',
  ],
  [{ kind: 'retyped', was: 'number', is: 'text' }, 'poids held numbers and holds text now, in 90 of 100 objects'],
  [{ kind: 'retyped', is: 'text' }, 'the map cannot read poids in 90 of 100 objects, which hold text'],
  [{ kind: 'retyped' }, 'the map cannot read poids in 90 of 100 objects'],
  [{ kind: 'scaled', by: -3 }, 'the numbers in poids are about 10^-3 times what they were: another unit?'],
  [{ kind: 'newValue', count: 1 }, 'poids holds 1 value that it never held'],
  [{ kind: 'emptied', by: 40 }, 'poids is empty in 90 of 100 objects, 40 percent more of them than before'],
  [{ kind: 'emptied', by: 0 }, 'poids is empty in 90 of 100 objects: nearly all of its values are gone'],
  [
    { kind: 'redeclared', declared: { was: 'numeric(12,2)', is: 'text' } },
    'poids was declared as numeric(12,2) and is text now',
  ],
  [
    { kind: 'rekeyed', property: 'numero', of: 64 },
    'records are known by numero, and none of 64 values looked at was there before: other keys?',
  ],
] as const)('%o reads: %s', (change, words) => {
  expect(driftWords(drift(change))).toBe(words);
});

it.each([
  [{}, 'weight of shipment is untold here, the rest goes on'],
  [{ fields: ['state', 'weight'] }, 'state and weight of shipment are untold here, the rest goes on'],
  [{ action: 'stop' }, 'nothing of shipment is told'],
  [{ kind: 'gained', fields: [] }, 'nothing of shipment is deleted for want of it'],
  [{ action: 'report' }, 'reported only'],
  [{ action: 'report', fields: [] }, 'no field is read from it'],
  [{ action: 'report', approved: true }, 'approved'],
] as const)('of %o follows: %s', (change, words) => {
  const { fields = ['weight'], ...rest } = change as Partial<SchemaDrift>;
  expect(driftConsequence(drift({ ...rest, fields: [...fields] }))).toBe(words);
});
