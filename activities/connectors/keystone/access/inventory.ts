/**
 * What is read to be seen and never written: application credentials, which their owners alone can make, and trusts, by
 * which one user lends roles to another.
 * https://docs.openstack.org/api-ref/identity/v3/#application-credentials, v3-ext/#os-trust-api
 */
import { z } from 'zod';
import { byCodeUnit, type JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Clients } from '../clients.js';
import type { KeystoneClient } from '../client.js';
import { batchesOf, type Collection, type Lookup } from '../collection.js';
import type { UntoldPart } from '../cursor.js';
import { fetchOne } from '../fetch.js';
import { listOf, pageLength, readSeen, readWhole, type List } from '../page.js';
import { readProjects } from './scopes.js';

const Reference = z.object({ id: z.string().min(1) });
const CredentialEntry = z.object({
  id: z.string().min(1),
  name: z.string(),
  description: z.string().nullish(),
  project_id: z.string().nullish(),
  expires_at: z.string().nullish(),
  unrestricted: z.boolean().nullish(),
  roles: z.array(Reference).default([]),
  access_rules: z.array(z.unknown()).optional(),
});
const TrustEntry = z.object({
  id: z.string().min(1),
  trustor_user_id: z.string(),
  trustee_user_id: z.string(),
  project_id: z.string().nullish(),
  impersonation: z.boolean(),
  expires_at: z.string().nullish(),
  roles: z.array(Reference).optional(),
});

const rolesIn = (roles: readonly { readonly id: string }[]): readonly string[] =>
  roles.map(({ id }) => `role/${id}`).sort(byCodeUnit);

/** HAZARD: made of named properties alone, so that no secret comes along. */
function nativeCredential(user: string, entry: z.infer<typeof CredentialEntry>): NativeObject {
  const body: JsonObject = {
    name: entry.name,
    description: entry.description ?? null,
    user: `user/${user}`,
    project: entry.project_id ? `project/${entry.project_id}` : null,
    roles: rolesIn(entry.roles),
    unrestricted: entry.unrestricted === true,
    hasAccessRules: (entry.access_rules ?? []).length > 0,
    expires_at: entry.expires_at ?? null,
  };
  return { type: 'applicationCredential', id: `${user}/${entry.id}`, body };
}

function nativeTrust(entry: z.infer<typeof TrustEntry>): NativeObject {
  const body: JsonObject = {
    trustor: `user/${entry.trustor_user_id}`,
    trustee: `user/${entry.trustee_user_id}`,
    project: entry.project_id ? `project/${entry.project_id}` : null,
    roles: rolesIn(entry.roles ?? []),
    impersonation: entry.impersonation,
    expires_at: entry.expires_at ?? null,
  };
  return { type: 'trust', id: entry.id, body, opaque: 'a trust lends roles of one user to another' };
}

const trustList: List<z.infer<typeof TrustEntry>> = {
  path: '/OS-TRUST/trusts',
  collection: 'trusts',
  entry: TrustEntry,
};
const trustOf = async (client: KeystoneClient, id: string): Promise<z.infer<typeof TrustEntry> | null> => {
  const path = `${trustList.path}/${encodeURIComponent(id)}`;
  return (await fetchOne(client, path, 'GET /v3/OS-TRUST/trusts/{id}', z.object({ trust: TrustEntry })))?.trust ?? null;
};

const credentialsOf = (user: string): List<z.infer<typeof CredentialEntry>> => ({
  path: `/users/${encodeURIComponent(user)}/application_credentials`,
  collection: 'application_credentials',
  entry: CredentialEntry,
});

const usersAtOnce = 8;

/** Neither is made by us, so no create can meet a twin of it. */
const noTwin: Lookup['findTwin'] = () => Promise.resolve(null);

export interface Inventory {
  readonly collections: readonly Collection[];
  readonly trust: Lookup;
  readonly applicationCredential: Lookup;
}

export function createInventory(clients: Clients, domain: string): Inventory {
  const ownUsers = async (signal?: AbortSignal): Promise<readonly string[]> => {
    const query = `?${new URLSearchParams({ domain_id: domain, limit: String(pageLength) }).toString()}`;
    const users = (await readWhole(clients.ofDomain, listOf('/users', 'users'), query, signal)) ?? [];
    return users
      .filter((user) => (user.domain_id ?? domain) === domain)
      .map(({ id }) => id)
      .sort(byCodeUnit);
  };
  return {
    collections: [
      {
        name: 'trusts',
        nativeType: 'trust',
        async *read(after, signal) {
          const client = await clients.cloudWide();
          const projects = await readProjects(clients.ofDomain, domain, signal);
          const own = new Set(projects.records.map(({ id }) => id));
          const seen = (await readSeen(client, trustList, '', signal)) ?? { records: [], reason: 'unexpectedAnswer' };
          const objects: NativeObject[] = [];
          for (const entry of seen.records) {
            if (!own.has(entry.project_id ?? '')) continue;
            // Only a trust by itself shows its roles. One that ended meanwhile is left out.
            const whole = await trustOf(client, entry.id);
            if (whole) objects.push(nativeTrust(whole));
          }
          yield* batchesOf(objects, after);
          const reason = seen.reason ?? projects.reason;
          return reason === undefined ? {} : { reason };
        },
      },
      {
        name: 'applicationCredentials',
        nativeType: 'applicationCredential',
        async *read(after, signal) {
          const client = await clients.cloudWide();
          // A batch ends behind a user, and ids begin with the user's.
          const left = (await ownUsers(signal)).filter((user) => after === undefined || byCodeUnit(user, after) > 0);
          for (let start = 0; start < left.length; start += usersAtOnce) {
            const users = left.slice(start, start + usersAtOnce);
            const objects: NativeObject[] = [];
            const untold: UntoldPart[] = [];
            const reads = users.map(async (user) => ({
              user,
              seen: await readSeen(client, credentialsOf(user), '', signal),
            }));
            for (const { user, seen } of await Promise.all(reads)) {
              if (seen === null) continue;
              // Who may not read those of one user may read those of none.
              if (seen.reason === 'forbidden') return { reason: seen.reason };
              objects.push(...seen.records.map((entry) => nativeCredential(user, entry)));
              if (seen.reason !== undefined)
                untold.push({ scope: `users/${user}/applicationCredentials`, reason: seen.reason });
            }
            objects.sort((one, other) => byCodeUnit(one.id, other.id));
            yield { objects, after: users.at(-1) ?? '', untold };
          }
          return {};
        },
      },
    ],
    trust: {
      readOne: async (id) => {
        const trust = await trustOf(await clients.cloudWide(), id);
        if (!trust?.project_id) return null;
        const { records } = await readProjects(clients.ofDomain, domain);
        return records.some((project) => project.id === trust.project_id) ? nativeTrust(trust) : null;
      },
      findTwin: noTwin,
    },
    applicationCredential: {
      readOne: async (id) => {
        const [user = '', credential] = id.split('/');
        const seen = await readWhole(await clients.cloudWide(), credentialsOf(user), '');
        const found = seen?.find((entry) => entry.id === credential);
        return found ? nativeCredential(user, found) : null;
      },
      findTwin: noTwin,
    },
  };
}
