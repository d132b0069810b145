/** The connector for users, groups and members of one OpenStack Keystone domain. */
import type { Connector } from '../connector.js';
import { keystoneCapabilities } from './capabilities.js';
import { createKeystoneClient } from './client.js';
import { keystoneConfig, type KeystoneConnectorOptions } from './config.js';
import { probeKeystone } from './probe.js';
import { createKeystoneReader, type NativeType } from './read.js';
import { executeWrite, plannedRequests } from './write.js';

/** Touches the network and reads the credentials with the first request only. */
export function createKeystoneConnector(options: KeystoneConnectorOptions): Connector<NativeType> {
  const config = keystoneConfig(options);
  const client = createKeystoneClient(config);
  const { domain } = config.mesh;
  const reader = createKeystoneReader(client, domain);
  return {
    capabilities: keystoneCapabilities,
    probe: () => probeKeystone(client, domain),
    readAll: (request) => reader.readAll(request),
    readOne: (type, id) => reader.readOne(type, id),
    findTwin: (type, after) => reader.findTwin(type, after),
    plannedCalls: (write) => plannedRequests(domain, write).map(({ call }) => call),
    write: (write, announce) => executeWrite(client, reader, domain, write, announce),
  };
}
