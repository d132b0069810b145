/** Namespaces: one for the federation and one for each authority. */
import { msToTs } from '@temporalio/common/lib/time.js';
import { ConcordatError } from '../../core/errors.js';
import { taskQueue } from '../../core/names.js';
import { grpcCodeOf, grpcStatus, pollUntil, type TemporalServices } from './temporal-services.js';

/** Under this key a namespace says which federation made it, so that two federations never share one by accident. */
const ownerKey = 'concordat.federation';

export interface NamespaceWanted {
  readonly namespace: string;
  readonly federation: string;
  readonly description: string;
  readonly retentionDays: number;
}

export type Made = 'created' | 'present' | 'updated';

/**
 * Registers a namespace, or finds it there. The retention of one that exists is left as its operator set it, and so is a
 * namespace that an operator made by hand. Throws `invalidFederation` where another federation made it.
 */
export async function ensureNamespace(services: TemporalServices, wanted: NamespaceWanted): Promise<Made> {
  const owner = await ownerOf(services, wanted.namespace);
  if (owner === undefined) {
    try {
      await services.workflowService.registerNamespace({
        namespace: wanted.namespace,
        description: wanted.description,
        workflowExecutionRetentionPeriod: msToTs(wanted.retentionDays * 86_400_000),
        data: { [ownerKey]: wanted.federation },
      });
    } catch (error) {
      if (grpcCodeOf(error) !== grpcStatus.alreadyExists) throw error;
    }
  }
  const late = () =>
    new ConcordatError(
      'temporalUnreachable',
      `the server registered namespace ${wanted.namespace} but does not serve it; try again`,
    );
  const found = await pollUntil(() => ownerOf(services, wanted.namespace), { withinMs: 30_000, late });
  if (found !== unowned && found !== wanted.federation) {
    throw new ConcordatError(
      'invalidFederation',
      `namespace ${wanted.namespace} belongs to federation ${found}; rename this federation or use another Temporal server`,
    );
  }
  await pollUntil(() => isServed(services, wanted.namespace), { withinMs: 30_000, late });
  return owner === undefined ? 'created' : 'present';
}

const unowned = '';

/** The federation that made the namespace, `unowned` for one that nobody marked, undefined where there is none. */
async function ownerOf(services: TemporalServices, namespace: string): Promise<string | undefined> {
  try {
    const described = await services.workflowService.describeNamespace({ namespace });
    return described.namespaceInfo?.data?.[ownerKey] ?? unowned;
  } catch (error) {
    if (grpcCodeOf(error) === grpcStatus.notFound) return undefined;
    throw error;
  }
}

/**
 * A namespace just registered can be described at once, but for a moment every use of it answers NOT_FOUND, and a worker
 * that starts in that moment ends. Describing a task queue asks the services that workers ask.
 */
async function isServed(services: TemporalServices, namespace: string): Promise<true | undefined> {
  try {
    await services.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue } });
    return true;
  } catch (error) {
    if (grpcCodeOf(error) === grpcStatus.notFound) return undefined;
    throw error;
  }
}
