/** After all system tests: the scan of what their federations left (test/support/scan-remains.ts). */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { scanEverything } from '../../support/scan-everything.js';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-remains-'));
  project.provide('remainsFolder', folder);
  return () => scanEverything(folder, null);
}
