/** A digest field over Temporal with three authorities: its value reaches who writes it, and stands in no history and no log. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reconcileWorkflowId } from '../../core/names.js';
import { awsTag, entraUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';

const secret = 'Plumbago Cartography';
let local: LocalFederation;

beforeAll(async () => {
  local = await startFederation({
    edit: (file, text) =>
      file === 'authorities/azure.yaml'
        ? text.replace(/person: \[(.*)department(.*)\]/, (_all, before: string, after: string) => {
            const clear = `${before}${after}`.split(/[\s,]+/).filter((field) => field !== '');
            return `person: { fields: { ${[...clear.map((field) => `${field}: clear`), 'department: digest'].join(', ')} } }`;
          })
        : text,
  });
  seedEqual(local.sandbox, 8);
});
afterAll(() => local?.stop());

it('travels encrypted from the one that changed it to the two that write it', async () => {
  // Two of the three have no key when they open first; the maker's open, in the same run, gives it to them.
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  keystoneUser(local.sandbox, 1).extra['department'] = secret;
  const run = await local.run();
  expect(run).toMatchObject({
    outcome: 'agreed',
    left: 0,
    plan: { disclosers: ['sov'] },
    commits: [
      { authority: 'aws', outcome: 'done' },
      { authority: 'azure', outcome: 'done' },
    ],
  });
  expect(awsTag(local.sandbox, 1, 'department')).toBe(secret);
  expect(entraUser(local.sandbox, 1).properties['department']).toBe(secret);
  const quiet = await local.run();
  expect(quiet).toMatchObject({ outcome: 'agreed', plan: { disclosers: [], operations: 0 } });
  expect(await local.events({ workflowId: reconcileWorkflowId(dataset) })).toBeLessThanOrEqual(60);

  const texts = [await local.logs()];
  for (const namespace of [undefined, 'aws', 'azure', 'sov']) {
    const client = local.client(namespace);
    for await (const { workflowId, runId } of client.workflow.list())
      texts.push(JSON.stringify(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  }
  const folder = local.layout.exchangeLocation;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) texts.push(await readFile(path.join(entry.parentPath, entry.name), 'latin1'));
  const all = texts.join('\n');
  expect(texts.length).toBeGreaterThan(40);
  for (const value of [secret, 'Umbrology'])
    for (const form of [value, Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -1)])
      expect(all.includes(form), form).toBe(false);
});
