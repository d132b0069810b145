/** A Temporal server for tests: one for the whole run, and a federation of its own for each test that asks. */
import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { prepareTemporal } from '../../activities/temporal-setup/prepare-temporal.js';
import { startTemporalServer, type TemporalServer } from '../../cli/local/temporal-server.js';
import { federationNamespace } from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import { buildIfStale } from './build.js';

export interface TestFederation {
  readonly federation: string;
  /** Namespace of the federation; those of authorities come from core/names.ts. */
  readonly namespace: string;
  readonly address: string;
  readonly connection: Connection;
}

let ownServer: Promise<TemporalServer> | undefined;
let connection: Promise<Connection> | undefined;

/** The address of the server of this run. Where the global setup is left out, this file's process starts its own. */
export async function temporalAddress(): Promise<string> {
  const given = process.env['TEMPORAL_ADDRESS_FOR_TESTS'];
  if (given) return given;
  const service = inject('sharedTestService');
  if (service) return ask(`${service}/temporal`);
  ownServer ??= startTemporalServer({ headless: true });
  return (await ownServer).address;
}

/** One connection for all tests of a file. */
export async function connectionForTests(): Promise<Connection> {
  return (connection ??= Connection.connect({ address: await temporalAddress(), connectTimeout: 30_000 }));
}

/** A federation with a name that no other test has, its namespaces, endpoints and search attributes made. */
export async function freshFederation(authorities: readonly AuthorityId[]): Promise<TestFederation> {
  const address = await temporalAddress();
  connection ??= Connection.connect({ address, connectTimeout: 30_000 });
  const federation = freshFederationName();
  await prepareTemporal({ connection: await connection, federation, authorities, retentionDays: 1 });
  return { federation, namespace: federationNamespace(federation), address, connection: await connection };
}

/** A federation name that no other test has, with nothing made for it. */
export function freshFederationName(): string {
  return `test-${randomBytes(5).toString('hex')}`;
}

/** The absolute path of dist/, built from the sources as they are now. */
export async function builtProgram(): Promise<string> {
  const service = inject('sharedTestService');
  return service ? ask(`${service}/build`) : buildIfStale();
}

async function ask(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
