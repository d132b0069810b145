/** One input, one digest, under Node 20 and 24, whose locale data, time zones and Unicode tables differ. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byCodeUnit } from '../../core/json.js';
import type { RecordView } from '../../core/compare.js';
import type { PlanInput } from '../../core/plan.js';
import { digestOf } from '../../core/digest.js';
import { builtProgram } from '../support/temporal.js';
import { incompleteOf, viewsOf } from '../core/support/round.js';
import { gaps, plots, worldOf } from '../core/support/worlds.js';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./engines/recompute.mjs', import.meta.url));
/** An installed Node 24, for machines that cannot fetch one: the test is skipped, and counted so, where there is none. */
const otherNode = process.env['CONCORDAT_NODE_24'];

let folder = '';
let given: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-engines-'));
  const file = path.join(folder, 'inputs.json');
  await writeFile(file, JSON.stringify(inputs()));
  given = [script, await builtProgram(), file];
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Texts that engines order, fold and normalise differently. */
const awkward: Readonly<Record<string, string>> = {
  a: 'Ångström İstanbul ǅ',
  b: 'A\u030angstro\u0308m \u{1F9D1}\u{200D}\u{1F680}',
  c: '\u{10FFFF}\uffff ß ẞ \u{16EA0}',
  // Turkish puts ı before i, other languages do not.
  p1: 'i2',
  p2: 'ı1',
  p3: 'I3',
  p4: 'İ4',
  t1: 'iz',
  t2: 'ıa',
};

function inputs(): unknown[] {
  return fc
    .sample(fc.tuple(plots, fc.oneof(fc.constant([]), gaps)), { numRuns: 150, seed: 24 })
    .map(([plot, missing]) => {
      const world = worldOf(plot);
      const plan: PlanInput = {
        shape: world.shape,
        base: null,
        standing: digestOf({}),
        rejections: {},
        correlation: digestOf({}),
        cases: [],
        held: [],
        incomplete: incompleteOf(missing),
        views: viewsOf(world, missing),
        heldAtBase: world.heldAtBase,
      };
      const rules = [{ match: ['mail'] }, { match: ['name', 'phone'] }];
      const correlation = {
        type: 'person',
        rules,
        statements: [],
        records: unlinked([...(plan.views['person'] ?? [])]),
      };
      return JSON.parse(JSON.stringify({ plan, correlation }), (_name, value: unknown) =>
        typeof value === 'string' ? (awkward[value] ?? value) : value,
      ) as unknown;
    });
}

/** Every member's record as one that no link joins yet. */
function unlinked(views: readonly RecordView[]): Pick<RecordView, 'key' | 'members'>[] {
  return views.flatMap(({ key, members }) =>
    Object.entries(members)
      .sort(([left], [right]) => byCodeUnit(left, right))
      .flatMap(([member, fields]) =>
        fields ? [{ key: `~${digestOf({ key, member })}`, members: { [member]: fields } }] : [],
      ),
  );
}

interface Said {
  readonly node: string;
  readonly digest: string;
  readonly different: number;
  readonly of: number;
}

async function under(command: string, before: readonly string[] = []): Promise<Said> {
  const { stdout } = await run(command, [...before, ...given], {
    // Another language, another time zone, another place for caches: none of it may show.
    env: { ...process.env, LC_ALL: command === process.execPath ? 'C' : 'tr_TR.UTF-8', TZ: 'Pacific/Chatham' },
    timeout: 180_000,
    maxBuffer: 1024 * 1024,
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Said;
}

test('correlation, plan and next base have one digest under Node 20 and 24, in any order of members', async (context) => {
  const own = await under(process.execPath);
  expect(own).toMatchObject({ node: process.version, different: 0, of: 300 });
  let other: Said;
  try {
    other = otherNode
      ? await under(otherNode)
      : await under('npm', ['exec', '--yes', '--fetch-retries=0', '--package=node@24', '--', 'node']);
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string };
    // Only where it cannot be had: a script that fails under Node 24 is what this test looks for.
    if (!/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT|E40[34]|ENOTCACHED|FETCH_ERROR/.test(stderr))
      throw error;
    context.skip('Node 24 cannot be fetched here; CONCORDAT_NODE_24 names an installed one');
    return;
  }
  expect(other.node.split('.')[0]).not.toBe(process.version.split('.')[0]);
  expect({ ...other, node: '' }).toEqual({ ...own, node: '' });
}, 400_000);
