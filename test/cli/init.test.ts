/** `concordat init`: what it writes works at once, and it overwrites nothing. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { datasetShape } from '../../core/federation/federation.js';
import { surfaceOf } from '../../core/federation/surface.js';
import { translateBack } from '../../core/translate-back.js';
import { translate } from '../../core/translate.js';
import { temporaryFolder } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

const three = ['--mesh', 'aws=aws-iam', '--mesh', 'azure=entra', '--mesh', 'sov=keystone'];
const root = fileURLToPath(new URL('../..', import.meta.url));

async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')])),
  );
}

async function initialised(argv: readonly string[]) {
  const workingFolder = await temporaryFolder();
  const said = await run(['init', ...argv], { workingFolder });
  return { folder: path.join(workingFolder, 'federation'), workingFolder, said };
}

async function valid(folder: string) {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults, null, 1));
  return loaded.federation;
}

test('three meshes of three kinds give a valid folder with a dataset that all of them hold', async () => {
  const { folder, said } = await initialised(three);
  expect(said.code).toBe(0);
  const shape = datasetShape(await valid(folder), 'workforce');
  expect(shape.members).toEqual(['aws', 'azure', 'sov']);
  expect(
    shape.types.map(({ taxonomy, groups }) => [
      taxonomy.type,
      ...groups.map(({ fields, members }) => `${fields.join(' ')}: ${members.join(' ')}`),
    ]),
  ).toEqual([
    ['person', 'active: azure sov', 'department displayName employeeId mail: aws azure sov'],
    ['team', 'description: azure sov', 'handle members: aws azure sov'],
  ]);
});

// To make it anew: concordat init examples/01-workforce/federation with the arguments below, after removing it.
test('the example is what init writes, so that neither can drift from the other', async () => {
  const { folder } = await initialised([...three, '--sandbox']);
  expect(await filesIn(path.join(root, 'examples/01-workforce/federation'))).toEqual(await filesIn(folder));
});

test('the example of roles is a valid folder, under the schemas that init writes', async () => {
  const { folder } = await initialised(three);
  const example = path.join(root, 'examples/02-roles/federation');
  expect(await filesIn(path.join(example, 'schemas'))).toEqual(await filesIn(path.join(folder, 'schemas')));
  expect(Object.keys((await valid(example)).taxonomy).sort()).toEqual(
    'grant localRight mayAssume person role scope sessionRole team workload'.split(' '),
  );
});

test('the example of a drifted copy is a valid folder over real stores and over folders, and differs in nothing else', async () => {
  const example = path.join(root, 'examples/04-drifted-copy');
  const [stores, folders] = [
    await filesIn(path.join(example, 'federation')),
    await filesIn(path.join(example, 'folders')),
  ];
  const differing = Object.keys({ ...stores, ...folders }).filter((name) => stores[name] !== folders[name]);
  expect(differing.sort()).toEqual(
    ['authorities/lyon', 'authorities/oslo', 'maps/lyon.shipment', 'maps/oslo.shipment'].map((name) => `${name}.yaml`),
  );
  for (const form of ['federation', 'folders'])
    expect(Object.keys((await valid(path.join(example, form))).maps).length, form).toBeGreaterThan(0);
});

test('what init writes is formatted as prettier would, and names the schema on its first line', async () => {
  const { folder } = await initialised(three);
  const style = await resolveConfig(path.join(root, 'package.json'));
  for (const [name, text] of Object.entries(await filesIn(folder))) {
    if (!name.endsWith('.yaml')) continue;
    expect(await format(text, { ...style, parser: 'yaml' }), name).toBe(text);
    const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? '';
    expect(JSON.parse(await readFile(path.resolve(folder, path.dirname(name), schema), 'utf8')), name).toHaveProperty(
      'properties',
    );
  }
});

test('the maps read a person alike from all three clouds', async () => {
  const { folder } = await initialised(three);
  const { authorities, maps, taxonomy } = await valid(folder);
  const person = {
    displayName: 'Ada O’Neil',
    mail: 'ada@example.org',
    employeeId: 'E1',
    department: 'Research & more',
  };
  const bodies = {
    aws: {
      UserName: 'ada@example.org',
      Path: '/',
      Tags: {
        displayName: 'Ada O=E2=80=99Neil',
        email: 'Ada@example.org',
        employeeId: 'E1',
        department: 'Research =26 more',
      },
    },
    azure: {
      userPrincipalName: 'ada@example.org',
      displayName: person.displayName,
      mail: 'Ada@example.org',
      employeeId: 'E1',
      department: person.department,
      accountEnabled: true,
    },
    sov: {
      name: 'ada@example.org',
      display_name: person.displayName,
      email: 'ADA@example.org',
      employee_id: 'E1',
      department: person.department,
      enabled: true,
    },
  };
  for (const [id, body] of Object.entries(bodies)) {
    const [map, type] = [maps[`${id}.person`], taxonomy['person']];
    if (!map || !type) throw new Error('init wrote no map');
    const translated = translate({
      object: { type: 'user', id: 'n1', body },
      map,
      taxonomy: type,
      surface: Object.keys(surfaceOf(authorities[id] ?? { surface: {} }, 'person')?.fields ?? {}),
      key: 'k',
      resolve: () => null,
    });
    const held = id === 'aws' ? person : { ...person, active: true };
    expect(translated, id).toMatchObject({ kind: 'record', record: { fields: held }, unmapped: [], roundTrips: true });
  }
});

test.each([
  [
    'aws',
    {
      UserName: 'ada@example.org',
      Path: '/workforce/',
      Tags: { email: 'ada@example.org', displayName: 'Ada', employeeId: 'E1', department: 'R=26D' },
    },
  ],
  [
    'azure',
    {
      userPrincipalName: 'ada@example.org',
      mailNickname: 'ada',
      mail: 'ada@example.org',
      displayName: 'Ada',
      employeeId: 'E1',
      department: 'R&D',
      accountEnabled: true,
    },
  ],
  [
    'sov',
    {
      name: 'ada@example.org',
      email: 'ada@example.org',
      display_name: 'Ada',
      employee_id: 'E1',
      department: 'R&D',
      enabled: true,
    },
  ],
])('a person whom only another cloud knows becomes a whole native object in %s', async (id, body) => {
  const { folder } = await initialised(three);
  const { maps, taxonomy } = await valid(folder);
  const [map, type] = [maps[`${id}.person`], taxonomy['person']];
  if (!map || !type) throw new Error('init wrote no map');
  const changes = { displayName: 'Ada', mail: 'ada@example.org', employeeId: 'E1', department: 'R&D' };
  const back = translateBack({
    changes,
    native: null,
    map,
    taxonomy: type,
    resolve: () => null,
    resolveBack: () => null,
  });
  expect(back).toEqual({ kind: 'body', after: body });
});

test.each([
  ['aws', { GroupName: 'team-x', Path: '/workforce/', members: ['n1'] }, {}],
  [
    'azure',
    {
      mailNickname: 'team-x',
      uniqueName: 'team-x',
      displayName: 'team-x',
      securityEnabled: true,
      mailEnabled: false,
      description: 'X',
      members: ['n1'],
    },
    { description: 'X' },
  ],
  ['sov', { name: 'team-x', description: 'X', members: ['n1'] }, { description: 'X' }],
])('a team whom only another cloud knows becomes a whole native object in %s', async (id, body, more) => {
  const { folder } = await initialised(three);
  const { maps, taxonomy } = await valid(folder);
  const [map, type] = [maps[`${id}.team`], taxonomy['team']];
  if (!map || !type) throw new Error('init wrote no map');
  const links = { resolve: () => 'k1', resolveBack: () => 'n1' };
  const changes = { handle: 'team-x', members: ['k1'], ...more };
  expect(translateBack({ changes, native: null, map, taxonomy: type, ...links })).toEqual({
    kind: 'body',
    after: body,
  });
});

test('nothing is overwritten, and nothing is written beside what is there', async () => {
  const workingFolder = await temporaryFolder();
  await mkdir(path.join(workingFolder, 'terms/datasets'), { recursive: true });
  await writeFile(path.join(workingFolder, 'terms/README.md'), 'ours\n');
  const said = await run(['init', 'terms', ...three], { workingFolder });
  expect(said.code).toBe(1);
  expect(said.stderr).toMatch(/datasets is there already, and nothing is ever overwritten/);
  expect(await filesIn(path.join(workingFolder, 'terms'))).toEqual({ 'README.md': 'ours\n' });
});

test('dataset, name and approvers are those that were asked for', async () => {
  const { folder } = await initialised([
    ...three,
    '--dataset',
    'staff',
    '--name',
    'north',
    '--approver',
    'ana',
    '--approver',
    'bob',
  ]);
  const federation = await valid(folder);
  expect(Object.keys(federation.datasets)).toEqual(['staff']);
  expect(federation.file.federation).toBe('north');
  expect(federation.authorities['sov']?.approvers).toMatchObject([{ id: 'ana' }, { id: 'bob' }]);
});

test.each([
  [['--mesh', 'aws=aws-iam'], 'two members or more'],
  [['--mesh', 'aws=aws-iam', '--mesh', 'aws=entra'], 'given twice'],
  [['--mesh', 'aws=aws-imm'], 'did you mean "aws-iam"?'],
  [['--mesh', 'aws'], 'Write id=kind'],
  [['--mesh', 'federation=entra'], 'not be "federation"'],
  [['--mesh', '../x=entra'], 'hold only a-z'],
  [['--mesh', 'aws=aws-iam', '--dataset', '../../x'], 'hold only a-z'],
])('%j is refused and writes nothing', async (argv, message) => {
  const { said, workingFolder } = await initialised(argv);
  expect(said.code).toBe(1);
  expect(said.stderr).toContain(message);
  expect(await filesIn(workingFolder)).toEqual({});
});
