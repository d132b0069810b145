/** A workflow that a worker starts and its bundle does not export is never found: its caller would wait for ever. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Names in `startWorkflow<typeof name>` of the files of a folder. */
async function started(folder: string): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const file of await readdir(path.join(root, folder))) {
    if (!file.endsWith('.ts')) continue;
    const text = await readFile(path.join(root, folder, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/startWorkflow<typeof (\w+)>/g)) names.add(name);
  }
  return [...names].sort();
}

it('every workflow that a Nexus operation of an authority starts is in its bundle, under the name it is started by', async () => {
  const names = await started('workers');
  expect(names).toContain('seal');
  const bundle = await readFile(path.join(root, 'workflows/authority-workflows.ts'), 'utf8');
  const exported = [...bundle.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  expect(names.filter((name) => !exported.includes(name))).toEqual([]);
  const service = await readFile(path.join(root, 'workers/authority-service.ts'), 'utf8');
  for (const name of names) expect(service).toContain(`<typeof ${name}>(operation, '${name}'`);
});
