/** `concordat dev` as a person runs it: up from nothing, one for a folder, a worker that dies, and down without a trace. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../support/run-command.js';
import { keepHistories, leaveRemainsOfProgram } from '../support/remains.js';
import { noneLeft, processesNaming, startProgram } from '../support/program.js';
import { scratchFolder } from '../support/scratch-folder.js';
import { builtProgram } from '../support/temporal.js';

interface Places {
  readonly folder: string;
  readonly temporal: string;
  readonly ui: string;
  readonly clouds: Readonly<Record<string, string>>;
  readonly processes: Readonly<Record<string, number>>;
}

let dist: string;
beforeAll(async () => {
  dist = await builtProgram();
}, 240_000);

describe('a federation on this machine', () => {
  it('comes up from nothing, keeps its workers up, keeps its data, and goes down without a trace', async () => {
    const temporary = scratchFolder();
    const folder = path.join(temporary, 'federation');
    const dev = startProgram(dist, ['dev', '--json', '--people', '24', '--folder', folder], { TMPDIR: temporary });
    await dev.says('"approvers"');
    const places = JSON.parse(dev.stdout()) as Places;
    expect(places.folder).toBe(folder);
    expect(Object.keys(places.processes).sort()).toEqual([
      'clouds',
      'worker-aws',
      'worker-azure',
      'worker-federation',
      'worker-sov',
    ]);
    expect((await fetch(places.ui)).status).toBe(200);

    // HAZARD of every start: an authority's worker must see its own credentials and no others, the coordinator none.
    const secretsOf = async (name: string) => {
      const { stdout } = await promisify(execFile)('ps', ['eww', '-p', String(places.processes[name]), '-o', 'args=']);
      return ['AWS_SECRET_ACCESS_KEY', 'AZURE_CLIENT_SECRET', 'OS_PASSWORD'].filter((one) =>
        stdout.includes(`${one}=`),
      );
    };
    expect(await secretsOf('worker-aws')).toEqual(['AWS_SECRET_ACCESS_KEY']);
    expect(await secretsOf('worker-azure')).toEqual(['AZURE_CLIENT_SECRET']);
    expect(await secretsOf('worker-sov')).toEqual(['OS_PASSWORD']);
    expect(await secretsOf('worker-federation')).toEqual([]);

    const second = startProgram(dist, ['dev', '--folder', folder], { TMPDIR: temporary });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(`runs already for ${folder}: Temporal at ${places.temporal}`);

    process.kill(places.processes['worker-sov'] ?? 0, 'SIGKILL');
    await dev.says('worker-sov ended with code 137');
    await dev.says('worker-sov is up again');
    const environment = { TEMPORAL_ADDRESS: places.temporal };
    const doctor = await runCommand(['doctor', '--federation', folder, '--json'], {
      workingFolder: temporary,
      environment,
    });
    expect(JSON.parse(doctor.stdout)).toMatchObject({ healthy: true });
    const run = await runCommand(['run', '--plan-only', '--federation', folder, '--json'], {
      workingFolder: temporary,
      environment,
    });
    expect(JSON.parse(run.stdout)).toMatchObject({ outcome: 'planned' });

    dev.interrupt();
    expect(await dev.ended).toBe(130);
    await noneLeft(temporary);

    const again = startProgram(dist, ['dev', '--json', '--folder', folder], { TMPDIR: temporary });
    await again.says('"approvers"');
    const { temporal } = JSON.parse(again.stdout()) as Places;
    const runs = await runCommand(['runs', '--federation', folder, '--json'], {
      workingFolder: temporary,
      environment: { TEMPORAL_ADDRESS: temporal },
    });
    expect(JSON.parse(runs.stdout)).toMatchObject({ runs: [{ dataset: 'workforce', outcome: 'planned' }] });
    await keepHistories('dev', temporal);
    again.interrupt();
    expect(await again.ended).toBe(130);
    await noneLeft(temporary);
    await leaveRemainsOfProgram('dev', folder);
  }, 400_000);
});

describe('what dev refuses', () => {
  const clouds = ['--mesh', 'aws=aws-iam', '--mesh', 'azure=entra'];
  const dev = (workingFolder: string, ...argv: string[]) =>
    runCommand(['dev', ...argv], { workingFolder, environment: { TMPDIR: workingFolder } });

  it('stand-ins beside the state of real clouds', async () => {
    const workingFolder = scratchFolder();
    await runCommand(['init', ...clouds], { workingFolder });
    await runCommand(['keys', 'generate'], { workingFolder });
    const { code, stderr } = await dev(workingFolder);
    expect(code).toBe(1);
    expect(stderr).toContain('names real clouds (aws, azure): give --no-sandbox');
  });

  it('one set of credentials for two authorities of a kind', async () => {
    const workingFolder = scratchFolder();
    await runCommand(['init', ...clouds, '--mesh', 'other=aws-iam'], { workingFolder });
    await runCommand(['keys', 'generate'], { workingFolder });
    const { code, stderr } = await dev(workingFolder, '--no-sandbox');
    expect(code).toBe(1);
    expect(stderr).toContain('aws and other are of the same kind (aws-iam)');
  });

  it('a folder without a federation where the clouds are to be real', async () => {
    const { code, stderr } = await dev(scratchFolder(), '--no-sandbox');
    expect(code).toBe(1);
    expect(stderr).toContain('concordat init');
  });

  it('a server that does not answer', async () => {
    const workingFolder = scratchFolder();
    const { code, stderr } = await dev(workingFolder, '--temporal-address', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1:1');
    await vi.waitFor(async () => expect(await processesNaming(`TMPDIR=${workingFolder}`)).toEqual([]));
  });
});
