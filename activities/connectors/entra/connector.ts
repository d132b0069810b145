/** Microsoft Entra ID through Microsoft Graph, as a connector. */
import type { Connector } from '../connector.js';
import { entraCapabilities } from './capabilities.js';
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

/** Nothing is read from the environment and nothing is sent before the first call, which throws what the configuration lacks. */
export function createEntraConnector(options: EntraConnectorOptions): Connector<NativeType> {
  let made: Graph | undefined;
  const graph = (): Graph => (made ??= createGraph(entraConfig(options.mesh, options.environment), options.tuning));
  return {
    capabilities: entraCapabilities({ groupPrefix: options.mesh.groupPrefix }),
    probe: () => probe(graph),
    readAll: async function* (request) {
      yield* readAll(graph(), request);
    },
    readOne: async (type, id) => readOne(graph(), type, id),
    findTwin: async (type, after) => findTwin(graph(), type, after),
    plannedCalls,
    write: async (order, announce) => write(graph(), order, announce),
  };
}
