/**
 * Plants each fault of mutations.yaml into a copy of the tree, runs the tests that are to see it, and prints which failed:
 *
 *   npm run mutations              all of them, which takes minutes
 *   npm run mutations -- gate      those whose fault or file holds the word
 *
 * Ends with 1 where a fault survives, or where a test fails without one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const all = parse(await readFile(path.join(import.meta.dirname, 'mutations.yaml'), 'utf8'));
const chosen = all.filter(({ fault, file }) => words.every((word) => `${fault} ${file}`.includes(word)));
if (chosen.length === 0) {
  console.error(`no fault of mutations.yaml holds ${words.join(' and ')}`);
  process.exit(2);
}

const copy = await mkdtemp(path.join(tmpdir(), 'concordat-mutations-'));
let survivors = 0;
try {
  await cp(root, copy, {
    recursive: true,
    filter: (source) => !['node_modules', 'dist', '.git'].includes(path.relative(root, source)),
  });
  await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));

  const before = failing([...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (before.length > 0) {
    console.error(`these fail without any fault:\n${before.map((name) => `  ${name}`).join('\n')}`);
    process.exitCode = 1;
  } else {
    for (const [at, mutation] of chosen.entries()) await plant(mutation, at + 1);
    console.log(`${chosen.length - survivors} of ${chosen.length} faults are seen`);
    if (survivors > 0) process.exitCode = 1;
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}

async function plant({ fault, file, replace, by, tests }, number) {
  const target = path.join(copy, file);
  const text = await readFile(target, 'utf8');
  if (text.split(replace).length !== 2) throw new Error(`${file} does not hold this exactly once: ${replace}`);
  await writeFile(
    target,
    text.replace(replace, () => by),
  );
  try {
    const failed = failing(tests);
    if (failed.length === 0) survivors += 1;
    console.log(`${failed.length > 0 ? 'seen    ' : 'SURVIVES'}  ${number}/${chosen.length} ${file}: ${fault}`);
    for (const name of failed.slice(0, 3)) console.log(`            ${name}`);
    if (failed.length > 3) console.log(`            and ${failed.length - 3} more`);
  } finally {
    await writeFile(target, text);
  }
}

/** Names of the tests that fail. A file that cannot even be loaded is one. */
function failing(tests) {
  const report = path.join(copy, '.mutations.json');
  rmSync(report, { force: true });
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const { status, stderr } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', 'vitest.config.ts', '--reporter=json', `--outputFile=${report}`, ...tests],
    {
      cwd: copy,
      encoding: 'utf8',
      env: { CONCORDAT_PROPERTY_SEED: '1', CONCORDAT_RESOLUTION_WORLDS: '300', ...process.env },
    },
  );
  if (status === 0) return [];
  return readReport(report) ?? [`vitest ended with ${status}: ${stderr.trim().split('\n').at(-1) ?? ''}`];
}

function readReport(file) {
  if (!existsSync(file)) return null;
  return JSON.parse(readFileSync(file, 'utf8')).testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName);
    return failed.length === 0 && status === 'failed' ? [`${path.relative(copy, name)} as a whole`] : failed;
  });
}
