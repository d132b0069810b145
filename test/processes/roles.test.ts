/**
 * examples/02-roles, typed as it is written: the README's commands over its own folder, stand-ins, a real server and real
 * workers, and what comes out compared with what it shows. What the clouds hold in the end is read from the stand-ins.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { standInExamples } from '../../cli/examples.js';
import { policiesOf } from '../../sandbox/example-roles/seed-aws.js';
import { sandboxExamples, startSandbox, type Sandbox } from '../../sandbox/start.js';
import { run } from '../cli/run.js';
import { eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { temporalAddress } from '../support/temporal.js';
import { chaptersOf, matches, type Step } from './support/readme.js';

const example = fileURLToPath(new URL('../../examples/02-roles', import.meta.url));
const chapters = chaptersOf(await readFile(path.join(example, 'README.md'), 'utf8'));

let root: string;
let sandbox: Sandbox;
let local: LocalFederation;
let address: string;
let earlierFailed = false;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'concordat-roles-'));
  sandbox = await startSandbox({ folder: path.join(root, 'clouds'), example: 'roles' });
  address = await temporalAddress();
  local = await startFederation({ from: path.join(example, 'federation'), sandbox, dataset: 'access' });
}, 240_000);
afterAll(async () => {
  await local?.stop();
  await sandbox?.stop();
  if (root) await rm(root, { recursive: true, force: true });
});
beforeEach(async ({ skip }) => {
  if (earlierFailed) skip('an earlier chapter failed');
  onTestFailed(() => {
    earlierFailed = true;
  });
  await local.idle();
});

/** What one command line says; those that the reader types once, to start, are done above. */
async function typed(command: string): Promise<string> {
  const control = /_sandbox\/(\w+)/.exec(command)?.[1];
  if (control !== undefined) {
    const answer = await fetch(`${sandbox.aws.endpoint}/_sandbox/${control}`, { method: 'POST' });
    expect(answer.status, command).toBe(200);
    return '';
  }
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const said = await run(
    [...words.slice(1), ...(words[1] === 'approve' ? ['--yes'] : []), '--federation', local.folder],
    {
      environment: { TEMPORAL_ADDRESS: address },
      workingFolder: local.folder,
    },
  );
  expect(said.stderr, command).not.toContain('error:');
  return said.stdout;
}

/** `show` is asked until the run that an approval started has ended: the reader looks twice as well. */
async function play({ commands, shown }: Step): Promise<void> {
  let said = '';
  for (const [at, command] of commands.entries()) {
    if (command.includes('concordat run')) await local.idle();
    if (at === commands.length - 1 && command.includes('concordat show')) {
      const before = said;
      await eventually(`what the README shows after ${command}`, async () => {
        said = before + (await typed(command));
        return matches(said, shown) === null;
      }).catch(() => undefined);
    } else said += await typed(command);
  }
  expect(matches(said, shown), said).toBeNull();
}

describe('examples/02-roles', () => {
  it('is about stand-ins that the command line knows', () => {
    expect(Object.keys(standInExamples).sort()).toEqual([...sandboxExamples].sort());
    expect(chapters.length).toBeGreaterThan(4);
  });

  it.each(chapters.filter(({ steps }) => steps.length > 0).map((each) => [each.title, each] as const))(
    'shows what comes out under "%s"',
    async (_, { steps }) => {
      for (const step of steps) await play(step);
    },
  );

  it('has left the clouds as it says: what was approved is there, what was refused is not, what is opaque was not touched', () => {
    const iam = sandbox.aws.server.state;
    const attachedTo = (team: string) => [...(iam.groups.named(team)?.attachedPolicies ?? [])].sort();
    expect(attachedTo('team-platform')).toEqual([...policiesOf.auditor, ...policiesOf.administrator].sort());
    expect(attachedTo('team-payments')).toEqual(['arn:aws:iam::aws:policy/AmazonS3FullAccess']);
    expect(Object.keys(iam.groups.named('team-payments')?.policies ?? {})).toEqual(['ledger-tables']);
    expect(iam.groups.named('team-contractors')).toBeUndefined();
    expect(new Set(iam.roles.all().map(({ name }) => name))).toEqual(new Set(['shop-production', 'break-glass']));

    const { access } = sandbox.entra.server.state;
    const platform = sandbox.entra.server.state
      .listGroups()
      .find((one) => one.properties['displayName'] === 'team-platform');
    const values = [...access.servicePrincipals.values()].flatMap(({ appRoles }) => appRoles);
    const held = [...access.appRoleAssignments.values()]
      .filter(({ principalId }) => principalId === platform?.id)
      .map(({ appRoleId }) => values.find(({ id }) => id === appRoleId)?.value);
    expect(held).toEqual(['Auditor']);
    expect(access.eligibilities.size).toBe(1);

    const keystone = sandbox.keystone.server.state.access;
    const issuers = [...keystone.providers.values()].flatMap(({ remoteIds }) => remoteIds);
    expect(issuers).toEqual(['https://token.actions.githubusercontent.com', 'https://gitlab.example.org']);
    expect([...keystone.mappings.values()].flat()).toHaveLength(2);
  });
});
