/** What a worker may know: an authority's everything that it was given, the coordinator's no credential, no key and no private state. */
import type { AuthorityId } from '../../core/record.js';
import { childEnvironment } from './child-environment.js';
import type { Layout } from './layout.js';
import { workerMemory } from './worker-memory.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Filled in from the layout where the environment does not say it. */
export function authorityWorkerEnvironment(
  layout: Layout,
  authority: AuthorityId,
  environment: Environment,
  readyFile: string,
): Record<string, string> {
  return {
    ...workerMemory,
    ...set(environment),
    CONCORDAT_FEDERATION: layout.federationFolder,
    CONCORDAT_EXCHANGE: layout.exchangeLocation,
    CONCORDAT_PRIVATE: environment['CONCORDAT_PRIVATE'] || layout.privateFolder(authority),
    CONCORDAT_KEYS: layout.keysFolder,
    CONCORDAT_READY_FILE: readyFile,
  };
}

/** What the coordinator may be told besides where Temporal is. The key opens the place where lineage events go, and no cloud. */
const forCoordinator: ReadonlySet<string> = new Set([
  'CONCORDAT_LOG_LEVEL',
  'CONCORDAT_LINEAGE_EVERY',
  'CONCORDAT_LINEAGE_TIMEOUT',
  'OPENLINEAGE_URL',
  'OPENLINEAGE_ENDPOINT',
  'OPENLINEAGE_API_KEY',
  'OPENLINEAGE_NAMESPACE',
  'OPENLINEAGE_DISABLED',
]);

/** HAZARD: an allow list. Whatever else the environment holds could be a credential of an authority. */
export function federationWorkerEnvironment(
  layout: Layout,
  environment: Environment,
  readyFile: string,
): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(set(environment)))
    if (name.startsWith('TEMPORAL_') || forCoordinator.has(name)) own[name] = value;
  return childEnvironment(
    {
      ...workerMemory,
      ...own,
      CONCORDAT_FEDERATION: layout.federationFolder,
      CONCORDAT_EXCHANGE: layout.exchangeLocation,
      CONCORDAT_READY_FILE: readyFile,
    },
    environment,
  );
}

function set(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
