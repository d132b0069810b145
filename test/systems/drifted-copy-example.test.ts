/**
 * examples/04-drifted-copy, typed as it is written: over PostgreSQL and DynamoDB (moto) where both can be had, else in its form of
 * three folders, and what comes out compared with what its README shows.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { run } from '../cli/run.js';
import { chaptersOf, matches, type Step } from '../processes/support/readme.js';
import { eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { startMoto } from '../support/systems/moto.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { missingWords, type System } from '../support/systems/system.js';
import { temporalAddress } from '../support/temporal.js';

const example = fileURLToPath(new URL('../../examples/04-drifted-copy', import.meta.url));
const chapters = chaptersOf(await readFile(path.join(example, 'README.md'), 'utf8'));
const [moto, postgresql]: readonly [System, PostgresqlSystem] = [await startMoto(), await startPostgresql()];
for (const system of [moto, postgresql])
  if (system.kind === 'missing')
    process.stderr.write(`${missingWords(system)}: the form with three folders is played\n`);

let local: LocalFederation;
let address: string;
let environment: Readonly<Record<string, string>> = {};
let earlierFailed = false;
const isReal = moto.kind === 'available' && postgresql.kind === 'available';

beforeAll(async () => {
  address = await temporalAddress();
  let connection = '';
  if (isReal) {
    connection = (await postgresql.database('shipments'))['PGCONNECTION'] ?? '';
    await postgresql.sql('GRANT CREATE ON SCHEMA public TO concordat', 'shipments');
    environment = { ...moto.environment, LYON_DATABASE: connection };
  }
  local = await startFederation({
    from: path.join(example, isReal ? 'federation' : 'folders'),
    dataset: 'shipments',
    edit: (file, text) =>
      isReal && file === path.join('authorities', 'oslo.yaml')
        ? text.replace('http://127.0.0.1:5005', `'${moto.endpoint}'`)
        : text,
    environmentOf: isReal ? { lyon: { LYON_DATABASE: connection }, oslo: moto.environment } : {},
  });
  await shell('node "$EXAMPLE"/stores.mjs fill');
}, 240_000);
afterAll(async () => {
  await local?.stop();
  for (const system of [moto, postgresql]) if (system.kind === 'available') await system.stop();
});
beforeEach(async ({ skip }) => {
  if (earlierFailed) skip('an earlier chapter failed');
  onTestFailed(() => {
    earlierFailed = true;
  });
});

/** In the folder of the tutorial, as the second terminal has it. */
async function shell(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', command], {
    cwd: path.dirname(local.folder),
    env: { PATH: process.env['PATH'] ?? '', EXAMPLE: example, ...environment },
  });
  return stdout;
}

async function typed(command: string): Promise<string> {
  if (!command.startsWith('concordat ')) return shell(command);
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const said = await run(
    [...words.slice(1), ...(words[1] === 'approve' ? ['--yes'] : []), '--federation', local.folder],
    { environment: { TEMPORAL_ADDRESS: address }, workingFolder: path.dirname(local.folder) },
  );
  expect(said.stderr, command).not.toContain('error:');
  return said.stdout;
}

/** `show` is asked until the run that an approval started has ended: the reader looks twice as well. */
async function play({ commands, shown }: Step): Promise<void> {
  let said = '';
  // What the stores print is theirs: in the form of three folders it is another text.
  const expected = isReal
    ? shown
    : shown.filter((line) => !/^(berlin|lyon|oslo): /.test(line) || / its review /.test(line));
  for (const [at, command] of commands.entries()) {
    if (command.startsWith('concordat run')) await local.idle();
    if (at === commands.length - 1 && command.startsWith('concordat show')) {
      const before = said;
      await eventually(
        `what the README shows after ${command}`,
        async () => {
          said = before + (await typed(command));
          return matches(said, expected) === null;
        },
        180_000,
      ).catch(() => undefined);
    } else said += await typed(command);
  }
  expect(matches(said, expected), said).toBeNull();
}

describe('examples/04-drifted-copy', () => {
  it('has chapters to play', () => expect(chapters.filter(({ steps }) => steps.length > 0)).toHaveLength(5));

  it.each(chapters.filter(({ steps }) => steps.length > 0).map((each) => [each.title, each] as const))(
    'shows what comes out under "%s"',
    async (_, { steps }) => {
      for (const step of steps) await play(step);
    },
    300_000,
  );

  it('has cleared in all three stores what was dropped, and left what is no part of the dataset', async () => {
    const [berlin, lyon, oslo] = (await shell('node "$EXAMPLE"/stores.mjs show S-007')).split('\n');
    expect(berlin).toBe('berlin: S-007;Ann Lee 7;999;2024-05-08 09:07:00');
    expect(lyon).toContain('"fragile":null,"note":"à garder"');
    if (isReal) {
      expect(oslo).toMatch(/"hyller":\{"NS":\["(6","17|17","6)"\]\}/);
      expect(oslo).toContain('"vekt":{"N":"0.999"}');
    } else expect(oslo).toBe('oslo: S-007,Ann Lee 7,0.999,2024-05-08T08:07:00Z,,6');
  });
});
