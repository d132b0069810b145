/** What `validate` says of references, natural keys and tables: each fault with its place, and no fault where there is none. */
import { expect, test } from 'vitest';
import { Authority } from '../../../core/federation/authority.js';
import { checkFederation } from '../../../core/federation/check.js';
import { Dataset } from '../../../core/federation/dataset.js';
import { FederationFile } from '../../../core/federation/federation.js';
import { TypeMap } from '../../../core/federation/map.js';
import type { FederationParts, Located } from '../../../core/federation/parts.js';
import { lossWords, tableLosses } from '../../../core/federation/tables.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';

/** Taxonomy, maps and datasets as people would write them; a test changes one thing. */
interface Texts {
  taxonomy: Record<string, object>;
  /** The same in both members unless `sov` says otherwise. */
  aws: Record<string, object>;
  sov: Record<string, object>;
  surface: Record<string, object>;
  dataset: object;
}

// `user` and `group` stand in for roles and grants here: any native type of a mesh may be mapped to any federated one.
function texts(): Texts {
  const role = { native: 'group', fields: { name: { path: 'name', through: [{ table: tables.aws }] } } };
  const grant = {
    native: 'user',
    fields: { role: { path: 'role', through: [{ reference: { group: 'role' } }] }, note: { path: 'note' } },
  };
  return {
    taxonomy: {
      role: { fields: { name: { kind: 'text' } }, key: ['name'] },
      grant: { fields: { role: { kind: 'reference', of: ['role'] }, note: { kind: 'text' } }, key: ['role'] },
    },
    aws: { role, grant },
    sov: { role, grant },
    surface: { role: ['name'], grant: ['role', 'note'] },
    dataset: { types: ['role', 'grant'] },
  };
}
const tables = { aws: { operator: ['PowerUserAccess', 'OpsAccess'], auditor: ['ReadOnlyAccess'] } };

function faultsOf(change: (written: Texts) => void): readonly string[] {
  const written = texts();
  change(written);
  const located = <Value>(file: string, value: Value): Located<Value> => ({ file, value });
  const authority = (id: string, mesh: object): Located<Authority> =>
    located(
      `authorities/${id}.yaml`,
      Authority.parse({
        authority: id,
        mesh,
        surface: written.surface,
        constraints: { freshness: '2h' },
        approval: { quorum: 1, separationOfDuties: 'waived' },
        approvers: [{ id: 'ana' }],
      }),
    );
  const parts: FederationParts = {
    federation: located(
      'federation.yaml',
      FederationFile.parse({ federation: 'small', members: [{ id: 'aws' }, { id: 'sov' }] }),
    ),
    authorities: [
      authority('aws', { kind: 'aws-iam' }),
      authority('sov', { kind: 'keystone', endpoint: 'https://keystone.example/v3', domain: 'd' }),
    ],
    taxonomy: Object.entries(written.taxonomy).map(([type, value]) =>
      located(`taxonomy/${type}.yaml`, TaxonomyType.parse({ type, ...value })),
    ),
    maps: (['aws', 'sov'] as const).flatMap((id) =>
      Object.entries(written[id]).map(([type, value]) =>
        located(`maps/${id}.${type}.yaml`, TypeMap.parse({ type, lifecycle: 'active', ...value })),
      ),
    ),
    datasets: [
      located(
        'datasets/access.yaml',
        Dataset.parse({ dataset: 'access', members: ['aws', 'sov'], ...written.dataset }),
      ),
    ],
    broken: [],
  };
  return checkFederation(parts)
    .filter(({ file }) => !file.startsWith('authorities/') || file.endsWith('aws.yaml'))
    .map(({ file, path, message }) => `${file} ${path.join('.')}: ${message}`);
}

test('references, natural keys and tables that fit together have no fault', () => {
  expect(faultsOf(() => undefined)).toEqual([]);
});

test('types that refer to each other in a circle are named with the whole circle', () => {
  const faults = faultsOf(({ taxonomy, aws, sov }) => {
    taxonomy['role'] = { fields: { name: { kind: 'text' }, by: { kind: 'reference', of: ['grant'] } }, key: ['name'] };
    for (const maps of [aws, sov])
      maps['role'] = {
        native: 'group',
        fields: {
          ...(maps['role'] as { fields: object }).fields,
          by: { path: 'by', through: [{ reference: { user: 'grant' } }] },
        },
      };
  });
  expect(faults.join('\n')).toContain(
    'taxonomy/grant.yaml fields.role.of.0: types refer to each other in a circle: grant → role → grant',
  );
});

test('a key must be of single values that the type has', () => {
  const faults = faultsOf(({ taxonomy }) => {
    taxonomy['grant'] = {
      fields: { role: { kind: 'reference', of: ['role'] }, note: { kind: 'set', of: 'text' } },
      key: ['role', 'role', 'note', 'rloe'],
    };
  });
  expect(faults).toEqual(
    expect.arrayContaining([
      'taxonomy/grant.yaml key.1: is listed already',
      expect.stringContaining('taxonomy/grant.yaml key.2: is a set'),
      expect.stringContaining('taxonomy/grant.yaml key.3: is not a field of this type'),
    ]),
  );
});

test('every member of a dataset must map and show the whole key', () => {
  expect(
    faultsOf(({ sov }) => {
      sov['grant'] = { native: 'user', fields: { note: { path: 'note' } } };
    }),
  ).toContain('maps/sov.grant.yaml fields: must map "role": it is part of the key of grant');
  expect(
    faultsOf(({ surface }) => {
      surface['grant'] = ['note'];
    }),
  ).toContain('authorities/aws.yaml surface.grant: must expose "role": it is part of the key of grant');
});

test('a key is shown in clear: digests of it would differ from member to member', () => {
  const faults = faultsOf(({ surface }) => {
    surface['role'] = { fields: { name: 'digest' } };
    surface['grant'] = { fields: { role: 'digest', note: 'clear' } };
  });
  expect(faults).toEqual([
    expect.stringContaining('authorities/aws.yaml surface.role.fields.name: is part of the key of role'),
    expect.stringContaining('authorities/aws.yaml surface.grant.fields.role: refers to a record by its federated key'),
  ]);
});

test('a value that one table has and another lacks is a hole, unless an empty list says that it is not there', () => {
  const without = (table: object) => ({ native: 'group', fields: { name: { path: 'name', through: [{ table }] } } });
  expect(
    faultsOf(({ sov }) => {
      sov['role'] = without({ operator: ['member'] });
    }),
  ).toEqual([
    'maps/sov.role.yaml fields.name.through.0.table: knows nothing for "auditor", which maps/aws.role.yaml translates; say what it is here, or write "auditor: []" where this mesh has no such value',
  ]);
  expect(
    faultsOf(({ sov }) => {
      sov['role'] = without({ operator: ['member'], auditor: [] });
    }),
  ).toEqual([]);
});

test('one native text may not mean two values', () => {
  const faults = faultsOf(({ aws }) => {
    aws['role'] = {
      native: 'group',
      fields: { name: { path: 'name', through: [{ table: { operator: ['A', 'B'], auditor: ['B'] } }] } },
    };
  });
  expect(faults).toContain(
    'maps/aws.role.yaml fields.name.through.0.table.auditor.0: stands under another value already: the way there would be unclear',
  );
});

test('a native type is one that the kind of mesh has, and a reference leads to what the own maps make', () => {
  const through = (reference: object) => ({
    native: 'user',
    fields: { role: { path: 'role', through: [{ reference }] }, note: { path: 'note' } },
  });
  expect(
    faultsOf(({ sov }) => {
      sov['role'] = { native: 'virtualMfaDevice', fields: { name: { path: 'name' } } };
    }).join('\n'),
  ).toMatch(/maps\/sov\.role\.yaml native: must be one of user, group/);
  expect(
    faultsOf(({ aws }) => {
      aws['grant'] = through({ user: 'role' });
    }),
  ).toContain(
    'maps/aws.grant.yaml fields.role.through.0.reference.user: maps/aws.role.yaml makes role from group, not from user',
  );
  expect(
    faultsOf(({ aws }) => {
      aws['grant'] = through({ virtualMfaDevice: 'role' });
    }).join('\n'),
  ).toContain('maps/aws.grant.yaml fields.role.through.0.reference.virtualMfaDevice: is no native type of this mesh');
});

test('a field that refers to a record is never mapped without the step that hides native ids', () => {
  const faults = faultsOf(({ aws }) => {
    aws['grant'] = { native: 'user', fields: { role: { path: 'role' }, note: { path: 'note' } } };
  });
  expect(faults).toEqual([
    'maps/aws.grant.yaml fields.role: refers to role: add the step {reference: {<native type>: role}}',
  ]);
});

test('no rule joins records that have a natural key', () => {
  const faults = faultsOf((written) => {
    written.dataset = { types: ['role', 'grant'], correlation: { role: [{ match: ['name'] }] } };
  });
  expect(faults).toEqual([
    expect.stringContaining('datasets/access.yaml correlation.role: role has a natural key (name)'),
  ]);
});

test('a phrase names fields of its type', () => {
  const faults = faultsOf(({ taxonomy }) => {
    taxonomy['role'] = { fields: { name: { kind: 'text' } }, key: ['name'], phrase: 'role {nmae}' };
  });
  expect(faults).toEqual([expect.stringContaining('taxonomy/role.yaml phrase: no field "nmae"')]);
});

test('a native text that is not the preferred one does not come back, and a value without an image is lost, by name', () => {
  const map = (table: object): TypeMap =>
    TypeMap.parse({
      type: 'role',
      native: 'group',
      lifecycle: 'active',
      fields: { name: { path: 'name', through: [{ table }] } },
    });
  const maps = { aws: map(tables.aws), sov: map({ operator: ['member'], auditor: [] }) };
  expect(tableLosses(maps, 'role').map(lossWords)).toEqual([
    'aws OpsAccess → role.name operator → sov member → aws PowerUserAccess: OpsAccess does not come back',
    'aws ReadOnlyAccess → role.name auditor: sov has no such value, so it cannot be there',
  ]);
});
