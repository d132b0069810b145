/** What `concordat taxonomy` refuses before it asks anybody; with runs and drifts it is typed in test/processes/records.test.ts. */
import { expect, it } from 'vitest';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

it.each([
  [['approve', '--as', 'ana'], "missing required argument 'drift'"],
  [['approve', 'ffff'], "required option '--as <key>' not specified"],
  [['approve', 'ffff', '--as', 'ana', '--reason', ' '], '--reason must have from 1 to 500 characters'],
  [['approve', 'ffff', '--as', 'ana', '--reason', 'x'.repeat(501)], '--reason must have from 1 to 500 characters'],
  [['propose', 'people'], "required option '--mesh <authority>' not specified"],
  [['diff', '--datset', 'people'], "unknown option '--datset'"],
] as const)('taxonomy %o is refused with exit code 1 and one clear error', async (argv, error) => {
  const said = await run(['taxonomy', ...argv, '--federation', await written(smallFederation)]);
  expect(said.code).toBe(1);
  expect(said.stdout).toBe('');
  expect(said.stderr).toContain(error);
});

it('--help of each shows examples and what the exit codes mean', async () => {
  for (const name of ['diff', 'approve', 'propose']) {
    const said = await run(['taxonomy', name, '--help']);
    expect(said.code).toBe(0);
    expect(said.stdout).toContain(`$ concordat taxonomy ${name}`);
    expect(said.stdout).toContain('2  divergences, or an approval is pending');
  }
});
