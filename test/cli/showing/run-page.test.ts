/** The page of a run: stands alone, loads nothing, escapes everything, and holds no value unless it was asked for. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeOperation } from '../../../core/operation.js';
import type { Divergence } from '../../../core/plan.js';
import { censusOf } from '../../../core/report/plan-census.js';
import { writeReport } from '../../../cli/output/report-file.js';
import type { RunReport } from '../../../cli/reading/run-report.js';
import { runPage } from '../../../cli/showing/html/run-page.js';

const hostile = '</style><script>alert(1)</script>"\'&\u202E';
const operation = makeOperation({
  authority: 'lyon',
  type: 'shipment',
  key: 'f00d'.repeat(16),
  kind: 'update',
  changes: [{ kind: 'value', field: 'receiver', before: 'Zoë Martin', after: hostile }],
  rule: 'changedOnOneSide',
  because: ['oslo'],
  current: { receiver: 'Zoë Martin' },
});
const divergence: Divergence = {
  kind: 'changed',
  type: 'shipment',
  key: operation.key,
  field: hostile,
  because: ['oslo'],
  at: ['lyon'],
  operations: [operation.id],
  accepted: [],
};
const plan = { operations: [operation], divergences: [divergence], conflicts: [] };
const report = {
  run: {
    runId: 'run-1',
    dataset: 'shipments',
    status: 'completed',
    startedAt: new Date(0),
    result: null,
    progress: null,
  },
  summary: null,
  plan: { census: censusOf(plan), samples: plan },
  snapshots: [
    {
      authority: 'oslo',
      types: [{ type: 'shipment', count: 1_234_567 }],
      untranslatable: [],
      scopes: [{ type: 'shipment', scope: hostile, complete: false, reason: 'schemaDrifted' }],
    },
  ],
  reviews: [],
} as unknown as RunReport;
const shown = { federation: hostile, report, part: null, brakes: [], madeAt: new Date(0) };
const tagsOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/<\/?([a-z!][a-z0-9]*)/gi)].map(([, name = '']) => name)),
];

it('has no script, no address, no picture and no handler in it, whatever the dataset is called', () => {
  const text = runPage({ ...shown, values: new Map([[`shipment ${operation.key}`, hostile]]) });
  expect(tagsOf(text)).not.toContain('script');
  expect(
    tagsOf(text).filter((tag) => ['img', 'link', 'iframe', 'object', 'svg', 'a', 'form', 'base'].includes(tag)),
  ).toEqual([]);
  expect(text).not.toMatch(/(?:\ssrc=|\shref=|url\(|@import|\son[a-z]+=|https?:)/i);
  expect(text.match(/<\/style>/g)).toHaveLength(1);
  expect(text).toContain("default-src 'none'");
  expect(text).not.toContain('\u202E');
  expect(text).toContain('&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u202e');
});

it('holds no value and no name of a record, but counts, fields and beginnings of keys, unless it is asked for', () => {
  const without = runPage({ ...shown, values: null });
  expect(without).not.toContain('Zoë');
  expect(without).toContain('shipment f00df00d');
  expect(without).toContain('1,234,567');
  const asked = runPage({ ...shown, values: new Map([[`shipment ${operation.key}`, 'S-1']]) });
  expect(asked).toContain('shipment S-1 (f00df00d)');
  expect(asked).toContain('Zoë Martin');
});

it('has charts and samples of what was asked for alone, and says of what', () => {
  const other = { ...divergence, kind: 'missing' as const, key: 'beef'.repeat(16), field: null };
  const whole = { operations: [operation], divergences: [divergence, other], conflicts: [] };
  const part = {
    asked: 'kind missing, one key or name',
    census: censusOf({ operations: [], divergences: [other], conflicts: [] }),
    samples: { operations: [], divergences: [other] },
  };
  const of = { ...report, plan: { census: censusOf(whole), samples: whole } } as unknown as RunReport;
  const text = runPage({ ...shown, report: of, part, values: null });
  expect(text).toContain('of kind missing, one key or name: 1 of');
  expect(text).toMatch(/1 of\s+2 divergences, 0 of\s+1 operations/);
  expect(text).toContain('shipment beefbeef');
  expect(text).not.toContain('shipment f00df00d');
  expect(runPage({ ...shown, report: of, values: null })).toContain('shipment f00df00d');
});

it('says which types and maps are new, of whom they are asked, and nothing of it where there are none', () => {
  const digests = { before: { version: 1, digest: 'a'.repeat(64) }, now: { version: 2, digest: 'b'.repeat(64) } };
  const asked = ['lyon', 'oslo'];
  const newVersions = [
    { kind: 'type', id: '1'.repeat(64), type: 'shipment', ...digests, asked, proof: [] },
    {
      kind: 'map',
      id: '2'.repeat(64),
      authority: 'oslo',
      type: 'shipment',
      ...digests,
      asked,
      proof: [{ authority: 'oslo', records: 412, cameBack: 410, incomplete: true }],
    },
  ];
  const of = { ...report, plan: { ...report.plan, newVersions } } as unknown as RunReport;
  const text = runPage({ ...shown, report: of, values: null }).replaceAll(/\s+/g, ' ');
  expect(text).toContain('New since the last agreement');
  expect(text).toContain('type shipment is new (version 2 after 1): nothing was read that could prove it');
  expect(text).toContain('map of oslo for shipment is new (version 2 after 1): 410 of 412 records come back');
  expect(text).toContain('not all that is there could be read');
  expect(text.match(/<td[^>]*>lyon and oslo<\/td>/g)).toHaveLength(2);
  expect(runPage({ ...shown, values: null })).not.toContain('New since the last agreement');
});

it('takes the place of an earlier page and of nothing else', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-page-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'run.html');
  for (const madeAt of [new Date(0), new Date(1_000)])
    await writeReport(file, runPage({ ...shown, madeAt, values: null }));
  expect(await readFile(file, 'utf8')).toContain('page made 1970-01-01 00:00:01 UTC');
  const other = path.join(folder, 'thesis.html');
  await writeFile(other, '<!doctype html>\n<p>mine');
  await expect(writeReport(other, 'x')).rejects.toThrow('is there already and is no report of ours');
  expect(await readFile(other, 'utf8')).toBe('<!doctype html>\n<p>mine');
  await expect(writeReport(path.join(folder, 'no', 'run.html'), 'x')).rejects.toThrow('cannot be written (ENOENT)');
});
