/** Nexus endpoints: the doors between the federation's namespace and those of its authorities. Unique on the whole server. */
import { ConcordatError } from '../../core/errors.js';
import type { Made } from './namespaces.js';
import { grpcCodeOf, grpcStatus, pollUntil, type TemporalServices } from './temporal-services.js';

export interface EndpointWanted {
  readonly name: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

type Endpoint = Awaited<ReturnType<TemporalServices['operatorService']['listNexusEndpoints']>>['endpoints'][number];

/**
 * Creates an endpoint, or finds it there with the right target. One that leads to another task queue of the same
 * namespace is turned; one that leads elsewhere is somebody else's: throws `invalidFederation`.
 */
export async function ensureEndpoint(services: TemporalServices, wanted: EndpointWanted): Promise<Made> {
  let made: Made = 'present';
  let endpoint = await findEndpoint(services, wanted.name);
  if (!endpoint) {
    made = 'created';
    try {
      await services.operatorService.createNexusEndpoint({ spec: specOf(wanted) });
    } catch (error) {
      if (grpcCodeOf(error) !== grpcStatus.alreadyExists) throw error;
      made = 'present';
    }
    endpoint = await pollUntil(() => findEndpoint(services, wanted.name), {
      withinMs: 30_000,
      late: () =>
        new ConcordatError(
          'temporalUnreachable',
          `the server made endpoint ${wanted.name} but does not show it; try again`,
        ),
    });
  }
  const target = endpoint.spec?.target?.worker;
  if (target?.namespace !== wanted.namespace) {
    const where = target?.namespace ? `namespace ${target.namespace}` : 'an address outside this server';
    throw new ConcordatError(
      'invalidFederation',
      `Nexus endpoint ${wanted.name} leads to ${where}, not to namespace ${wanted.namespace}; endpoint names are unique on a server: rename the federation or the authority, or remove the endpoint with \`temporal operator nexus endpoint delete\``,
    );
  }
  if (target.taskQueue === wanted.taskQueue) return made;
  await services.operatorService.updateNexusEndpoint({
    id: endpoint.id ?? '',
    version: endpoint.version ?? null,
    spec: { ...endpoint.spec, ...specOf(wanted) },
  });
  return 'updated';
}

/** Which of the endpoints do not exist. A workflow that calls a missing endpoint fails its task for ever, so ask first. */
export async function checkEndpoints(services: TemporalServices, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => findEndpoint(services, name)));
  return names.filter((_, index) => !found[index]);
}

function specOf(wanted: EndpointWanted) {
  return { name: wanted.name, target: { worker: { namespace: wanted.namespace, taskQueue: wanted.taskQueue } } };
}

async function findEndpoint(services: TemporalServices, name: string): Promise<Endpoint | undefined> {
  const { endpoints } = await services.operatorService.listNexusEndpoints({ name });
  return endpoints.find((endpoint) => endpoint.spec?.name === name);
}
