/** What people get wrong about roles and grants, all of it in one folder: each fault is told with its place, and all at once. */
import { expect, test } from 'vitest';
import { faultLine } from '../../../activities/federation-folder/fault.js';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { smallFederation, written, type Files } from './small-federation.js';

const surface = '  team: [handle, members]\n';
const withRoles = (authority: string): string =>
  authority.replace(surface, `${surface}  role: [name, implies]\n  grant: [role, note]\n`);

const roleMap = (table: string): string => `type: role
native: group
lifecycle: active
fields:
  name:
    path: name
    through:
      - table: ${table}
  implies: { path: implies, through: [{ reference: { user: grant } }] }
`;
const grantMap = `type: grant
native: user
lifecycle: active
fields:
  role: { path: role, through: [{ reference: { group: role } }] }
  note: { path: note }
`;

/** Types in a circle, a table with a hole, a native role that means two, and two fields in one place. */
const wrong: Files = {
  ...smallFederation,
  'authorities/aws.yaml': withRoles(smallFederation['authorities/aws.yaml'] ?? '').replace(
    'freshness: 2h',
    `freshness: 2h
  rules:
    - { name: grows, for: { type: grant }, allow: '[1, 2].map(x, x).size()', reason: r }
    - { name: waits, for: { type: grant }, allow: 'after.note.matches("(a+)+$")', reason: r }
    - { name: reads, for: { type: grant }, allow: 'process.env.HOME == ""', reason: r }
    - { name: deep, for: { type: grant }, allow: '${'('.repeat(400)}true${')'.repeat(400)}', reason: r }`,
  ),
  'authorities/azure.yaml': withRoles(smallFederation['authorities/azure.yaml'] ?? ''),
  'taxonomy/role.yaml': `type: role
key: [name]
fields:
  name: { kind: text }
  implies: { kind: reference, of: [grant] }
`,
  'taxonomy/grant.yaml': `type: grant
key: [role]
fields:
  role: { kind: reference, of: [role] }
  note: { kind: text }
`,
  'maps/aws.role.yaml': roleMap('{ operator: [Power, Ops], auditor: [ReadOnly, Ops] }'),
  'maps/azure.role.yaml': roleMap('{ operator: [Contributor] }'),
  'maps/aws.grant.yaml': grantMap.replace('note: { path: note }', 'note: { path: role }'),
  'maps/azure.grant.yaml': grantMap,
  'datasets/workforce.yaml': (smallFederation['datasets/workforce.yaml'] ?? '').replace(
    '[person, team]',
    '[person, team, role, grant]',
  ),
};

test('every fault about roles is told with file, line and field, all in one go', async () => {
  const loaded = await loadFederation(await written(wrong));
  expect(loaded.kind === 'invalid' ? loaded.faults.map(faultLine) : loaded).toEqual([
    'authorities/aws.yaml:11:51 constraints.rules[0].allow: is no rule: gives int instead of true or false',
    'authorities/aws.yaml:12:51 constraints.rules[1].allow: is no rule: matches is not offered: a regular expression may run without end; compare with startsWith, endsWith, contains or in',
    'authorities/aws.yaml:13:51 constraints.rules[2].allow: is no rule: Unknown variable: process',
    'authorities/aws.yaml:14:50 constraints.rules[3].allow: is no rule: Exceeded maxDepth (50)',
    'maps/aws.grant.yaml:6:17 fields.note.path: is the place of another field already: two fields cannot be written to one place',
    'maps/aws.role.yaml:8:62 fields.name.through[0].table.auditor[1]: stands under another value already: the way there would be unclear',
    'maps/azure.role.yaml:8:16 fields.name.through[0].table: knows nothing for "auditor", which maps/aws.role.yaml translates; say what it is here, or write "auditor: []" where this mesh has no such value',
    'taxonomy/grant.yaml:4:33 fields.role.of[0]: types refer to each other in a circle: grant → role → grant; none could be written first',
    'taxonomy/role.yaml:5:36 fields.implies.of[0]: types refer to each other in a circle: role → grant → role; none could be written first',
  ]);
});
