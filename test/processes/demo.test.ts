/** `concordat demo` as a stranger runs it: from nothing to a proof, two at once, with a broken cloud, and interrupted. */
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { layoutOf } from '../../cli/local/layout.js';
import { freePorts } from '../../cli/local/ports.js';
import { keepHistories, leaveRemainsOfProgram } from '../support/remains.js';
import { noneLeft, processesNaming, startProgram, type StartedProgram } from '../support/program.js';
import { namespacesOf, scanRemains } from '../support/scan-remains.js';
import { scratchFolder } from '../support/scratch-folder.js';
import { builtProgram } from '../support/temporal.js';

interface Summary {
  readonly passed: boolean;
  readonly runs: readonly {
    readonly scene: string;
    readonly outcome: string;
    readonly divergences: number;
    readonly operationsBy: Readonly<Record<string, number>>;
    readonly applied: Readonly<Record<string, number>>;
    readonly conflicts: number;
    readonly cases: number;
    readonly left: number;
    readonly agreement: { readonly sequence: number; readonly base: string } | null;
    readonly events: number;
  }[];
  readonly proof: {
    readonly clouds: { readonly people: number; readonly teams: number; readonly differences: number };
    readonly agreement: {
      readonly base: string;
      readonly signers: readonly { readonly authority: string; readonly key: string }[];
    };
  };
}

let dist: string;
beforeAll(async () => {
  dist = await builtProgram();
}, 240_000);

function startDemo(temporary: string, ...argv: string[]): StartedProgram {
  return startProgram(dist, ['demo', ...argv], { TMPDIR: temporary });
}
const fewPeople = ['--people', '30'];

describe('two demos at once', () => {
  it('the one plays to its end and leaves nothing behind; the one whose cloud forgets everything fails', async () => {
    const [temporary, kept] = [scratchFolder(), scratchFolder()];
    const folder = path.join(kept, 'demo');
    const whole = startDemo(temporary, '--json');
    const broken = startDemo(kept, ...fewPeople, '--folder', folder);

    await broken.says('Third run');
    await forgetAll(path.join(kept, 'demo'));
    expect(await broken.ended).toBe(1);
    // Which words depends on what was being read when it was forgotten: the third run's plan, its sign-in, or the proof.
    expect(broken.stderr()).toMatch(/^error: \S/m);
    expect(broken.stdout()).not.toContain('What they signed, record by record, is what each cloud holds');
    expect(broken.stderr()).toContain(`The logs are kept in ${path.join(kept, 'demo')}`);
    expect(existsSync(path.join(kept, 'demo', 'federation', '.concordat', 'logs', 'worker-aws.log'))).toBe(true);

    await leaveRemainsOfProgram('demo', path.join(folder, 'federation'));

    expect(await whole.ended).toBe(0);
    const summary = JSON.parse(whole.stdout()) as Summary;
    expect(
      summary.runs.map(({ scene, outcome, left, agreement }) => [scene, outcome, left > 0, agreement?.sequence]),
    ).toEqual([
      ['firstContact', 'divergent', true, 1],
      ['caseSettled', 'agreed', false, 2],
      ['changedApart', 'agreed', false, 3],
      ['nothingToDo', 'agreed', false, undefined],
    ]);
    const [first, , second, third] = summary.runs;
    expect(first?.cases).toBe(1);
    expect(first?.applied).toEqual(first?.operationsBy);
    expect(second?.conflicts).toBe(2);
    expect(third).toMatchObject({ divergences: 0, operationsBy: {}, applied: {} });
    expect(third?.events).toBeLessThan(first?.events ?? 0);
    const { clouds, agreement } = summary.proof;
    // As many as the README says, and the joiner, less the one who left; nobody was lost, also of those who were missing somewhere.
    expect(clouds).toMatchObject({ people: 120, teams: 12, differences: 0 });
    expect(agreement.base).toBe(second?.agreement?.base);
    expect(agreement.signers.map(({ authority }) => authority)).toEqual(['aws', 'azure', 'sov']);
    expect(new Set(agreement.signers.map(({ key }) => key)).size).toBe(3);

    expect(whole.stderr()).toContain('Second run: they agree again');
    // Colours and live lines are for terminals.
    expect(whole.stderr() + broken.stdout()).not.toContain('\u001b');
    expect(await readdir(temporary)).toEqual([]);
    await noneLeft(temporary);
    await noneLeft(kept);
  }, 400_000);
});

describe('a demo that is interrupted', () => {
  it('stops everything and removes its folder', async () => {
    const temporary = scratchFolder();
    const [port = 0] = await freePorts(1);
    const demo = startDemo(temporary, ...fewPeople, '--port', String(port));
    await demo.says('reading the meshes');
    // While its server still answers, and its folder is still there, however slow this machine is.
    demo.hold();
    const copied = path.join(scratchFolder(), 'federation');
    const [own = ''] = await readdir(temporary);
    // Workers still write: what is not finished may go while it is copied.
    await cp(path.join(temporary, own, 'federation'), copied, {
      recursive: true,
      filter: (source) => path.basename(source) !== '.unfinished',
    });
    await keepHistories('demo-interrupted', `127.0.0.1:${port}`);
    expect(await placesFound(copied, `127.0.0.1:${port}`)).toEqual([
      'planted/exchange/aws/documents/planted',
      expect.stringMatching(/^planted\/histories\/.+-aws-[0-9]+$/),
      'planted/logs/worker-sov.log',
    ]);
    expect((await processesNaming(temporary)).length).toBeGreaterThan(4);
    demo.interrupt();
    expect(await demo.ended).toBe(130);
    await leaveRemainsOfProgram('demo-interrupted', copied);
    expect(await readdir(temporary)).toEqual([]);
    await noneLeft(temporary);
  }, 200_000);
});

/** Where the scan after the suite finds a private key of this federation that was put into its store, a log and a workflow. */
async function placesFound(federationFolder: string, address: string): Promise<readonly string[]> {
  const planted = path.join(scratchFolder(), 'federation');
  await cp(federationFolder, planted, { recursive: true });
  const { keysFolder, exchangeLocation } = layoutOf(planted, {});
  const [keyFile = ''] = (await readdir(keysFolder, { recursive: true })).filter((one) => one.endsWith('.key.json'));
  const { d } = JSON.parse(await readFile(path.join(keysFolder, keyFile), 'utf8')) as { readonly d: string };
  await mkdir(path.join(exchangeLocation, 'aws', 'documents'), { recursive: true });
  await writeFile(path.join(exchangeLocation, 'aws', 'documents', 'planted'), JSON.stringify({ key: d }));
  await appendFile(path.join(planted, '.concordat', 'logs', 'worker-sov.log'), `{"err":"${d}"}\n`);
  const connection = await Connection.connect({ address, connectTimeout: 60_000 });
  try {
    const namespace = (await namespacesOf(connection)).find((one) => one.endsWith('-aws'));
    if (namespace === undefined) throw new Error('the demo has no namespace of aws');
    await new Client({ connection, namespace }).workflow.start('nothing', {
      workflowId: 'planted',
      taskQueue: 'of nobody',
      args: [{ key: d }],
    });
    const root = scratchFolder();
    await keepHistories('planted', address, root);
    await leaveRemainsOfProgram('planted', planted, root);
    return (await scanRemains(root, null)).findings.map(({ place }) => place).sort();
  } finally {
    await connection.close();
  }
}

describe('a demo in a folder that holds a federation already', () => {
  it('overwrites nothing', async () => {
    const folder = path.join(scratchFolder(), 'mine');
    await mkdir(path.join(folder, 'federation', 'authorities'), { recursive: true });
    const demo = startDemo(scratchFolder(), ...fewPeople, '--folder', folder);
    expect(await demo.ended).toBe(1);
    expect(demo.stderr()).toContain('nothing is ever overwritten');
  }, 60_000);
});

/** One cloud goes back to what it held before anything began. */
async function forgetAll(folder: string): Promise<void> {
  const log = await readFile(path.join(folder, 'federation', '.concordat', 'logs', 'clouds.log'), 'utf8');
  const { keystone } = JSON.parse(log.split('\n')[0] ?? '') as { readonly keystone: { readonly endpoint: string } };
  const answer = await fetch(new URL('/_sandbox/reset', keystone.endpoint), { method: 'POST' });
  if (!answer.ok) throw new Error(`the stand-in answered ${answer.status}`);
}
