/** `concordat prepare` and `concordat schedule` as people type them, against a real server. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../cli/local/ports.js';
import { startTemporalServer } from '../../cli/local/temporal-server.js';
import { runCommand } from '../support/run-command.js';
import { scratchFolder } from '../support/scratch-folder.js';
import { freshFederationName, temporalAddress } from '../support/temporal.js';

async function newFederation(address: string) {
  const workingFolder = scratchFolder();
  const federation = freshFederationName();
  const run = (...argv: string[]) => runCommand(argv, { workingFolder, environment: { TEMPORAL_ADDRESS: address } });
  const init = await run('init', '--name', federation, '--mesh', 'aws=aws-iam', '--mesh', 'azure=entra');
  expect(init.code).toBe(0);
  return { federation, workingFolder, run };
}

/** A server that starts, and the first calls to it, may take long on a machine that does other things too. */
const timeout = 300_000;

describe('concordat prepare', { timeout }, () => {
  it('makes everything once and says on the second time that there is nothing to do', async () => {
    const { federation, run } = await newFederation(await temporalAddress());
    const first = await run('prepare');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain(`created namespace ${federation}-azure\n`);
    expect(first.stdout).toContain(`created Nexus endpoint ${federation}-federation\n`);
    const second = await run('prepare', '--json');
    expect(second.code).toBe(0);
    const { prepared } = JSON.parse(second.stdout) as { prepared: { made: string }[] };
    expect(prepared.map((entry) => entry.made)).toEqual(Array(9).fill('present'));
  });

  it('waits for a server that is still starting', async () => {
    const [port = 0] = await freePorts(1);
    const { run } = await newFederation(`127.0.0.1:${port}`);
    const preparing = run('prepare', '--wait', '4m');
    const server = await startTemporalServer({ port, headless: true, readyWithinMs: 240_000 });
    onTestFinished(() => server.stop());
    expect(await preparing).toMatchObject({ code: 0 });
  });

  it('refuses a wait or a retention that it does not understand, before it does anything', async () => {
    const { run } = await newFederation('127.0.0.1:1');
    expect((await run('prepare', '--wait', 'soon')).stderr).toContain('must be a duration');
    expect((await run('prepare', '--retention-days', '0')).stderr).toContain('whole number of days');
  });
});

describe('concordat schedule', { timeout }, () => {
  it('asks for `prepare` on a server that does not know the federation', async () => {
    const { workingFolder, run } = await newFederation(await temporalAddress());
    await appendFile(join(workingFolder, 'federation/datasets/workforce.yaml'), 'schedule:\n  every: 15m\n');
    for (const command of [['apply'], ['list'], ['trigger', 'workforce']]) {
      const refused = await run('schedule', ...command);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('run `concordat prepare` first');
    }
  });

  it('applies, pauses, lists and resumes what the files declare', async () => {
    const { workingFolder, run } = await newFederation(await temporalAddress());
    await run('prepare');
    expect((await run('schedule', 'apply')).stdout).toBe('no dataset declares a schedule\n');
    await appendFile(join(workingFolder, 'federation/datasets/workforce.yaml'), 'schedule:\n  every: 15m\n');
    expect((await run('schedule', 'list')).stdout).toContain('declared but not applied');
    expect((await run('schedule', 'apply')).stdout).toBe('schedule workforce: created\n');
    expect((await run('schedule', 'pause', 'workforce', '--note', 'audit')).code).toBe(0);
    expect((await run('schedule', 'apply')).stdout).toBe('schedule workforce: updated (paused)\n');
    expect((await run('schedule', 'list')).stdout).toMatch(/^schedule workforce: paused, note: audit/);
    expect((await run('schedule', 'resume', 'workforce')).code).toBe(0);
    const { schedules } = JSON.parse((await run('schedule', 'list', '--json')).stdout) as { schedules: object[] };
    expect(schedules).toEqual([expect.objectContaining({ dataset: 'workforce', state: 'active' })]);
  });

  it('refuses a period that has no time zone or ends before it begins', async () => {
    const { run } = await newFederation('127.0.0.1:1');
    const backfill = (...period: string[]) => run('schedule', 'backfill', 'workforce', ...period);
    expect((await backfill('--from', '2026-11-01')).stderr).toContain('must be an instant');
    expect((await backfill('--from', '2026-11-02T00:00:00Z', '--to', '2026-11-01T00:00:00Z')).stderr).toContain(
      'ends before it begins',
    );
  });
});
