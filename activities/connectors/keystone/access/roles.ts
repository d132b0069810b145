/**
 * The roles that may be given in the domain: those of the whole cloud and those of the domain alone, with what they imply.
 * https://docs.openstack.org/api-ref/identity/v3/#roles
 */
import { z } from 'zod';
import type { NativeObject } from '../../../../core/record.js';
import { KeystoneRecord, plainBody } from '../body.js';
import type { KeystoneClient } from '../client.js';
import type { Clients } from '../clients.js';
import { batchesOf, type Collection, type Lookup } from '../collection.js';
import { ConcordatError } from '../../../../core/errors.js';
import { fetchOne } from '../fetch.js';
import { readImplications, rolesInCircles, type Implications } from './implied-roles.js';
import { listOf, readSeen, readWhole, type Seen } from '../page.js';

export const RoleAnswer = z.object({ role: KeystoneRecord });

const circular = 'the role implies itself through other roles';

/** `implications` is left out where they could not be read, which is not the same as none. */
function nativeRole(record: KeystoneRecord, implications: Implications | undefined): NativeObject {
  const body = plainBody(record);
  if (!implications) return { type: 'role', id: record.id, body };
  const object: NativeObject = {
    type: 'role',
    id: record.id,
    body: { ...body, implies: [...(implications.get(record.id) ?? [])] },
  };
  return rolesInCircles(implications).has(record.id) ? { ...object, opaque: circular } : object;
}

/** The two lists that Keystone keeps apart. */
export async function readRoles(
  client: KeystoneClient,
  domain: string,
  signal?: AbortSignal,
): Promise<Seen<KeystoneRecord>> {
  const queries = ['', `?${new URLSearchParams({ domain_id: domain }).toString()}`];
  const records: KeystoneRecord[] = [];
  for (const query of queries) {
    const seen = await readSeen(client, listOf('/roles', 'roles'), query, signal);
    if (seen === null) return { records, reason: 'unexpectedAnswer' };
    records.push(...seen.records.filter((record) => isRoleOf(record, domain)));
    if (seen.reason !== undefined) return { records, reason: seen.reason };
  }
  return { records };
}

/** HAZARD: role admin on one domain reads the roles of all others. */
const isRoleOf = (record: KeystoneRecord, domain: string): boolean => (record.domain_id ?? domain) === domain;

export function createRoles(clients: Clients, domain: string): { collection: Collection; lookup: Lookup } {
  const implied = async (client: KeystoneClient): Promise<Implications> => {
    const { implications, reason } = await readImplications(client);
    if (reason !== undefined) throw new ConcordatError(reason, 'GET /v3/role_inferences gave no whole list');
    return implications;
  };
  return {
    collection: {
      name: 'roles',
      nativeType: 'role',
      async *read(after, signal) {
        const client = await clients.cloudWide();
        const roles = await readRoles(client, domain, signal);
        const { implications, reason } = await readImplications(client, signal);
        const known = reason === undefined ? implications : undefined;
        yield* batchesOf(
          roles.records.map((record) => nativeRole(record, known)),
          after,
        );
        return {
          ...(roles.reason === undefined ? {} : { reason: roles.reason }),
          ...(reason === undefined ? {} : { untold: [{ scope: 'roles/implied', reason }] }),
        };
      },
    },
    lookup: {
      readOne: async (id) => {
        const client = await clients.cloudWide();
        const answer = await fetchOne(client, `/roles/${encodeURIComponent(id)}`, 'GET /v3/roles/{id}', RoleAnswer);
        if (answer === null || !isRoleOf(answer.role, domain)) return null;
        return nativeRole(answer.role, await implied(client));
      },
      findTwin: async (after) => {
        const { name } = after;
        if (typeof name !== 'string' || name === '') return null;
        const client = await clients.cloudWide();
        const place = after['domain_id'] === domain ? { domain_id: domain } : {};
        const query = `?${new URLSearchParams({ ...place, name }).toString()}`;
        const found = (await readWhole(client, listOf('/roles', 'roles'), query)) ?? [];
        const folded = name.toLowerCase();
        const twin =
          found.find((record) => record['name'] === name) ??
          found.find((record) => typeof record['name'] === 'string' && record['name'].toLowerCase() === folded);
        return twin ? nativeRole(twin, await implied(client)) : null;
      },
    },
  };
}
