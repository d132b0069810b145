/**
 * What people say beside approvals, by the commands they use: a difference is explained, accepted, shown apart and back in
 * the list; a service account is nobody's; two people with one address are two; a write without an answer is settled.
 */
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  addToAws,
  addToKeystone,
  awsTag,
  keystoneUser,
  seededPerson,
  seedEqual,
  type SeededPerson,
} from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';
import { runCommand, type CommandRun } from '../support/run-command.js';
import { temporalAddress } from '../support/temporal.js';

let local: LocalFederation;
const number = 1;
const { displayName, department } = seededPerson(number);

beforeAll(async () => {
  local = await startFederation({
    members: ['aws', 'sov'],
    edit: (file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace(
          /^commit: permitted$/m,
          `commit: permitted${file.startsWith('datasets/') ? '\nunmatchable: { person: ask }' : ''}`,
        ),
  });
  seedEqual(local.sandbox, 4);
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
}, 240_000);
afterAll(() => local?.stop());
beforeEach(() => local.idle());

async function concordat(...argv: readonly string[]): Promise<CommandRun> {
  return runCommand([...argv, '--federation', local.folder], {
    workingFolder: path.dirname(local.folder),
    environment: { TEMPORAL_ADDRESS: await temporalAddress() },
  });
}

/** A command that must do what it is told. */
async function said(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await concordat(...argv);
  expect([argv, stderr]).toEqual([argv, '']);
  expect(code, stdout).not.toBe(1);
  return stdout;
}

async function refused(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await concordat(...argv);
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
}

const moveAtSov = (to: string): void => {
  keystoneUser(local.sandbox, number).extra['department'] = to;
};
const planned = async () => (await local.start({ planOnly: true })).result();
const accept = (...argv: readonly string[]): readonly string[] =>
  ['accept', displayName, '--field', 'department', '--as', 'you', '--authority', 'aws'].concat(
    ['--owner', 'HR Berlin', '--reason', 'two spellings on purpose'],
    argv,
  );
const idIn = (text: string): string => (JSON.parse(text) as { accepted: { id: string }[] }).accepted[0]?.id ?? '';

describe('a difference', () => {
  it('is explained: every value, what changed, what decided, and what another rule would have done', async () => {
    moveAtSov('Archive');
    expect(await planned()).toMatchObject({ plan: { operations: 1 } });
    const text = await said('explain', 'latest', displayName, '--field', 'department');
    expect(text).toContain('against the last agreement');
    expect(text).toContain('department  three-way');
    expect(text).toMatch(
      new RegExp(`base {2}"${department}"\\n {2}aws {3}"${department}"\\n {2}sov {3}"Archive" {2}changed since`),
    );
    expect(text).toContain(`-> aws "${department}" -> "Archive", by changedOnOneSide: sov changed it`);
    expect(text).toContain(`owned by aws would: sov "Archive" -> "${department}" (owned)`);
    expect(text).toContain(`people would: ask people: "Archive" of sov or "${department}" of aws`);
    const whole = JSON.parse(await said('explain', dataset, displayName, '--json')) as {
      explanation: { fields: { field: string; base: object; members: object[]; alternatives: object[] }[] };
    };
    const field = whole.explanation.fields.find((one) => one.field === 'department');
    expect(field).toMatchObject({
      base: { value: department },
      members: [
        { authority: 'aws', state: 'holds', value: department, changed: false },
        { authority: 'sov', state: 'holds', value: 'Archive', changed: true },
      ],
      decided: { policy: { kind: 'threeWay' }, outcome: { changes: [{ authority: 'aws', rule: 'changedOnOneSide' }] } },
    });
    expect(await refused('explain', 'latest', displayName, '--field', 'departement')).toContain('did you mean');
    expect(await refused('explain', 'latest', 'Nobody At All')).toContain('no record that differs');
  });

  it('is not accepted with an end that is over or no day, without an owner, or for others', async () => {
    expect(await refused(...accept('--until', '2020-01-31'))).toContain('--until 2020-01-31 is over already');
    expect(await refused(...accept('--until', '2099-02-31'))).toContain('--until 2099-02-31: write a duration');
    expect(await refused(...accept('--until', '30d', '--owner', ' '))).toContain('--owner must have from 1 to 200');
    const forSov = await refused(...accept('--until', '30d', '--authority', 'sov', '--field', 'mail'));
    expect(forSov).toContain('differs nowhere');
    expect(await said('accepted')).toContain('nothing is accepted, and nothing is ignored');
  });

  it('that is accepted is shown apart with its owner, asked of nobody, and explained', async () => {
    const text = await said(...accept('--until', '90d'));
    expect(text).toMatch(new RegExp(`aws has it from you: person ${displayName} department stays as it is until `));
    expect(await planned()).toMatchObject({ plan: { operations: 0, divergences: 0, accepted: 1 } });
    expect(await said('show')).toMatch(
      /Accepted as they are\n {2}aws {2}person [0-9a-f]{8} department, owner HR Berlin, until .* UTC: "two spellings on purpose"/,
    );
    expect(await said('accepted')).toMatch(
      new RegExp(`aws {2}person ${displayName} .*department {2}holds\\n +owner HR Berlin`),
    );
    const explained = await said('explain', 'latest', displayName, '--field', 'department');
    expect(explained).toMatch(
      /accepted by aws until .* UTC, owner HR Berlin: "two spellings on purpose"\n {2}-> change nothing/,
    );
    expect(explained).toContain(`had nobody accepted it: aws "${department}" -> "Archive" (changedOnOneSide)`);
    expect(explained).toContain(`owned by aws would: sov "Archive" -> "${department}" (owned)`);
  });

  it('is back in the list once a value moves', async () => {
    moveAtSov('Attic');
    expect(await planned()).toMatchObject({ plan: { operations: 1, accepted: 0 } });
    expect(await said('show')).not.toContain('Accepted as they are');
    expect(await said('accepted')).toContain('a value moved: back in the plan');
  });

  it('is back in the list once it is withdrawn, or once its end has come', async () => {
    const first = idIn(await said(...accept('--until', '90d', '--json')));
    expect(await planned()).toMatchObject({ plan: { operations: 0, accepted: 1 } });
    expect(await said('withdraw', first.slice(0, 12), '--as', 'you')).toContain('holds no more');
    expect(await planned()).toMatchObject({ plan: { operations: 1, accepted: 0 } });
    const second = idIn(await said(...accept('--until', '30d', '--json')));
    expect(await planned()).toMatchObject({ plan: { operations: 0, accepted: 1 } });
    await letEnd(second);
    expect(await planned()).toMatchObject({ plan: { operations: 1, accepted: 0 } });
    expect(await said('accepted')).not.toContain(second.slice(0, 12));
  });
});

/** As if its time had passed: the end is moved in the private store of its authority, on whose clock it is judged. */
async function letEnd(id: string): Promise<void> {
  const store = local.privateStore('aws');
  const head = await store.readHead(`standing/${dataset}`);
  if (!head) throw new Error('nothing stands');
  const state = JSON.parse(new TextDecoder().decode(head.bytes)) as { acceptances: { id: string; untilMs: number }[] };
  const acceptances = state.acceptances.map((one) => (one.id === id ? { ...one, untilMs: Date.now() - 1 } : one));
  expect(acceptances).not.toEqual(state.acceptances);
  const bytes = new TextEncoder().encode(JSON.stringify({ ...state, acceptances }));
  expect(await store.compareAndSetHead(`standing/${dataset}`, head.version, bytes)).toBe(true);
}

describe('a write without a clear answer', () => {
  it('is shown and explained as such, and settled by a look that its people ask for', async () => {
    local.sandbox.aws.server.faults.add({ kind: 'resetBefore', operation: 'iam:TagUser' });
    expect(await local.run()).toMatchObject({ commits: [{ authority: 'aws', counts: { unknown: 1 } }] });
    await local.idle();
    const shown = await said('show', dataset);
    const [, operation = ''] =
      /Effect unknown\n {2}aws {2}operation ([0-9a-f]{12}): nothing is written/.exec(shown) ?? [];
    expect(operation).not.toBe('');
    expect(await said('explain', dataset, displayName)).toContain(`concordat settle ${operation} --as KEY`);
    expect(await refused('settle', operation, '--as', 'you', '--applied', '--not-applied')).toContain('not both');
    expect(await refused('settle', '0'.repeat(12), '--as', 'you')).toContain(`it has ${operation}`);
    // A later run knows it still, and says of the record why nothing happens.
    expect(await planned()).toMatchObject({ plan: { operations: 1 } });
    expect(await said('explain', dataset, displayName)).toMatch(
      /effect unknown aws update of department at .* UTC: nothing/,
    );
    expect(await said('settle', operation, '--as', 'you')).toContain('had no effect, as a look at the object showed');
    expect(await refused('settle', operation, '--as', 'you')).toMatch(/settled already/);
    // Its approval still counts: nobody is asked again.
    expect(await local.run({}, false)).toMatchObject({ outcome: 'agreed', left: 0 });
    expect(awsTag(local.sandbox, number, 'department')).toBe('Attic');
  });
});

describe('who is who', () => {
  const service: SeededPerson = { ...seededPerson(90), displayName: 'svc-backup', mail: '', employeeId: '' };
  const twin = (own: number): SeededPerson => ({ ...seededPerson(own), mail: 'shared@example.org' });

  it('a service account is asked about, and nobody once its people say so', async () => {
    const { state } = local.sandbox.aws.server;
    state.addUser({
      name: 'svc-backup',
      path: '/workforce/',
      tags: [{ key: 'displayName', value: service.displayName }],
    });
    expect(await planned()).toMatchObject({ plan: { operations: 0, cases: 1 } });
    expect(await said('cases')).toContain('holds nothing that a rule could match it by: an account without an owner?');
    expect(await said('explain', dataset, 'svc-backup')).toMatch(/case [0-9a-f]{12}: this person of aws holds nothing/);
    expect(await refused('ignore', displayName, '--reason', 'nobody', '--as', 'you')).not.toBe('');
    await said('ignore', 'svc-backup', '--reason', 'backup service account', '--as', 'you');
    expect(await planned()).toMatchObject({ plan: { operations: 0, cases: 0, divergences: 0 } });
    expect(await said('show')).toMatch(
      /Ignored, as people said\n {2}aws {2}person ~.* signed by you: "backup service account"/,
    );
    expect(await said('explain', dataset, 'svc-backup')).toContain(`ignored nobody's, as you of aws said`);
  });

  it('two people with one address are told apart by `unlink`, and become records of their own', async () => {
    addToAws(local.sandbox, { ...twin(50), employeeId: '' });
    for (const own of [51, 52]) addToKeystone(local.sandbox, twin(own));
    expect(await planned()).toMatchObject({ plan: { operations: 0, cases: 1 } });
    const [, found = ''] = /unlink ([0-9a-f]{12}) --as KEY/.exec(await said('cases')) ?? [];
    expect(await said('unlink', found, '--as', 'you')).toContain('is none of its candidates, but a record of its own');
    const { plan } = (await planned()) as { plan: { planDigest: string } };
    expect(plan).toMatchObject({ cases: 0, operations: 3 });
  });

  it('an ignored record is asked about again once that is withdrawn', async () => {
    const [, id = ''] = / ([0-9a-f]{12}) {2}aws {2}person ~\S+ is nobody's/.exec(await said('accepted')) ?? [];
    expect(await said('withdraw', id, '--as', 'you')).toContain('holds no more');
    expect(await planned()).toMatchObject({ plan: { cases: 1 } });
  });
});
