/**
 * A federation in use, as its people type it: looked at, planned, asked, approved by two people of one authority, settled
 * case by case, changed behind its back, rejected for a time. One federation for the file: each test goes on from the last.
 */
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { generatePrivateKey, writeKeyFile } from '../../activities/keys/private-key.js';
import { startSandboxFederation, type SandboxFederation } from '../support/sandbox-federation.js';
import { runCommand } from '../support/run-command.js';

interface PlanDocument {
  readonly plan: string;
  readonly run: string | null;
  readonly operations: readonly {
    readonly number: number;
    readonly authority: string;
    readonly kind: string;
    readonly name: string | null;
    readonly calls: readonly object[] | null;
  }[];
  readonly conflicts: readonly {
    readonly number: number;
    readonly field: string | null;
    readonly candidates: readonly { readonly number: number; readonly heldBy: readonly string[] }[];
  }[];
  readonly divergences: readonly { readonly kind: string; readonly accepted: readonly { readonly reason: string }[] }[];
  readonly callsKnown: Readonly<Record<string, string>>;
}

interface ShowDocument {
  readonly runId: string;
  readonly status: string;
  readonly result: {
    readonly outcome: string;
    readonly left: number;
    readonly agreement: { sequence: number } | null;
  } | null;
  readonly progress: { readonly stage: string; readonly waitingFor: readonly string[] } | null;
  readonly plan: { readonly planDigest: string; readonly affected: readonly string[]; readonly cases: number } | null;
  readonly reviews: readonly { readonly authority: string; readonly kind: string }[];
  readonly snapshots: readonly { readonly authority: string; readonly records: Readonly<Record<string, number>> }[];
}

vi.setConfig({ testTimeout: 180_000 });

let sandbox: SandboxFederation;
const run = (...argv: string[]) => sandbox.run(...argv);
const show = async (selector = 'latest') => (await sandbox.json<ShowDocument>('show', selector)).document;
const plan = async (...argv: string[]) => (await sandbox.json<PlanDocument>('plan', ...argv)).document;

beforeAll(async () => {
  sandbox = await startSandboxFederation({
    approvers: ['ana', 'ben'],
    change: (file, text) => {
      // Two of aws must agree; azure and sov know ana only.
      if (file === 'authorities/aws.yaml')
        return text.replace(/quorum: 1/, 'quorum: 2').replace(/quorumWhenBraked: 1/, 'quorumWhenBraked: 2');
      return file.startsWith('authorities/')
        ? text.replace('  - id: ben\n', '').replace('  deadline: 7d', '  separationOfDuties: waived\n  deadline: 7d')
        : text;
    },
  });
}, 240_000);
afterAll(() => sandbox?.stop());

async function until<Found>(look: () => Promise<Found>, holds: (found: Found) => boolean): Promise<Found> {
  return vi.waitFor(
    async () => {
      const found = await look();
      if (!holds(found)) throw new Error(`not yet: ${JSON.stringify(found).slice(0, 2_000)}`);
      return found;
    },
    { timeout: 90_000, interval: 300 },
  );
}

/** The newest run once it has ended. Reviews that close ask for runs, so several may follow each other. */
const ended = () => until(show, ({ status }) => status === 'finished' || status === 'failed');

describe('before the first run', () => {
  it('doctor finds every worker, mesh and permission in order', async () => {
    const { code, document } = await sandbox.json<{
      healthy: boolean;
      checks: { subject: string; what: string; state: string }[];
    }>('doctor');
    expect(document.checks.filter(({ state }) => state === 'broken')).toEqual([]);
    expect(code).toBe(0);
    for (const authority of ['aws', 'azure', 'sov'])
      expect(document.checks).toContainEqual(
        expect.objectContaining({ subject: authority, what: 'permissions', state: 'ok' }),
      );
  });

  it('says that there is nothing to show yet, and what to type', async () => {
    for (const command of ['show', 'plan', 'cases']) {
      const { code, stderr } = await run(command);
      expect(code, command).toBe(1);
      expect(stderr, command).toContain('concordat run');
    }
    expect((await run('runs')).stdout).toContain('no runs yet');
  });

  it('names the nearest dataset where one is mistyped', async () => {
    const { code, stderr } = await run('run', 'workfroce');
    expect(code).toBe(1);
    expect(stderr).toContain('did you mean workforce?');
  });
});

describe('a plan without a run', () => {
  it('is made without asking anybody, and shows changes, causes and what is still to do', async () => {
    const { code, stdout } = await run('run', '--plan-only');
    expect(code).toBe(2);
    expect(stdout).toContain('planned only');
    const shown = await run('plan');
    expect(shown.code).toBe(2);
    expect(shown.stdout).toMatch(/\+ person .+ #\d+\n/);
    expect(shown.stdout).toMatch(/employeeId {2}\(none\) -> "E\d+"/);
    expect(shown.stdout).toContain('because first contact:');
    expect(shown.stdout).toMatch(/\d+ to create, \d+ to update, 0 to delete/);
    const { reviews } = await show();
    expect(reviews.map(({ kind }) => kind)).toEqual(['none', 'none', 'none']);
  });

  it('can be narrowed to an authority, a type and a name', async () => {
    const all = await plan();
    const narrowed = await plan('latest', '--authority', 'sov', '--type', 'person');
    expect(narrowed.operations.length).toBeGreaterThan(0);
    expect(narrowed.operations.length).toBeLessThan(all.operations.length);
    expect(narrowed.operations.every(({ authority }) => authority === 'sov')).toBe(true);
    const [first] = narrowed.operations;
    const byName = await plan('latest', '--key', first?.name ?? '?');
    expect(byName.operations.map(({ number }) => number)).toContain(first?.number);
    expect(byName.operations.every(({ name }) => name === first?.name)).toBe(true);
  });

  it('is narrowed by show as by plan: in text, as JSON and on a page that does not say whose name it was', async () => {
    const narrow = ['latest', '--authority', 'sov', '--field', 'department', '--kind', 'create'];
    const narrowed = await plan(...narrow);
    expect(narrowed.operations.length).toBeGreaterThan(1);
    const shown = await sandbox.json<ShowDocument & { readonly part: PlanDocument }>('show', ...narrow);
    expect(shown.document.part).toEqual(narrowed);
    expect(shown.document.snapshots).toHaveLength(3);
    const name = narrowed.operations[0]?.name ?? '?';
    const page = path.join(path.dirname(sandbox.folder), 'narrowed.html');
    const text = (await run('show', ...narrow, '--key', name, '--html', page)).stdout;
    const [about = '', part = ''] = text.split(
      `Of its plan: authority sov, key ${name}, field department, kind create\n`,
    );
    expect(about).toContain('planned only');
    expect(part).toContain('1 to create, 0 to update, 0 to delete');
    const html = await readFile(page, 'utf8');
    expect(html).toContain('of authority sov, one key or name, field department, kind create: ');
    expect(html).not.toContain(name);
  });

  it('is refused for an authority that is not there', async () => {
    expect(await run('show', 'latest', '--authority', 'gcp')).toMatchObject({ code: 1 });
  });
});

describe('a run whose people answer later', () => {
  let asked: string;

  it('ends with an approval pending and says what to type', async () => {
    const { code, stdout } = await run('run', '--no-wait');
    expect(code).toBe(2);
    const { plan: summary } = await show();
    asked = summary?.planDigest ?? '';
    expect(stdout).toContain(`concordat approve ${asked.slice(0, 12)} --as KEY`);
  });

  it('shows the native calls of an authority whose private store is here, and says so where it is not', async () => {
    const here = await plan();
    expect(here.callsKnown).toEqual({ aws: 'sheet', azure: 'sheet', sov: 'sheet' });
    expect(here.operations.every(({ calls }) => calls !== null && calls.length > 0)).toBe(true);
    const elsewhere = await runCommand(['plan'], {
      workingFolder: path.dirname(sandbox.folder),
      environment: { TEMPORAL_ADDRESS: sandbox.local.address, CONCORDAT_PRIVATE_ROOT: '/nowhere/private' },
    });
    expect(elsewhere.code).toBe(2);
    expect(elsewhere.stdout).toContain('only the people of aws can see them');
    expect(elsewhere.stdout).not.toContain('call iam:');
  });

  it('refuses who is no approver, each with the reason', async () => {
    const stranger = path.join(path.dirname(sandbox.folder), 'stranger.key.json');
    await writeKeyFile(stranger, await generatePrivateKey());
    const byFile = await run('approve', 'latest', '--as', stranger);
    expect(byFile).toMatchObject({ code: 1 });
    expect(byFile.stderr).toContain('no authority lists the key');
    const byName = await run('approve', 'latest', '--as', 'eve');
    expect(byName.stderr).toContain('they list ana and ben');
    const otherAuthority = await run('approve', 'latest', '--as', 'ben', '--authority', 'sov');
    expect(otherAuthority.stderr).toContain('ben is no approver of sov, which lists ana');
  });

  it('refuses a key that is not the pinned one of the name that is given', async () => {
    const keys = path.join(path.dirname(sandbox.folder), 'other-keys');
    await mkdir(path.join(keys, 'approvers'), { recursive: true });
    await copyFile(
      path.join(sandbox.folder, 'keys', 'approvers', 'ben.key.json'),
      path.join(keys, 'approvers', 'ana.key.json'),
    );
    const { code, stderr } = await runCommand(['approve', 'latest', '--as', 'ana'], {
      workingFolder: path.dirname(sandbox.folder),
      environment: { TEMPORAL_ADDRESS: sandbox.local.address, CONCORDAT_KEYS: keys },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('is not the key that aws, azure and sov list for ana');
  });

  it('refuses operations and conflicts that the plan does not have', async () => {
    expect((await run('approve', 'latest', '--as', 'ana', '--only', '999')).stderr).toContain(
      'there is no operation 999',
    );
    expect((await run('approve', 'latest', '--as', 'ana', '--choose', '1=1')).stderr).toContain(
      'there is no conflict 1',
    );
    const { operations } = await plan();
    const ofSov = operations.find(({ authority }) => authority === 'sov');
    const other = await run('approve', 'latest', '--as', 'ben', '--only', String(ofSov?.number));
    expect(other).toMatchObject({ code: 1 });
    expect(other.stderr).toContain(`operation ${ofSov?.number} (sov): not asked of aws`);
  });

  it('takes one part and leaves the rest open', async () => {
    const { operations } = await plan();
    const first = operations.find(({ authority }) => authority === 'azure');
    const { code, stdout } = await run('approve', asked.slice(0, 8), '--as', 'ana', '--only', String(first?.number));
    expect(code).toBe(0);
    expect(stdout).toMatch(/azure: approved 1 operation; \d+ questions? still open, 1 approval missing/);
    expect(stdout).not.toContain('sov: approved');
  });

  it('takes one signature for all authorities, tells whose approvals are missing, and a run starts for those who are done', async () => {
    const { code, stdout } = await run('approve', 'latest', '--as', 'ana');
    expect(code).toBe(0);
    expect(stdout).toMatch(/aws: approved \d+ operations; \d+ questions still open, 1 approval missing/);
    expect(stdout).toMatch(/azure: approved \d+ operations; its review is closed/);
    expect(stdout).toMatch(/sov: approved \d+ operations; its review is closed/);
    expect(stdout).toMatch(/^aws waits: .* quorum 2, 1 approval missing/m);
    const next = await until(show, ({ progress }) => progress?.waitingFor.join() === 'aws');
    expect(next.plan?.planDigest).not.toBe(asked);
  });

  it('tells that the plan was replaced where an old one is approved, and counts what was said before for the new one', async () => {
    const old = await run('approve', asked, '--as', 'ben');
    expect(old).toMatchObject({ code: 1 });
    expect(old.stderr).toContain('aws has ended (replaced)');
    const { stdout } = await run('approve', 'latest', '--as', 'ben');
    expect(stdout).toMatch(/aws: approved \d+ operations; its review is closed/);
    const after = await until(show, ({ status, result }) => status === 'finished' && result?.outcome === 'divergent');
    expect(after.result?.agreement?.sequence).toBeGreaterThan(0);
    expect((await run('approve', 'latest', '--as', 'ben')).code).toBe(1);
  });
});

describe('cases', () => {
  it('show the records side by side, and a signed link settles one', async () => {
    const before = (await ended()).plan?.cases ?? 0;
    expect(before).toBeGreaterThan(0);
    const { code, stdout } = await run('cases');
    expect(code).toBe(2);
    expect(stdout).toMatch(/displayName +"Chris Baker" +"Christ(opher|ine) Baker"/);
    const [line = ''] = /concordat link [0-9a-f]{12} 1 --as KEY/.exec(stdout) ?? [];
    const [, , found = '', candidate = ''] = line.split(' ');

    const stranger = await run('link', found, '9', '--as', 'ana');
    expect(stranger.stderr).toContain('has no candidate 9');
    const notHis = await run('link', found, candidate, '--as', 'ben', '--authority', 'azure');
    expect(notHis.code).toBe(1);

    const linked = await run('link', found, candidate, '--as', 'ana');
    expect(linked).toMatchObject({ code: 0 });
    expect(linked.stdout).toContain('the next run uses it: concordat run workforce');
    await run('run', '--plan-only');
    expect((await show()).plan?.cases).toBe(before - 1);
  });
});

describe('a run that waits', () => {
  it('shows conflicts with numbered candidates, takes a choice, and goes on when the last one answered', async () => {
    const story = await fetch(`${sandbox.local.sandbox?.aws.endpoint ?? ''}/_sandbox/story`, { method: 'POST' });
    expect(story.status).toBe(200);
    const running = run('run');
    await until(show, ({ progress }) => progress?.stage === 'approve');
    expect((await run('run')).stderr).toContain('is under way');

    const { conflicts } = await plan();
    const mail = conflicts.find(({ field }) => field === 'mail');
    const azures = mail?.candidates.find(({ heldBy }) => heldBy.includes('azure'));
    const shown = await run('plan');
    expect(shown.stdout).toContain(`conflict ${mail?.number} person`);
    expect(shown.stdout).toContain(`held by azure`);
    expect(shown.stdout).toContain('- person');

    const choice = `${mail?.number}=${azures?.number}`;
    const approved = await run('approve', 'latest', '--as', 'ana', '--choose', choice);
    expect(approved.code).toBe(0);
    expect(approved.stdout).toContain('1 choice');
    expect(approved.stdout).toMatch(/conflicts? not chosen for/);
    expect(approved.stdout).toMatch(/aws: approved .* and 1 choice; \d+ questions still open/);
    await run('approve', 'latest', '--as', 'ben', '--choose', choice);
    const { code, stdout, stderr } = await running;
    expect(code).toBe(2);
    expect(stderr).toMatch(/waiting for people of aws/);
    expect(stdout).toMatch(/written +aws \d+ applied/);
    const after = await plan();
    expect(after.plan).not.toBe('');
    expect((await ended()).result?.left).toBeGreaterThan(0);
    await run('run', '--plan-only');
    const now = await plan();
    expect(now.conflicts.map(({ field }) => field)).not.toContain('mail');
    expect(now.conflicts.map(({ field }) => field)).toContain(null);
  });

  it('ends the following and not the run on Ctrl-C, and can be followed again', async () => {
    const stop = new AbortController();
    const followed = runCommand(['run'], {
      workingFolder: path.dirname(sandbox.folder),
      environment: { TEMPORAL_ADDRESS: sandbox.local.address },
      signal: stop.signal,
    });
    await until(show, ({ progress }) => progress?.stage === 'approve');
    stop.abort();
    const { code, stderr } = await followed;
    expect(code).toBe(130);
    expect(stderr).toContain('the run goes on without you');
    expect((await show()).status).toBe('running');
    const attached = run('run', '--attach');
    const rejected = await run('reject', 'latest', '--as', 'ana', '--reason', 'left on purpose', '--until', '30d');
    expect(rejected.code).toBe(0);
    expect(rejected.stdout).toMatch(/: rejected .*; its review is closed/);
    expect((await attached).code).toBe(2);
  });
});

describe('what was not written', () => {
  it('is shown with the answer of the cloud, and a rejection as accepted until its end', async () => {
    const { name } = await moveSomebody();
    const clouds = sandbox.local.sandbox;
    const faults = `${clouds?.aws.endpoint ?? ''}/_sandbox/faults`;
    const faulty = await fetch(faults, {
      method: 'POST',
      body: JSON.stringify({ kind: 'forbidden', operation: 'iam:TagUser', count: 'always' }),
    });
    expect(faulty.status).toBe(200);
    const running = run('run');
    await until(show, ({ progress }) => progress?.stage === 'approve');
    const { operations } = await plan('latest', '--key', name);
    expect(operations.map(({ authority }) => authority).sort()).toEqual(['aws', 'azure']);
    const ofAzure = operations.find(({ authority }) => authority === 'azure');
    const only = ['--only', String(ofAzure?.number)];
    const rejected = await run('reject', 'latest', '--as', 'ana', ...only, '--reason', 'wait for HR', '--until', '30d');
    expect(rejected.stdout).toContain('azure: rejected 1 operation');
    await run('approve', 'latest', '--as', 'ana');
    await run('approve', 'latest', '--as', 'ben');
    expect((await running).stdout).toMatch(/written +aws .*refused by the cloud/);

    const shown = await run('show');
    expect(shown.code).toBe(2);
    expect(shown.stdout).toMatch(new RegExp(`Not written\\n +aws {2}update person ${name}: refused, `));
    await fetch(faults, { method: 'DELETE' });
    await run('run', '--plan-only');
    const next = await plan();
    expect(next.divergences.flatMap(({ accepted }) => accepted.map(({ reason }) => reason))).toContain('wait for HR');
    expect(next.operations.filter((operation) => operation.name === name).map(({ authority }) => authority)).toEqual([
      'aws',
    ]);
    expect((await run('plan')).stdout).toMatch(
      new RegExp(`Accepted as they are\\n(?: .*\\n)* +person ${name}.*: by azure until .* UTC: "wait for HR"`),
    );
  });
});

/** An administrator of sov moves one person, whom all members hold, to another department. */
async function moveSomebody(): Promise<{ readonly name: string }> {
  const endpoint = sandbox.local.sandbox?.keystone.endpoint ?? '';
  const signedIn = await fetch(`${endpoint}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'concordat', domain: { id: 'default' }, password: 'sandbox-password' } },
        },
        scope: { domain: { id: 'workforce' } },
      },
    }),
  });
  const headers = { 'X-Auth-Token': signedIn.headers.get('x-subject-token') ?? '' };
  const listed = await fetch(`${endpoint}/users?domain_id=workforce`, { headers });
  const { users } = (await listed.json()) as { users: { id: string; display_name?: string; employee_id?: string }[] };
  // One whom no case, no conflict and nothing of the story concerns: the plan before names all of these.
  const { stdout } = await run('plan', '--all');
  const one = users.find(
    ({ display_name: name, employee_id: id }) => name !== undefined && id !== undefined && !stdout.includes(name),
  );
  if (!one?.display_name) throw new Error('nobody is left to be moved');
  const change = { user: { department: 'Moved by sov' } };
  const answer = await fetch(`${endpoint}/users/${one.id}`, { method: 'PATCH', headers, body: JSON.stringify(change) });
  if (!answer.ok) throw new Error(await answer.text());
  return { name: one.display_name };
}

describe('runs', () => {
  it('are listed newest first and shown by the beginning of their id', async () => {
    const { document } = await sandbox.json<{ runs: { runId: string; status: string; startedAt: string }[] }>('runs');
    const starts = document.runs.map(({ startedAt }) => Date.parse(startedAt));
    expect(starts.length).toBeGreaterThan(4);
    expect([...starts].sort((a, b) => b - a)).toEqual(starts);
    const wanted = document.runs[2]?.runId ?? '';
    expect((await show(wanted.slice(0, 13))).runId).toBe(wanted);
    expect((await run('runs', '--limit', '2')).stdout.trim().split('\n')).toHaveLength(3);
    expect((await run('show', 'ffffffff')).code).toBe(1);
  });

  it('tell counts by member in every report', async () => {
    const { snapshots } = await show();
    expect(snapshots.map(({ authority }) => authority).sort()).toEqual(['aws', 'azure', 'sov']);
    expect(snapshots.every(({ records }) => (records['person'] ?? 0) > 50)).toBe(true);
  });

  it('that failed show their code and what to do', async () => {
    const { connection } = sandbox.local;
    const starting = await run('run', '--detach');
    expect(starting.code).toBe(0);
    await connection.workflowService.terminateWorkflowExecution({
      namespace: sandbox.federation.file.federation,
      workflowExecution: { workflowId: 'reconcile/workforce' },
      reason: 'for the test',
    });
    const { code, stdout } = await run('show');
    expect(code).toBe(1);
    expect(stdout).toContain('was terminated');
    expect(stdout).toContain('runEnded');
  });
});

describe('doctor where something is broken', () => {
  it('names the worker that is away and the one that cannot sign in, and ends with 1', async () => {
    const worker = sandbox.local.processes.running().find(({ name }) => name === 'worker-sov');
    await worker?.stop();
    await sandbox.local.startAuthority('sov', { OS_PASSWORD: 'not-the-password' });
    const { code, document } = await sandbox.json<{
      checks: { subject: string; what: string; state: string; next: string }[];
    }>('doctor', '--authority', 'sov');
    expect(code).toBe(1);
    expect(document.checks).toContainEqual(
      expect.objectContaining({
        subject: 'sov',
        what: 'credentials',
        state: 'broken',
        next: expect.stringContaining('credentials') as string,
      }),
    );
  });
});
