/** Policies that could never decide, or not as they are written: each with the line and column where people must look. */
import { expect, test } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { datasetShape } from '../../../core/federation/federation.js';
import { changed, smallFederation, written, type Files } from './small-federation.js';

const dataset = 'datasets/workforce.yaml';
const personType = 'taxonomy/person.yaml';
const surface = '  person: [mail, employeeId]';

/** The lines of `resolution` begin at line 8. */
function declaring(resolution: string, files: Files = smallFederation): Files {
  return changed(files, dataset, 'approval: {', `resolution:\n${resolution}\napproval: {`);
}

const ranked = changed(
  smallFederation,
  personType,
  'employeeId: { kind: text }',
  'employeeId: { kind: text, privileges: { order: [none, reader, owner] } }',
);
const sealed = changed(
  ranked,
  'authorities/azure.yaml',
  surface,
  '  person: { fields: { mail: digest, employeeId: digest } }',
);
const field = (name: string, policy: string): string => `  person:\n    fields:\n      ${name}: ${policy}`;
const deletion = (policy: string): string => `  person:\n    deletion: ${policy}`;

const together = (groups: string): string => `  person:\n    together: ${groups}`;

test.each<[reason: string, files: Files, at: string, message: RegExp]>([
  [
    'an unknown field that belongs to another',
    declaring(together('[[mial, employeeId]]')),
    '10:17 resolution.person.together[0][0]',
    /did you mean "mail"/,
  ],
  [
    'a field that belongs to two groups',
    declaring(together('[[mail, employeeId], [employeeId, displayName]]')),
    '10:37 resolution.person.together[1][0]',
    /listed already/,
  ],
  [
    'a field that belongs to another and is decided by a policy',
    declaring(`${together('[[mail, employeeId]]')}\n    fields:\n      mail: { kind: latest }`),
    '10:17 resolution.person.together[0][0]',
    /decided by latest already/,
  ],
  [
    'a type that the dataset does not hold',
    declaring('  grant: {}'),
    '9:3 resolution.grant',
    /no type of this dataset/,
  ],
  [
    'an unknown field',
    declaring(field('mial', '{ kind: people }')),
    '11:7 resolution.person.fields.mial',
    /did you mean "mail"/,
  ],
  [
    'an unknown policy',
    declaring(field('mail', '{ kind: newest }')),
    '11:21 resolution.person.fields.mail.kind',
    /owned/,
  ],
  [
    'two policies for one field',
    declaring(`${field('mail', '{ kind: people }')}\n      mail: { kind: latest }`),
    '12:7 ',
    /given twice/,
  ],
  [
    'a field that nobody holds',
    declaring(field('displayName', '{ kind: people }')),
    '11:7 resolution.person.fields.displayName',
    /no member .* holds/,
  ],
  [
    'an owner that is no member',
    declaring(field('mail', '{ kind: owned, by: azur }')),
    '11:32 resolution.person.fields.mail.by',
    /did you mean "azure"/,
  ],
  [
    'an owner that does not hold the field',
    declaring(
      field('mail', '{ kind: owned, by: azure }'),
      changed(smallFederation, 'authorities/azure.yaml', surface, '  person: [employeeId]'),
    ),
    '11:32 resolution.person.fields.mail.by',
    /azure does not hold "mail"/,
  ],
  [
    'union of single values',
    declaring(field('mail', '{ kind: union }')),
    '11:21 resolution.person.fields.mail.kind',
    /is for sets/,
  ],
  [
    'the latest of a set',
    declaring('  team:\n    fields:\n      members: { kind: latest }'),
    '11:24 resolution.team.fields.members.kind',
    /none of them is the latest/,
  ],
  [
    'least privilege without an order',
    declaring(field('employeeId', '{ kind: leastPrivilege }')),
    '11:27 resolution.person.fields.employeeId.kind',
    /declare `privileges`/,
  ],
  [
    'least privilege of a set',
    declaring('  team:\n    fields:\n      members: { kind: leastPrivilege }'),
    '11:24 resolution.team.fields.members.kind',
    /intersection/,
  ],
  [
    'least privilege over digests',
    declaring(field('employeeId', '{ kind: leastPrivilege }'), sealed),
    '11:27 resolution.person.fields.employeeId.kind',
    /only as a digest/,
  ],
  [
    'a suspension by a field that a member does not hold',
    declaring(
      deletion('{ kind: suspendFirst, field: mail, value: gone, after: 30d }'),
      changed(smallFederation, 'authorities/azure.yaml', surface, '  person: [employeeId]'),
    ),
    '10:44 resolution.person.deletion.field',
    /azure holds person and not "mail"/,
  ],
  [
    'a suspension by an unknown field',
    declaring(deletion('{ kind: suspendFirst, field: active, value: false, after: 30d }')),
    '10:44 resolution.person.deletion.field',
    /no field "active"/,
  ],
  [
    'a suspension by a value of another kind',
    declaring(deletion('{ kind: suspendFirst, field: mail, value: true, after: 30d }')),
    '10:57 resolution.person.deletion.value',
    /is a text/,
  ],
  [
    'a suspension without a delay',
    declaring(deletion('{ kind: suspendFirst, field: mail, value: gone }')),
    '10:5 resolution.person.deletion.after',
    /is missing/,
  ],
  [
    'a delay that is none',
    declaring(deletion('{ kind: suspendFirst, field: mail, value: gone, after: month }')),
    '10:70 resolution.person.deletion.after',
    /30d|duration/,
  ],
  [
    'a policy for a part of a key',
    declaring(
      '  team:\n    fields:\n      handle: { kind: people }',
      changed(smallFederation, 'taxonomy/team.yaml', 'fields:', 'key: [handle]\nfields:'),
    ),
    '11:7 resolution.team.fields.handle',
    /part of the key/,
  ],
  [
    'a set that is to be unique',
    declaring('  team: { unique: [members] }'),
    '9:20 resolution.team.unique[0]',
    /only texts/,
  ],
  [
    'a unique field named twice',
    declaring('  person: { unique: [mail, mail] }'),
    '9:28 resolution.person.unique[1]',
    /listed already/,
  ],
  [
    'uniqueness that nobody could see',
    declaring('  person: { unique: [mail] }', sealed),
    '9:22 resolution.person.unique[0]',
    /only as a digest/,
  ],
])('%s is a fault', async (_, files, at, message) => {
  const loaded = await loadFederation(await written(files));
  const all = loaded.kind === 'invalid' ? loaded.faults : [];
  // A narrower surface leaves rules of correlation behind as well.
  const faults = all.filter((fault) => !fault.field.startsWith('correlation'));
  expect(faults.map((fault) => `${fault.line}:${fault.column} ${fault.field}`)).toEqual([at]);
  expect(faults[0]?.message).toMatch(message);
  expect(faults[0]?.file).toBe(dataset);
});

test.each<[reason: string, privileges: string, kind: string, at: string]>([
  ['a value twice', '{ order: [a, b, a] }', 'text', '5:60 fields.employeeId.privileges.order[2]'],
  ['a value of another kind', '{ order: [none, true] }', 'text', '5:60 fields.employeeId.privileges.order[1]'],
  [
    'capabilities of true and false',
    '{ capabilities: { a: [] } }',
    'boolean',
    '5:50 fields.employeeId.privileges.capabilities',
  ],
])('an order of privileges with %s is a fault', async (_, privileges, kind, at) => {
  const files = changed(
    smallFederation,
    personType,
    'employeeId: { kind: text }',
    `employeeId: { kind: ${kind}, privileges: ${privileges} }`,
  );
  const loaded = await loadFederation(await written(files));
  const faults = loaded.kind === 'invalid' ? loaded.faults : [];
  expect(faults.filter(({ file }) => file === personType).map((fault) => fault.field)).toEqual([at.split(' ')[1]]);
});

test('every policy at once is accepted, and is part of the configuration that all members hold alike', async () => {
  const lines = [
    '  person:',
    '    fields:',
    '      mail: { kind: owned, by: azure }',
    '      employeeId: { kind: leastPrivilege }',
    '    deletion: { kind: suspendFirst, field: employeeId, value: none, after: 30d }',
    '    unique: [mail]',
    '  team:',
    '    fields:',
    '      handle: { kind: latest }',
    '      members: { kind: intersection }',
    '    deletion: { kind: keep }',
  ].join('\n');
  const plain = await loadFederation(await written(ranked));
  const declared = await loadFederation(await written(declaring(lines, ranked)));
  if (plain.kind === 'invalid' || declared.kind === 'invalid') throw new Error('a valid folder was refused');
  const without = datasetShape(plain.federation, 'workforce');
  const shape = datasetShape(declared.federation, 'workforce');
  expect(shape.types.map(({ policy }) => policy?.deletion?.kind)).toEqual(['suspendFirst', 'keep']);
  expect(shape.configuration).not.toBe(without.configuration);
  expect(without.types.every(({ policy }) => policy === undefined)).toBe(true);
});
