/**
 * The whole compare of what is sealed (seal each, walk, views, verdicts) says what a naive one says of the plain records:
 * over random schemas, holdings, datasets, bucket counts, bases, and orders of records and of members.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { differingRecords } from '../../../activities/differing-records.js';
import { compareRecord } from '../../../core/compare.js';
import { byCodeUnit } from '../../../core/json.js';
import { References } from '../../../core/references.js';
import { runsOf } from '../../support/property-runs.js';
import { Dice } from './dice.js';
import { plainCompare, textOf, type PlainView } from './naive.js';
import { plainVerdict, verdictInWords } from './naive-verdict.js';
import { hashes, sealed, takenUnseen, walkUnder, type Sealed } from './sealed-world.js';
import { plots, worldOf, type Plot, type World, type WorldOfType } from './worlds.js';

const textOfView = ({ key, members, base }: PlainView): string =>
  textOf({
    key,
    members: Object.entries(members)
      .map(([id, fields]) => `${id} ${textOf(fields)}`)
      .sort(),
    base,
  });

interface Seen {
  views: number;
  unseen: number;
  unlikeBuckets: number;
  conflicts: number;
  sets: number;
}

function checkVerdicts(world: World, { type }: WorldOfType, views: readonly PlainView[], seen: Seen): void {
  // Policies are looked at elsewhere (test/core/resolution).
  const { policy: _policy, ...plain } = type;
  const context = {
    type: plain,
    incomplete: world.incomplete,
    references: new References(world.shape, []),
    heldAtBase: world.hasBase ? type.held : undefined,
  };
  const scene = { type: plain, shape: world.shape, incomplete: world.incomplete, isAgreedOn: world.hasBase };
  for (const view of views) {
    const words = JSON.stringify(verdictInWords(compareRecord(view, context)));
    const expected = JSON.stringify(plainVerdict(view, scene));
    if (words !== expected) expect(JSON.parse(words)).toEqual(JSON.parse(expected));
    if (words.includes(': in conflict ')) seen.conflicts += 1;
    if (words.includes(' by ')) seen.sets += 1;
  }
}

/** Told by a matcher only where they differ: to ask one costs more than most cases do. */
function requireSame(found: readonly string[], expected: readonly string[]): void {
  if (found.length !== expected.length || found.some((text, at) => text !== expected[at]))
    expect(found).toEqual(expected);
}

async function check(plot: Plot, seen: Seen): Promise<void> {
  const world = worldOf(plot);
  const hashKey = hashes[plot.hash];
  const dice = new Dice(~plot.seed);
  const run: Sealed = await sealed(world, hashKey, dice);
  const compared = await differingRecords(world.shape, run.snapshots, run.base, run.store, {
    named: world.named,
    walk: walkUnder(hashKey, plot.groups, dice.one([0, 60, 1_000_000])),
  });
  if (new Set(run.bucketCounts).size > 1) seen.unlikeBuckets += 1;
  for (const one of world.types) {
    const name = one.type.taxonomy.type;
    const expected = plainCompare(world, one);
    const views = [...(compared.views[name] ?? [])];
    const taken = await takenUnseen(compared, name, run, world, hashKey, dice.one(world.shape.members));
    // Only what shares its hash with something else may be looked at although all members show it alike.
    const alike = new Map(expected.unanimous.map((record) => [record.key, record]));
    const looked = plot.hash === 'real' ? [] : views.filter(({ key }) => alike.has(key));
    for (const { key, members, base } of looked) {
      requireSame([textOf(members), textOf(base)], [textOf(alike.get(key)?.members), 'absent']);
      alike.delete(key);
    }
    // What an absent member may hold is not taken over.
    const left = one.type.absent.length === 0 ? [...alike.values()] : [];
    requireSame(
      taken,
      left
        .map(({ key, members }) => textOf({ key, fields: Object.assign({}, ...Object.values(members)) as object }))
        .sort(),
    );
    const inOrder = expected.views.toSorted((a, b) => {
      const [hashOfA, hashOfB] = [hashKey(a.key), hashKey(b.key)];
      return hashOfA < hashOfB ? -1 : hashOfA > hashOfB ? 1 : byCodeUnit(a.key, b.key);
    });
    requireSame(views.filter((view) => !looked.includes(view)).map(textOfView), inOrder.map(textOfView));
    checkVerdicts(world, one, views, seen);
    seen.views += views.length;
    seen.unseen += taken.length;
  }
}

it('finds, takes over unseen and judges what a naive compare of plain records does', async () => {
  const seen: Seen = { views: 0, unseen: 0, unlikeBuckets: 0, conflicts: 0, sets: 0 };
  await fc.assert(
    fc.asyncProperty(plots, (plot) => check(plot, seen)),
    runsOf('CONCORDAT_COMPARE_CASES', 500),
  );
  expect(Object.values(seen).every((count) => count > 0)).toBe(true);
}, 600_000);
