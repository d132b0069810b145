/** taxonomy/capabilities.yaml and fields of the kind effect: what `validate` says of each mistake, and where. */
import { expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { configurationOf } from '../../../core/federation/federation.js';
import { changed, smallFederation, without, written, type Files } from './small-federation.js';

const capabilities = 'taxonomy/capabilities.yaml';
const awsMap = 'maps/aws.role.yaml';
const map = (native: string, name: string): string => `type: role
native: ${native}
lifecycle: active
fields:
  name: { path: ${name} }
  effect: { from: capabilities }
`;

const surfaced = (files: Files, file: string): Files =>
  changed(files, file, '  team: [handle, members]', '  team: [handle, members]\n  role: [name, effect]');

const good: Files = {
  ...surfaced(surfaced(smallFederation, 'authorities/aws.yaml'), 'authorities/azure.yaml'),
  'taxonomy/role.yaml': `type: role
key: [name]
fields:
  name: { kind: text, privileges: { capabilities: { operator: [manage keys] } } }
  effect: { kind: effect }
`,
  [capabilities]: `capabilities:
  - capability: manage keys
    aws: { actions: ['kms:*'] }
    entra: { directoryRoles: [Cloud Application Administrator] }
  - capability: read objects
    aws: { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::*/*'] }
`,
  [awsMap]: map('policySet', 'Name'),
  'maps/azure.role.yaml': map('directoryRole', 'displayName'),
  'datasets/workforce.yaml': (smallFederation['datasets/workforce.yaml'] ?? '').replace(
    'types: [person, team]',
    'types: [person, team, role]',
  ),
};

it('a folder with capabilities and effects is valid, and members must hold the capabilities alike', async () => {
  const loaded = await loadFederation(await written(good));
  if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded.faults));
  const { federation } = loaded;
  const dataset = federation.datasets['workforce'];
  if (!dataset) throw new Error('no dataset');
  expect(configurationOf(federation, dataset).capabilities?.map(({ capability }) => capability)).toEqual([
    'manage keys',
    'read objects',
  ]);
  const people = configurationOf(federation, { ...dataset, types: ['person', 'team'] });
  expect(Object.hasOwn(people, 'capabilities')).toBe(false);
});

const rows: readonly [reason: string, files: Files, at: readonly string[], message: RegExp][] = [
  [
    'an unknown capability',
    changed(good, 'taxonomy/role.yaml', '[manage keys]', '[manage kays]'),
    ['taxonomy/role.yaml:4:64 fields.name.privileges.capabilities.operator[0]'],
    /no capability "manage kays" in taxonomy\/capabilities.yaml; did you mean "manage keys"\?/,
  ],
  [
    'a capability that is declared twice',
    changed(good, capabilities, 'capability: read objects', 'capability: manage keys'),
    [`${capabilities}:5:17 capabilities[1].capability`],
    /is declared already/,
  ],
  [
    'a name with a comma',
    changed(good, capabilities, 'capability: read objects', 'capability: read, objects'),
    [`${capabilities}:5:17 capabilities[1].capability`],
    /words with single spaces/,
  ],
  [
    'an effect without any capability',
    changed(
      without(good, capabilities),
      'taxonomy/role.yaml',
      ', privileges: { capabilities: { operator: [manage keys] } }',
      '',
    ),
    ['taxonomy/role.yaml:5:19 fields.effect.kind'],
    /no file declares any; write taxonomy\/capabilities.yaml/,
  ],
  [
    'a mistyped field of a capability, and nothing called unknown because of it',
    changed(good, capabilities, 'actions', 'action'),
    [`${capabilities}:3:12 capabilities[0].aws.action`],
    /did you mean "actions"\?/,
  ],
  [
    'an effect that is read from a path',
    changed(good, awsMap, 'effect: { from: capabilities }', 'effect: { path: Effect }'),
    [`${awsMap}:6:11 fields.effect`],
    /an effect is worked out: its map is \{ from: capabilities \}/,
  ],
  [
    'a plain field that is to be worked out',
    changed(good, awsMap, 'name: { path: Name }', 'name: { from: capabilities }'),
    [`${awsMap}:5:9 fields.name`],
    /only a field of the kind effect/,
  ],
  [
    'an effect of what has none',
    changed(good, awsMap, 'native: policySet', 'native: account'),
    [`${awsMap}:6:3 fields.effect`],
    /what a account leaves cannot be worked out; .* policySet, assumableRole/,
  ],
  [
    'where a grant counts, of what is no grant',
    changed(
      changed(good, awsMap, 'effect: { from: capabilities }', 'effect: { from: scopes }'),
      'taxonomy/role.yaml',
      'effect: { kind: effect }',
      'effect: { kind: effect, of: scopes }',
    ),
    [
      `${awsMap}:6:3 fields.effect`,
      'maps/azure.role.yaml:6:3 fields.effect',
      'maps/azure.role.yaml:6:11 fields.effect',
    ],
    /where a policySet counts cannot be worked out; .* policyAttachment, assumption/,
  ],
  [
    'an effect that is worked out from something else',
    changed(good, awsMap, 'effect: { from: capabilities }', 'effect: { from: scopes }'),
    [`${awsMap}:6:11 fields.effect`],
    /the effect is one of capabilities: its map is \{ from: capabilities \}/,
  ],
  [
    'an effect in a key',
    changed(good, 'taxonomy/role.yaml', 'key: [name]', 'key: [name, effect]'),
    ['taxonomy/role.yaml:2:13 key[1]'],
    /changes with every policy/,
  ],
  [
    'an effect exposed as a digest',
    changed(good, 'authorities/aws.yaml', 'role: [name, effect]', 'role: { fields: { name: clear, effect: digest } }'),
    ['authorities/aws.yaml:6:42 surface.role.fields.effect'],
    /write clear or hidden/,
  ],
  [
    'a policy that would have to write an effect',
    changed(
      good,
      'datasets/workforce.yaml',
      'approval:',
      'resolution: { role: { fields: { effect: { kind: intersection } } } }\napproval:',
    ),
    ['datasets/workforce.yaml:8:33 resolution.role.fields.effect'],
    /nobody can write it/,
  ],
];

const withGrant: Files = {
  ...good,
  'taxonomy/role.yaml': (good['taxonomy/role.yaml'] ?? '').replace('key: [name]\n', ''),
};
const resolved = (policy: string, from: Files = withGrant): Files =>
  changed(from, 'datasets/workforce.yaml', 'approval:', `resolution: { role: ${policy} }\napproval:`);

const sameEffectRows: typeof rows = [
  [
    'a field that no type has may differ',
    resolved('{ sameEffect: [nam] }'),
    ['datasets/workforce.yaml:8:36 resolution.role.sameEffect[0]'],
    /no field "nam"; did you mean "name"\?/,
  ],
  [
    'the effect itself may differ',
    resolved('{ sameEffect: [effect] }'),
    ['datasets/workforce.yaml:8:36 resolution.role.sameEffect[0]'],
    /is the effect itself/,
  ],
  [
    'a whole key may differ',
    resolved('{ sameEffect: [name] }', good),
    ['datasets/workforce.yaml:8:23 resolution.role.sameEffect'],
    /leaves nothing of the key/,
  ],
  [
    'differences are to be told by an effect that the type has not',
    changed(good, 'datasets/workforce.yaml', 'approval:', 'resolution: { team: { sameEffect: [handle] } }\napproval:'),
    ['datasets/workforce.yaml:8:23 resolution.team.sameEffect'],
    /no field of the kind effect/,
  ],
];

it.each([...rows, ...sameEffectRows])('%s', async (_, files, at, message) => {
  const loaded = await loadFederation(await written(files));
  const faults = loaded.kind === 'invalid' ? loaded.faults : [];
  expect(faults.map(({ file, line, column, field }) => `${file}:${line}:${column} ${field}`)).toEqual(at);
  expect(faults[0]?.message).toMatch(message);
});
