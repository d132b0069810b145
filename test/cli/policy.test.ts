/** `concordat policy test`: tables that hold, tables that do not, and tables that cannot be. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { changed, smallFederation, written, type Files } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

const declared = changed(
  changed(
    smallFederation,
    'taxonomy/person.yaml',
    'employeeId: { kind: text }',
    'employeeId: { kind: text, privileges: { order: [none, reader, owner] } }',
  ),
  'datasets/workforce.yaml',
  'approval: {',
  `resolution:
  person:
    fields:
      mail: { kind: owned, by: azure }
      employeeId: { kind: leastPrivilege }
    deletion: { kind: suspendFirst, field: employeeId, value: none, after: 30d }
    unique: [mail]
  team:
    fields:
      handle: { kind: latest }
      members: { kind: union }
    deletion: { kind: keep }
approval: {`,
);

const head = 'dataset: workforce\ntype: person\ncases:\n';

async function tested(table: string, files: Files = declared, type = 'person') {
  const folder = await written(files);
  await mkdir(path.join(folder, 'policy-tests'), { recursive: true });
  await writeFile(path.join(folder, `policy-tests/${type}.yaml`), table);
  return { folder, said: await run(['policy', 'test', '--federation', folder]) };
}

test('a table in which every policy decides as written passes', async () => {
  const { said } = await tested(`${head}
  - name: the owner decides
    base: { mail: a@x }
    members: { aws: { mail: b@x } }
    expect: { writes: { aws: { mail: a@x } }, rules: { mail: owned } }
  - name: an owner that is away decides nothing
    base: { mail: a@x }
    members: { aws: { mail: b@x } }
    absent: [azure]
    # Of the two that hold it nobody differs from anybody: the other one is away.
    expect: {}
  - name: the least privilege counts, whoever changed it
    base: { employeeId: reader }
    members: { aws: { employeeId: owner } }
    expect: { writes: { aws: { employeeId: reader } }, rules: { employeeId: leastPrivilege } }
  - name: a value that nobody ranked is for people
    base: { employeeId: reader }
    members: { aws: { employeeId: root } }
    expect: { asks: [employeeId] }
  - name: a deletion suspends first
    base: { employeeId: reader, mail: a@x }
    members: { azure: null }
    expect: { writes: { aws: { employeeId: none } }, rules: { employeeId: suspendedFirst } }
  - name: and waits
    base: { employeeId: reader, mail: a@x }
    members: { azure: null, aws: { employeeId: none } }
    stands: { aws: 29d }
    expect: {}
  - name: and deletes then
    base: { employeeId: reader, mail: a@x }
    members: { azure: null, aws: { employeeId: none } }
    stands: { aws: 30d }
    expect: { deletes: [aws], rules: { record: deletedAfterSuspension } }
  - name: a deletion out of what was not read leads to nothing
    base: { employeeId: none, mail: a@x }
    members: { azure: null }
    incomplete: [azure]
    stands: { azure: 99d }
    expect: {}
  - name: a value that another record holds is brought nowhere
    base: { mail: a@x }
    members: { azure: { mail: b@x } }
    others: [{ mail: b@x }]
    expect: { doubled: [mail] }
  - name: a new record is created
    members: { aws: { mail: new@x, employeeId: reader } }
    expect: { creates: [azure], rules: { record: newRecord } }
`);
  expect(said.stdout).toBe('10 cases, all as expected\n');
  expect(said.code).toBe(0);
});

test('sets and times can be tested as well', async () => {
  const { said } = await tested(
    `dataset: workforce
type: team
cases:
  - name: union puts back what one side removed
    base: { members: [a, b] }
    members: { aws: { members: [a] } }
    expect: { writes: { aws: { members: [b, a] } }, rules: { members: union } }
  - name: the change seen last counts
    base: { handle: old }
    members: { aws: { handle: first }, azure: { handle: second } }
    seen: { aws: { handle: { old: 9h, new: 8h } }, azure: { handle: { old: 7h, new: 6h } } }
    expect: { writes: { aws: { handle: second } }, rules: { handle: latestObserved } }
  - name: where intervals overlap people decide
    base: { handle: old }
    members: { aws: { handle: first }, azure: { handle: second } }
    seen: { aws: { handle: { old: 9h, new: 6h } }, azure: { handle: { old: 7h, new: 5h } } }
    expect: { asks: [handle] }
  - name: nobody saw the state before
    base: { handle: old }
    members: { aws: { handle: first }, azure: { handle: second } }
    seen: { aws: { handle: { old: 9h, new: 8h } }, azure: { handle: { new: 6h } } }
    expect: { asks: [handle] }
  - name: what is kept comes back
    base: { handle: h, members: [] }
    members: { aws: null }
    expect: { creates: [aws], rules: { record: keptByPolicy } }
`,
    declared,
    'team',
  );
  expect(said.stdout).toBe('5 cases, all as expected\n');
});

test('an expectation that is not met is named with file, line and what is planned instead', async () => {
  const { said } = await tested(`${head}  - name: the other side wins
    base: { mail: a@x }
    members: { aws: { mail: b@x } }
    expect:
      writes: { azure: { mail: b@x } }
      rules: { mail: changedOnOneSide }
`);
  expect(said.code).toBe(2);
  expect(said.stdout).toMatch(/not as expected .*person\.yaml:4 the other side wins/);
  expect(said.stdout).toMatch(/person\.yaml:8:32 .*"b@x" is expected at azure, and nothing is written there/);
  expect(said.stdout).toMatch(/mail of aws is to become "a@x" by owned, and nothing is expected there/);
  expect(said.stdout).toMatch(/changedOnOneSide is expected to decide, and owned does/);
  expect(said.stdout).toMatch(/1 case, 1 not as expected\n$/);
});

test('faults of tables are shown all at once, and nothing is run', async () => {
  const { said, folder } = await tested(`${head}  - name: a field that is none
    base: { mial: a@x }
    members: { gcp: { mail: b@x }, aws: { displayName: Ada } }
    expect: { delets: [aws] }
`);
  expect(said.code).toBe(1);
  expect(said.stdout).toMatch(/person\.yaml:7:15 .*did you mean "deletes"/);
  await writeFile(
    path.join(folder, 'policy-tests/person.yaml'),
    `${head}  - name: a field that is none
    base: { mial: a@x }
    members: { gcp: { mail: b@x }, aws: { displayName: Ada } }
    expect: { deletes: [aws] }
`,
  );
  const again = await run(['policy', 'test', '--federation', folder, '--json']);
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toMatchObject({
    passed: false,
    cases: [],
    faults: [
      { line: 5, message: 'person has no field mial' },
      { line: 6, message: expect.stringContaining('gcp is no member') as string },
      { line: 6, message: 'aws does not hold displayName' },
    ],
  });
});

test('a table that is not there, or of a dataset that is not, is said', async () => {
  const folder = await written(declared);
  expect((await run(['policy', 'test', '--federation', folder])).stderr).toContain('policy-tests');
  const { said } = await tested('dataset: workfroce\ntype: person\ncases: [{ name: n, expect: {} }]\n');
  expect(said.stdout).toMatch(/:1:10 dataset: .*did you mean "workforce"/);
});
