/** The connector for one OpenStack Keystone domain: its people, and who may do what there. */
import type { Connector } from '../connector.js';
import { keystoneCapabilities } from './capabilities.js';
import { createClients } from './clients.js';
import { keystoneConfig, type KeystoneConnectorOptions } from './config.js';
import { consequencesOf } from './consequences.js';
import type { NativeType } from './native-types.js';
import { probeKeystone } from './probe.js';
import { createMeshReader } from './read-all.js';
import { createKeystoneReader } from './read.js';
import { executeWrite, plannedCalls } from './write.js';

/** Touches the network and reads the credentials with the first request only. */
export function createKeystoneConnector(options: KeystoneConnectorOptions): Connector<NativeType> {
  const config = keystoneConfig(options);
  const clients = createClients(config);
  const { domain } = config.mesh;
  const people = createKeystoneReader(clients.ofDomain, domain);
  const mesh = createMeshReader(clients, people, domain);
  const around = { clients, domain, people, projects: mesh.projects };
  return {
    capabilities: keystoneCapabilities,
    probe: (request) => probeKeystone(clients, domain, request?.nativeTypes ?? []),
    readAll: (request) => mesh.readAll(request),
    readOne: (type, id) => mesh.readOne(type, id),
    findTwin: (type, after) => mesh.findTwin(type, after),
    consequencesOf,
    plannedCalls: (write) => plannedCalls(domain, write),
    write: (write, announce) => executeWrite(write, around, announce),
  };
}
