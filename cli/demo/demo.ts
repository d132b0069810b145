/** The demo from its first line to its last: puts the stage up, plays the scenes, and takes everything away again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Invocation } from '../invocation.js';
import { players } from './cast.js';
import { createNarrator, secondsText } from './narrator.js';
import { playScenes } from './scenes.js';
import { logsFolder, openStage, type Stage } from './stage.js';
import { endingOf } from '../local/ending.js';
import { shellLines } from '../local/shell-lines.js';

export interface DemoOptions {
  readonly people: number;
  readonly teams: number;
  /** Leaves everything running until Ctrl-C. */
  readonly keep: boolean;
  /** Where federation, stores and logs are left; a temporary folder, removed at the end, where left out. */
  readonly folder?: string;
  readonly port?: number;
  readonly uiPort?: number;
}

/** Throws what went wrong, after everything was stopped and it was said where the logs are. */
export async function playDemo(invocation: Invocation, options: DemoOptions): Promise<void> {
  const { output } = invocation;
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'concordat-demo-')));
  const ending = endingOf(invocation.signal);
  const narrator = createNarrator(output, ending.signal);
  const startedAt = performance.now();
  let stage: Stage | undefined;
  let failed = true;
  try {
    stage = await openStage({
      ...options,
      folder,
      narrator,
      paint: output.paint,
      signal: ending.signal,
      broke: (error) => ending.breakWith(error),
    });
    const { startMs } = stage;
    const played = await ending.unlessOver(playScenes(stage.setting));
    const durationMs = Math.round(performance.now() - startedAt);
    const summary = { passed: true, people: options.people, teams: options.teams, durationMs, startMs, ...played };
    if (options.keep) {
      const { address, uiAddress } = stage.local;
      const kept = { temporal: address, ui: uiAddress ?? null, federation: stage.federationFolder };
      output.result({ ...summary, kept }, keptLines(stage, durationMs));
      await ending.over;
      // A process that died while people tried things out is a failure too.
      const failure = ending.failure();
      if (failure) throw failure;
    } else {
      narrator.progress('stopping workers, server and clouds');
      await stage.local.stop();
      const stopMs = Math.round(performance.now() - startedAt) - durationMs;
      output.result({ ...summary, stopMs }, endLines(durationMs, options.folder));
    }
    failed = false;
  } catch (error) {
    failed = !invocation.signal.aborted;
    throw ending.failure() ?? error;
  } finally {
    await stage?.local.stop();
    if (failed) output.note(`The logs are kept in ${path.join(folder, logsFolder)}.`);
    else if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function keptLines({ local, setting, federationFolder }: Stage, durationMs: number): readonly string[] {
  return [
    '',
    `Done after ${secondsText(durationMs)}. Everything runs on until Ctrl-C.`,
    '',
    `  Temporal UI   ${local.uiAddress ?? ''}`,
    `  federation    ${federationFolder}`,
    '',
    '  In another terminal:',
    ...shellLines({ address: local.address, federationFolder }).map((line) => `    ${line}`),
    '    concordat runs',
    '    concordat show latest',
    '',
    '  Let a cloud fall back to an old backup, and see what a run makes of it:',
    `    curl -X POST ${new URL('/_sandbox/reset', setting.sandbox.keystone.endpoint).href}`,
    '    concordat run --no-wait',
    '    concordat plan latest',
    ...players
      .filter(({ cloud }) => cloud !== 'keystone')
      .map(({ approver }) => `    concordat approve latest --as ${approver}`),
    `    concordat reject latest --as ${players[0]?.approver ?? ''} --reason "an old backup"`,
  ];
}

function endLines(durationMs: number, folder: string | undefined): readonly string[] {
  return [
    '',
    `Done after ${secondsText(durationMs)}. Everything that was started is stopped${folder === undefined ? ' and removed' : `; what it wrote is in ${folder}`}.`,
    '',
    '  To look around in it        npm run demo -- --keep',
    '  A federation of your own    concordat init --mesh aws=aws-iam --mesh azure=entra',
    '  Something to try it on      concordat dev',
  ];
}
