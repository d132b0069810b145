/** Microsoft Entra ID through Microsoft Graph, as a connector. */
import type { Connector, NativeWrite } from '../connector.js';
import { plannedAccessCalls } from './access/orders.js';
import { findAccessTwin } from './access/find.js';
import { readOneAccess } from './access/read-one.js';
import { isAccessType, type AccessType } from './access/types.js';
import { writeAccess } from './access/write.js';
import { entraChanges } from './changes.js';
import { entraCapabilities } from './capabilities.js';
import { consequencesOf } from './consequences.js';
import { createGraph, type Graph, type GraphTuning } from './client.js';
import { entraConfig, type EntraMesh, type Environment } from './config.js';
import type { NativeType } from './objects.js';
import { probe } from './probe.js';
import { findTwin, readAll, readOne } from './read.js';
import { plannedCalls, write } from './write.js';

export interface EntraConnectorOptions {
  readonly mesh: EntraMesh;
  /** Where the variables that the authority file names are looked up. */
  readonly environment: Environment;
  readonly tuning?: Partial<GraphTuning>;
}

export type EntraType = NativeType | AccessType;

type PlainWrite = NativeWrite<NativeType>;

function isAccess(order: NativeWrite<EntraType>): order is NativeWrite<AccessType> {
  return isAccessType(order.type);
}

/** Nothing is read from the environment and nothing is sent before the first call, which throws what the configuration lacks. */
export function createEntraConnector(options: EntraConnectorOptions): Connector<EntraType> {
  let made: Graph | undefined;
  const graph = (): Graph => (made ??= createGraph(entraConfig(options.mesh, options.environment), options.tuning));
  const { groupPrefix, workloadPrefix } = options.mesh;
  const changes = entraChanges({ graph, mesh: options.mesh });
  return {
    capabilities: entraCapabilities({ groupPrefix, workloadPrefix }),
    probe: (request) => probe(graph, request?.nativeTypes),
    readAll: async function* (request) {
      yield* readAll(graph(), request);
    },
    readOne: async (type, id) => (isAccessType(type) ? readOneAccess(graph(), type, id) : readOne(graph(), type, id)),
    findTwin: async (type, after) =>
      isAccessType(type) ? findAccessTwin(graph(), type, after) : findTwin(graph(), type, after),
    plannedCalls: (order) => (isAccess(order) ? plannedAccessCalls(order) : plannedCalls(order as PlainWrite)),
    consequencesOf,
    write: async (order, announce) =>
      isAccess(order) ? writeAccess(graph(), order, announce) : write(graph(), order as PlainWrite, announce),
    ...(changes ? { changes } : {}),
  };
}
