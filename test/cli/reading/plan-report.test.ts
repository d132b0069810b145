/** Plans that are larger than memory, at the size of a unit test: read in pieces of a few bytes, filtered, written out, refused. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { censusOf } from '../../../core/report/plan-census.js';
import { readPlan } from '../../../cli/reading/documents.js';
import { createColors } from 'picocolors';
import { canonicalJson, digestOf } from '../../../core/digest.js';
import type { NewVersion } from '../../../core/new-versions.js';
import { filtered, planView, type PlanFilter } from '../../../cli/reading/plan-view.js';
import { planLines } from '../../../cli/showing/plan-text.js';
import { limitsOf, partOf, planPieces, shownPlan } from '../../../cli/reading/large-plan.js';
import { documentParts } from '../../../activities/documents/document-parts.js';
import { readPlanReport, type PlanReport } from '../../../cli/reading/plan-report.js';
import type { Divergence, Plan } from '../../../core/plan.js';
import type { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { MemoryStore } from '../../support/memory-store.js';
import { syntheticKey, syntheticNumber, syntheticPlan } from '../../support/synthetic-plan.js';

const count = 1_000;
const { bytes, digest } = syntheticPlan({ count, weight: (grams) => String(grams * 1000), otherOneIn: 100 });
const ref = `federation/documents/${digest}`;
const taxonomy = {
  shipment: { type: 'shipment', key: ['number'], fields: { number: { kind: 'text' } } },
} as unknown as Readonly<Record<string, TaxonomyType>>;

/** Counts what is read, and gives it in small pieces. */
class CountingStore extends MemoryStore {
  read = 0;
  override getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    this.read += length;
    return super.getRange(name, start, length);
  }
  size(name: string): Promise<number | null> {
    return Promise.resolve(this.objects.get(name)?.length ?? null);
  }
}
const store = new CountingStore();
let plan: Plan;
let report: PlanReport;
beforeAll(async () => {
  await store.putIfAbsent(ref, bytes);
  plan = await readPlan(store, digest);
  report = await readPlanReport(store, digest);
});

async function put(text: string): Promise<string> {
  const sha256 = createHash('sha256').update(text).digest('hex');
  await store.putIfAbsent(`federation/documents/${sha256}`, Buffer.from(text));
  return sha256;
}
async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

describe('a plan that is read part by part', () => {
  it('has the counts of the plan that is held whole, and its first parts as samples', () => {
    expect(report.census).toEqual(censusOf(plan));
    expect(report).toMatchObject({ dataset: plan.dataset, base: plan.base, cases: [], accepted: [] });
    expect(report.samples.operations).toEqual(plan.operations.slice(0, 5));
    expect(report.census.kinds).toEqual([
      { kind: 'changed', count: 990 },
      { kind: 'missing', count: 10 },
    ]);
  });

  it('gives the operations that are asked for by their ids', async () => {
    const wanted = plan.operations.slice(300, 302).map(({ id }) => id);
    const { operations } = await readPlanReport(store, digest, new Set(wanted));
    expect([...operations.values()]).toEqual(plan.operations.slice(300, 302));
  });

  it('is refused where one byte is another, wherever it is, and nothing is shown of it', async () => {
    const text = Buffer.from(bytes);
    for (const at of [text.indexOf('"at"') + 1, text.indexOf('"lyon"') + 1, bytes.length - 3]) {
      const altered = new CountingStore(store);
      const copy = Uint8Array.from(bytes);
      copy[at] = copy[at] === 0x61 ? 0x62 : 0x61;
      altered.objects.set(ref, copy);
      await expect(readPlanReport(altered, digest), `byte ${at}`).rejects.toThrow(
        /does not hash to its name|another shape/,
      );
    }
  });

  it.each([
    ['{"absent":[],"absent":[]}', 'is not canonical JSON'],
    ['{"b":1,"a":2}', 'is not canonical JSON'],
    ['{ "absent":[]}', 'is not canonical JSON'],
    ['{"divergences":[{"kind":"changed"}]}', 'has another shape'],
    ['{"opaque":[{},]}', 'does not hash|is not canonical JSON'],
    ['{"opaque":[{}', 'is not canonical JSON'],
    ['{"dataset":"a\\"b,]}"}', 'has another shape'],
    ['[]', 'is not canonical JSON'],
    ['', 'is not canonical JSON'],
    ['{"absent":[]}x', 'does not hash to its name'],
  ])('is refused as %s', async (text, why) => {
    await expect(readPlanReport(store, await put(text))).rejects.toThrow(new RegExp(why));
  });

  it('finds the ends of texts with quotes, brackets and backslashes in them, over any border of pieces', async () => {
    const values = ['a"],{', 'b\\', '\\"', '{[', 'Zoë 🚚', ''];
    const sha256 = await put(JSON.stringify({ a: values.map((value) => ({ value })), b: 12, c: values, d: null }));
    for (const pieceBytes of [1, 2, 3, 7, 1_000]) {
      const whole: string[] = [];
      const named = { ref: `federation/documents/${sha256}`, sha256 };
      for await (const some of documentParts(store, named, (member) => member !== 'b', pieceBytes))
        whole.push(...some.map(({ member, text }) => `${member} ${text}`));
      expect(whole).toEqual([
        ...values.map((value) => `a ${JSON.stringify({ value })}`),
        ...values.map((value) => `c ${JSON.stringify(value)}`),
        'd null',
      ]);
    }
  });
});

const version = (type: string): NewVersion => ({
  kind: 'type',
  id: digestOf({ type }),
  type,
  before: { version: 1, digest: digestOf(`${type} before`) },
  now: { version: 2, digest: digestOf(`${type} now`) },
  asked: ['lyon', 'oslo'],
  proof: [],
});

describe('a part of it', () => {
  const federation = { taxonomy };

  it('by field has the operations of that field under the numbers that they have in the whole', async () => {
    const part = await partOf(store, federation, report, { field: 'receiver' }, 3);
    const expected = plan.operations.filter(({ changes }) => changes.some(({ field }) => field === 'receiver'));
    expect(part.census.operations).toBe(expected.length);
    expect(part.operations).toEqual(expected.slice(0, 3));
    expect(part.samples.operations).toEqual(expected.slice(0, 5));
    expect(part.samples.divergences.every(({ field }) => field === 'receiver')).toBe(true);
    for (const operation of part.operations)
      expect(plan.operations[(part.numbers.operations.get(operation.id) ?? 0) - 1]).toEqual(operation);
  });

  it('by kind of divergence has what would settle it, by kind of operation the operations alone', async () => {
    const missing = await partOf(store, federation, report, { kind: 'missing' }, 100);
    expect([missing.census.operations, missing.census.divergences]).toEqual([10, 10]);
    expect(new Set(missing.operations.map(({ kind }) => kind))).toEqual(new Set(['create']));
    const updates = await partOf(store, federation, report, { kind: 'update' }, 1);
    expect([updates.census.operations, updates.census.divergences]).toEqual([990, 0]);
  });

  it('by kind has each operation that settles any of them, where one settles several', async () => {
    const [first, second] = plan.divergences;
    const [shared, alone] = plan.operations;
    if (!first || !second || !shared || !alone) throw new Error('too small a plan');
    const divergences = [
      { ...first, kind: 'missing' as const, field: 'weight', operations: [shared.id] },
      { ...first, kind: 'missing' as const, field: 'receiver', operations: [alone.id, shared.id] },
      { ...second, kind: 'changed' as const, operations: [] },
    ];
    const sha256 = await put(canonicalJson({ ...plan, divergences, operations: plan.operations.slice(0, 3) }));
    const of = await readPlanReport(store, sha256);
    const part = await partOf(store, federation, of, { kind: 'missing' }, 10);
    expect(part.operations.map(({ id }) => id)).toEqual([shared.id, alone.id]);
    expect((await partOf(store, federation, of, { kind: 'changed' }, 10)).census.operations).toBe(0);
  });

  it('keeps the number of a new version, and leaves out those of other types and where one field is asked for', async () => {
    const newVersions = [version('person'), version('shipment')];
    const large = { ...report, newVersions };
    const shownAs = async (filter: PlanFilter): Promise<readonly string[]> => {
      const part = await partOf(store, federation, large, filter, 3);
      const left = shownPlan(large, part, filter).newVersions ?? [];
      return left.map(({ id, type }) => `v${part.numbers.newVersions.get(id) ?? '?'} ${type}`);
    };
    expect(await shownAs({})).toEqual(['v1 person', 'v2 shipment']);
    expect(await shownAs({ type: 'shipment' })).toEqual(['v2 shipment']);
    expect(await shownAs({ authority: 'berlin' })).toEqual([]);
    expect(await shownAs({ field: 'weight' })).toEqual([]);
    const written = async (filter: PlanFilter): Promise<{ readonly newVersions?: readonly NewVersion[] }> =>
      JSON.parse(await textOf(planPieces(store, federation, large, filter, {})));
    expect((await written({ type: 'shipment' })).newVersions).toEqual([newVersions[1]]);
    expect(await written({ kind: 'missing' })).not.toHaveProperty('newVersions');
    const records = { name: () => Promise.resolve(null), fields: () => Promise.resolve(undefined) };
    const whole = await planView({
      plan: { ...plan, newVersions },
      digest,
      records,
      sheets: {},
      elementTypes: () => undefined,
    });
    const lines = planLines(filtered(whole, { type: 'shipment' }), {
      paint: createColors(false),
      elementTypes: () => undefined,
      operationsMax: 1,
    }).join('\n');
    expect(lines).toContain('v2 type shipment is new');
    expect(lines).toContain('--only v2 ');
    expect(lines).not.toContain('v1 ');
  });

  it('has under accepted what the filter lets through, and nothing else', async () => {
    const accepted = [{ authority: 'lyon', owner: 'ops', reason: 'meant', untilMs: 1 }];
    const divergences = plan.divergences.map((one, at) => (at < 300 ? { ...one, accepted } : one));
    const sha256 = await put(canonicalJson({ ...plan, divergences }));
    const of = await readPlanReport(store, sha256);
    const acceptedIn = async (filter: PlanFilter): Promise<readonly Divergence[]> =>
      (JSON.parse(await textOf(planPieces(store, federation, of, filter, {}))) as { accepted: Divergence[] }).accepted;
    expect(await acceptedIn({})).toEqual(divergences.slice(0, 300));
    const some = await acceptedIn({ field: 'receiver' });
    expect(some).toEqual(divergences.slice(0, 300).filter(({ field }) => field === 'receiver'));
    expect(some.length).toBeGreaterThan(0);
  });

  it('by key takes the beginning of one, and a natural key as people write it', async () => {
    for (const key of [syntheticNumber(17), syntheticKey(17).slice(0, 20)]) {
      const part = await partOf(store, federation, report, { key }, 5);
      expect(part.operations.map((operation) => operation.key)).toEqual([syntheticKey(17)]);
    }
    expect((await partOf(store, federation, report, { key: 'S-00000' }, 5)).census.operations).toBe(0);
  });

  it('reads only the lists, and nothing of the bytes between them again', async () => {
    store.read = 0;
    for await (const _ of planPieces(store, federation, report, { key: 'nothing' }, {}));
    const lists = ['conflicts', 'divergences', 'operations'].map((name) => report.places.members.get(name));
    expect(store.read).toBe(lists.reduce((sum, place) => sum + (place ? place.end - place.start : 0), 0));
  });

  it('is written as one JSON document, whole or filtered', async () => {
    const whole = JSON.parse(await textOf(planPieces(store, federation, report, {}, { plan: digest })));
    expect(whole).toMatchObject({ plan: digest, base: plan.base, conflicts: [], cases: [] });
    expect(whole.divergences).toEqual(plan.divergences);
    expect(whole.operations[41]).toMatchObject({ number: 42, calls: null, ...plan.operations[41] });
    expect(whole.operations).toHaveLength(count);
    const none = JSON.parse(await textOf(planPieces(store, federation, report, { key: 'no such' }, {})));
    expect([none.conflicts, none.divergences, none.operations]).toEqual([[], [], []]);
    const missing = JSON.parse(await textOf(planPieces(store, federation, report, { kind: 'missing' }, {})));
    expect([whole.counts, none.counts.operations, missing.counts.kinds]).toEqual([
      report.census,
      0,
      [{ kind: 'missing', count: 10 }],
    ]);
  });

  it('says which brakes it trips, from the terms and what the meshes hold', () => {
    const authorities = {
      lyon: {
        constraints: { brakes: { shipment: { operationsMax: 100, percentMax: 20 } } },
        approval: { quorum: 1, quorumWhenBraked: 3 },
      },
    } as never;
    expect(limitsOf({ authorities }, censusOf(plan), { lyon: { shipment: 4_000 } })).toEqual({
      lyon: {
        quorum: 3,
        braked: [
          { type: 'shipment', limit: 'operationsMax', allowed: 100, found: 1000 },
          { type: 'shipment', limit: 'percentMax', allowed: 20, found: 25 },
        ],
      },
    });
  });
});
