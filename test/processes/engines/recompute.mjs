/**
 * Runs in a process of its own, under whatever Node it is started with: makes correlation, plan and next base of many
 * inputs, each also with members, records and properties turned around, and prints the digest of all of it.
 *
 *   node recompute.mjs <folder of the built program> <file of inputs>
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [dist, inputs] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(dist, 'core', file)).href);
const { correlate } = await load('correlate.js');
const { digestOf } = await load('digest.js');
const { makePlan } = await load('plan.js');
const { baseChanges } = await load('next-base.js');

/** The same value with the properties of every object in the opposite order. Lists stay as they are. */
function turned(value) {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}

const results = [];
for (const { correlation, plan } of JSON.parse(await readFile(inputs, 'utf8'))) {
  for (const view of [(value) => value, turned]) {
    const order = (list) => (view === turned ? list.toReversed() : list);
    const planInput = {
      ...view(plan),
      views: Object.fromEntries(Object.entries(plan.views).map(([type, views]) => [type, order(views).map(view)])),
    };
    const made = makePlan(planInput);
    const changes = baseChanges({ ...planInput, effective: order(made.operations) });
    const joined = correlate({ ...view(correlation), records: order(correlation.records).map(view) });
    results.push(digestOf({ plan: made, changes, joined }));
  }
}
const different = results.filter((_, at) => at % 2 === 1 && results[at] !== results[at - 1]).length;
process.stdout.write(
  JSON.stringify({ node: process.version, digest: digestOf({ results }), different, of: results.length }),
);
