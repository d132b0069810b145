/**
 * A record erased in a real federation by the commands that people use: by two members, then by the third, which was away
 * meanwhile; the scan of every store; a run afterwards; and what is exported before and after of a run that agreed on
 * nothing.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportRecord } from '../../activities/lineage/make-export.js';
import { trustedKeysOf, type TrustedKeys } from '../../activities/lineage/trusted-keys.js';
import { recordNamed } from '../../cli/reading/lineage.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { parseHop } from '../../core/lineage/hop.js';
import { awsUser, keystoneUser, seededPerson, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';
import { runCommand, type CommandRun } from '../support/run-command.js';
import { temporalAddress } from '../support/temporal.js';

let local: LocalFederation;
let name: RecordName;
let keys: TrustedKeys;
let needles: readonly string[];
/** Of a run that ended before anybody was asked. */
let attempt: string;
const [before, after] = ['attempt-before.jsonl', 'attempt-after.jsonl'];
const { displayName, mail, employeeId } = seededPerson(4);

beforeAll(async () => {
  local = await startFederation({
    approvers: ['you', 'ada'],
    edit: (_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'),
    environmentOf: { federation: { CONCORDAT_ABSENT_AFTER: '4s' } },
  });
  seedEqual(local.sandbox, 6);
  expect(await local.run()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 1 } });
  name = await recordNamed(local.federation, local.exchange, dataset, displayName);
  keys = await trustedKeysOf(local.folder, Date.now());
  const head = await exportRecord(local.exchange, keys, name);
  const salt = head?.lineage.record?.salt ?? '';
  needles = [displayName, mail, employeeId, name.key, Buffer.from(salt, 'hex').toString('latin1')];
}, 180_000);
afterAll(() => local?.stop());

async function concordat(...argv: readonly string[]): Promise<CommandRun> {
  return runCommand([...argv, '--federation', local.folder], {
    workingFolder: path.dirname(local.folder),
    environment: { TEMPORAL_ADDRESS: await temporalAddress() },
  });
}

const inWorkingFolder = (file: string): string => path.join(path.dirname(local.folder), file);

const erase = (...argv: readonly string[]): Promise<CommandRun> =>
  concordat('erase', displayName, '--as', 'you', '--reason', 'request 4711', '--json', ...argv);

/** Every file of every store that holds one of the needles, in clear or, of words, in base64. */
async function holding(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const text = `${file}\n${await readFile(file, 'latin1')}`;
    const spelled = needles.flatMap((needle) => [
      needle,
      Buffer.from(needle, 'latin1').toString('base64').slice(0, -4),
    ]);
    if (spelled.some((needle) => text.includes(needle))) found.push(path.relative(folder, file));
  }
  return found;
}

it('is refused while the record is agreed, with nothing removed', async () => {
  const refused = await erase('--authority', 'aws');
  expect([refused.code, refused.stdout + refused.stderr]).toEqual([1, expect.stringContaining('recordStillAgreed')]);
  expect(await holding(path.join(local.layout.exchangeLocation, 'aws'))).not.toEqual([]);
});

it('stands in the export of a run that agreed on nothing, which says so and verifies', async () => {
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 3), 'department', 'Orchard');
  const handle = await local.start({ noWait: true });
  attempt = handle.firstExecutionRunId;
  expect(await handle.result()).toMatchObject({ outcome: 'approvalPending', agreement: null });
  const exported = await concordat('export', attempt, '--run', '-o', before, '--json');
  expect(exported.code, exported.stderr).toBe(0);
  expect(JSON.parse(exported.stdout)).toMatchObject({ kind: 'attempt', dataset, verified: true });
  expect(await readFile(inWorkingFolder(before), 'utf8')).toContain(displayName);
  const verified = await concordat('verify', before, '--peers', local.folder);
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(verified.stdout).toMatch(/observed +sov +read 6 person/);
  expect(verified.stdout).toMatch(
    /not agreed +all +nothing was agreed: 1 divergences and 0 cases were found, and base 1/,
  );
});

it('is found by the id that hops give it', async () => {
  const head = await exportRecord(local.exchange, keys, name);
  const id = parseHop(head?.lineage.chains[0]?.hops[0]?.body ?? '')?.record ?? '';
  const shown = await concordat('lineage', id, '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ key: name.key, verified: true });
  expect((await concordat('lineage', 'ab'.repeat(32))).stderr).toMatch(/no record of workforce has the key/);
});

it('is done by each member on the word of its own people, and says who has not yet', async () => {
  local.sandbox.keystone.server.state.removeUser(keystoneUser(local.sandbox, 4));
  expect(await local.run()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 2 } });
  await local.idle();
  const part = await erase('--authority', 'aws', '--authority', 'sov');
  expect(part.code, part.stderr).toBe(2);
  expect(JSON.parse(part.stdout)).toMatchObject({
    members: [
      { authority: 'aws', state: 'erased', removed: { salt: 1 } },
      { authority: 'azure', state: 'notYet' },
      { authority: 'sov', state: 'erased', removed: { salt: 1 } },
    ],
    coordinator: { kind: 'waiting', missing: ['azure'] },
  });
  for (const id of ['aws', 'sov']) {
    expect(await holding(local.layout.privateFolder(id))).toEqual([]);
    expect(await holding(path.join(local.layout.exchangeLocation, id))).toEqual([]);
  }
  expect(await holding(path.join(local.layout.exchangeLocation, 'azure'))).not.toEqual([]);
  const inbox = await concordat('inbox', '--as', 'you', '--json');
  expect(inbox.code).toBe(2);
  expect(JSON.parse(inbox.stdout)).toMatchObject({
    erasures: [
      { authority: 'azure', askedBy: [], erasedBy: ['aws', 'sov'], hasAsked: false, reasons: ['request 4711'] },
    ],
  });
});

it('lets a member that was away come back to peers that have erased, and finish its own though it is killed in the middle', async () => {
  await local.endWorker('azure', 'SIGKILL');
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 1), 'department', 'Orchard');
  expect(await local.run()).toMatchObject({ absent: [{ authority: 'azure' }] });
  await local.startWorker('azure', { CONCORDAT_TEST_KILL_AT: 'erasureObject:3' });
  expect(await local.run()).toMatchObject({ outcome: 'agreed', absent: [], left: 0 });
  await local.idle();
  const asked = concordat('erase', name.key, '--type', name.type, '--as', 'you', '--reason', 'request 4711', '--json');
  await local.worker('azure').exited;
  await local.startWorker('azure');
  const done = await asked;
  expect(done.code, done.stderr).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({
    members: [{ state: 'erased' }, { state: 'erased' }, { state: 'erased' }],
    coordinator: { kind: 'erased' },
  });
  expect(await holding(local.layout.exchangeLocation)).toEqual([]);
  for (const id of ['aws', 'azure', 'sov']) expect(await holding(local.layout.privateFolder(id))).toEqual([]);
}, 180_000);

it('leaves a lineage that verifies and says who erased it', async () => {
  const shown = await concordat('lineage', name.key);
  expect(shown.code, shown.stdout).toBe(0);
  expect(shown.stdout).toMatch(/erased +aws +removed .*as you asked/);
  expect(shown.stdout).toContain('verified');
});

it('leaves of the run that agreed on nothing what names no value, and says who erased the rest', async () => {
  const exported = await concordat('export', attempt, '--run', '-o', after, '--json');
  expect(JSON.parse(exported.stdout)).toMatchObject({ kind: 'attempt', verified: false });
  const text = await readFile(inWorkingFolder(after), 'latin1');
  expect(needles.filter((needle) => text.includes(needle))).toEqual([]);
  const verified = await concordat('verify', after, '--peers', local.folder);
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(/erased +all +the plan cannot be made again: aws erased a record/);
  expect(verified.stdout).not.toMatch(/^ *(wrong|missing) /m);
  const kept = await concordat('verify', before, '--peers', local.folder);
  expect(kept.code, 'an export that was made before is out of reach').toBe(0);
});
