/** A folder for one test, removed after it. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
