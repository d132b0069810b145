/** The scan at the end of a suite: says what was looked at, and fails the suite where something was found. */
import { rm } from 'node:fs/promises';
import { Connection } from '@temporalio/client';
import { scanRemains } from './scan-remains.js';

/** HAZARD: a teardown that throws does not fail a run of vitest in every version, so the exit code is set, too. */
export async function scanEverything(folder: string, address: string | null): Promise<void> {
  const beganMs = Date.now();
  const connection = address === null ? null : await Connection.connect({ address });
  try {
    const { federations, files, histories, words, findings } = await scanRemains(folder, connection);
    if (federations > 0)
      console.log(
        `scan: ${words} secrets and sealed values in ${files} files and ${histories} histories of ${federations} federations: ${findings.length} places, ${Date.now() - beganMs} ms`,
      );
    if (findings.length === 0) return;
    process.exitCode = 1;
    throw new Error(
      `what must stay secret was left behind:\n${findings
        .slice(0, 20)
        .map((one) => `  ${one.words} in ${one.place}`)
        .join('\n')}`,
    );
  } finally {
    await connection?.close();
    await rm(folder, { recursive: true, force: true });
  }
}
