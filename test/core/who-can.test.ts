/** Who has a capability, along every path there is. */
import { expect, it } from 'vitest';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import { whoCan, type MeshRecords } from '../../core/who-can.js';
import type { Fields } from '../../core/record.js';

const taxonomy = [
  { type: 'person', fields: { mail: { kind: 'text' } } },
  { type: 'workload', fields: { subject: { kind: 'text' } } },
  { type: 'team', fields: { handle: { kind: 'text' }, members: { kind: 'set', of: 'person' } } },
  { type: 'scope', fields: { name: { kind: 'text' } } },
  { type: 'role', key: ['name'], fields: { name: { kind: 'text' }, effect: { kind: 'effect' } } },
  {
    type: 'grant',
    fields: {
      principal: { kind: 'reference', of: ['person', 'team', 'workload'] },
      role: { kind: 'reference', of: ['role'] },
      scope: { kind: 'reference', of: ['scope'] },
      effect: { kind: 'effect' },
    },
  },
].map((type) => TaxonomyType.parse(type));

function mesh(authority: string, records: Readonly<Record<string, Readonly<Record<string, Fields>>>>): MeshRecords {
  return {
    authority,
    records: Object.fromEntries(
      Object.entries(records).map(([type, own]) => [
        type,
        Object.entries(own).map(([key, fields]) => ({ type, key, fields })),
      ]),
    ),
  };
}

const grant = (principal: string, scope: string, effect?: readonly string[]): Fields => ({
  principal,
  role: 'role/operator',
  scope: `scope/${scope}`,
  ...(effect ? { effect: [...effect] } : {}),
});

const meshes = [
  mesh('sov', {
    role: { operator: { name: 'operator', effect: ['manage keys (conditional)'] } },
    team: { ops: { handle: 'ops', members: ['ana', 'ben'] }, none: { handle: 'none', members: [] } },
    grant: { s1: grant('team/ops', 'prod'), s2: grant('team/none', 'prod') },
  }),
  mesh('aws', {
    role: { operator: { name: 'operator', effect: ['manage keys'] } },
    team: { ops: { handle: 'ops', members: ['ana'] } },
    grant: {
      a1: grant('person/cal', 'prod', ['read objects']),
      a2: grant('workload/w', 'test', ['manage keys']),
      a3: grant('team/ops', 'test', ['manage keys (not seen)']),
    },
  }),
];

const ask = (capability: string, scopes: readonly { type: string; key: string }[] | null = null) =>
  whoCan({ capability, scopes, taxonomy, meshes }).holders.map(
    ({ holder, ways }) =>
      `${holder.type}/${holder.key}: ${ways
        .map(({ authority, reach, through, grant: { key } }) =>
          [authority, reach, ...through.map((one) => one.key), key].join(' '),
        )
        .join('; ')}`,
  );

it('people through teams, workloads by themselves, and a team without people by its name, over all meshes', () => {
  expect(ask('manage keys')).toEqual([
    'person/ana: aws unseen ops a3; sov conditional ops s1',
    'person/ben: sov conditional ops s1',
    'team/none: sov conditional s2',
    'workload/w: aws full a2',
  ]);
});

it('what the grant says of itself counts before what its role says', () => {
  expect(ask('read objects')).toEqual(['person/cal: aws full a1']);
});

it('on one scope only its grants count', () => {
  expect(ask('manage keys', [{ type: 'scope', key: 'prod' }])).toEqual([
    'person/ana: sov conditional ops s1',
    'person/ben: sov conditional ops s1',
    'team/none: sov conditional s2',
  ]);
});

it('a mesh whose grants say nothing of effects is named, and not taken for one that gives nobody anything', () => {
  const silent = mesh('blue', { role: { operator: { name: 'operator' } }, grant: { b1: grant('person/ana', 'prod') } });
  const empty = mesh('green', {});
  expect(whoCan({ capability: 'manage keys', scopes: null, taxonomy, meshes: [silent, empty] })).toEqual({
    holders: [],
    silent: ['blue'],
  });
});

/** A domain with two projects, one within the other; a directory with a unit. */
const places = (() => {
  const [scope] = taxonomy.filter(({ type }) => type === 'grant');
  if (!scope) throw new Error('no grant');
  const counts = TaxonomyType.parse({
    ...scope,
    fields: { ...scope.fields, counts: { kind: 'effect', of: 'scopes' } },
  });
  return [...taxonomy.filter(({ type }) => type !== 'grant'), counts];
})();

const counted = (principal: string, scope: string, effect: string, counts: readonly string[]): Fields => ({
  ...grant(principal, scope, [effect]),
  counts: counts.map((one) => `scope/${one}`),
});

const inherited = [
  {
    ...mesh('sov', {
      grant: {
        s1: counted('person/ana', 'workforce', 'manage keys (partial)', ['prod', 'test']),
        s2: counted('person/ben', 'workforce', 'manage keys', ['workforce']),
        s3: counted('person/cal', 'prod', 'manage keys', ['prod']),
        // Given on the project and inherited below it: not in the project itself.
        s4: counted('person/dan', 'prod', 'manage keys (partial)', ['test']),
      },
    }),
    isPartialByScope: true,
  },
  mesh('aws', {
    grant: {
      a1: counted('person/eve', 'prod', 'manage keys (partial)', ['prod']),
      a2: grant('person/fay', 'prod', ['manage keys']),
    },
  }),
];

it.each([
  ['prod', ['ana sov full workforce > prod', 'cal sov full prod', 'eve aws partial prod', 'fay aws full prod']],
  ['test', ['ana sov full workforce > test', 'dan sov full prod > test']],
  ['workforce', ['ben sov full workforce']],
  ['elsewhere', []],
])(
  'on %s counts what is given there or inherited from above, and not what is only inherited below it',
  (on, expected) => {
    const { holders } = whoCan({
      capability: 'manage keys',
      scopes: [{ type: 'scope', key: on }],
      taxonomy: places,
      meshes: inherited,
    });
    expect(
      holders.flatMap(({ holder, ways }) =>
        ways.map(({ authority, reach, scope, inheritedOn }) =>
          [holder.key, authority, reach, scope?.key, ...(inheritedOn ? ['>', inheritedOn.key] : [])].join(' '),
        ),
      ),
    ).toEqual(expected);
  },
);

it('anywhere, what is given on a scope above is as partial as its mesh says', () => {
  const { holders } = whoCan({ capability: 'manage keys', scopes: null, taxonomy: places, meshes: inherited });
  const [ana] = holders;
  expect(ana?.ways.map(({ reach, inheritedOn }) => [reach, inheritedOn])).toEqual([['partial', null]]);
});
