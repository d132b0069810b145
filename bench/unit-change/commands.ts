/** Commands as people type them, with the time and the memory that each takes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { usageOf, type LocalRuns } from '../whole-run/local-runs.js';

/** What a command said is kept up to here; the rest is only counted. */
const keptMax = 20_000;

export interface Told {
  readonly command: string;
  readonly status: number | null;
  readonly seconds: number;
  readonly peakMb: number;
  readonly processorSeconds: number;
  /** Characters of all that it said. */
  readonly length: number;
  /** The beginning of it. */
  readonly stdout: string;
  readonly stderr: string;
}

export function commandsOf({ program, environment }: Pick<LocalRuns, 'program' | 'environment'>) {
  return async (...argv: readonly string[]): Promise<Told> => {
    const began = performance.now();
    const child = spawn(process.execPath, [program, ...argv], { env: environment });
    let usage = { peakMb: 0, processorSeconds: 0 };
    const timer = setInterval(() => {
      try {
        const now = usageOf(child.pid ?? 0);
        if (Number.isFinite(now.peakMb)) usage = now;
      } catch {
        // It has just ended.
      }
    }, 20);
    let [stdout, stderr, length] = ['', '', 0];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      length += text.length;
      if (stdout.length < keptMax) stdout = (stdout + text).slice(0, keptMax);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < keptMax) stderr = (stderr + text).slice(0, keptMax);
    });
    const [status] = (await once(child, 'close')) as [number | null];
    clearInterval(timer);
    const seconds = (performance.now() - began) / 1000;
    const told = { command: argv.join(' '), status, seconds, ...usage, length, stdout, stderr };
    console.error(
      `concordat ${told.command}: ${status}, ${seconds.toFixed(1)} s, ${usage.peakMb.toFixed(0)} MB, ${length} characters`,
    );
    return told;
  };
}
