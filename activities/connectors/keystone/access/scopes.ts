/**
 * The places where roles count: the domain of the mesh, its projects, and the system.
 * https://docs.openstack.org/api-ref/identity/v3/#domains, #projects
 */
import { z } from 'zod';
import { byCodeUnit, type JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import { KeystoneRecord, plainBody } from '../body.js';
import type { KeystoneClient } from '../client.js';
import { batchesOf, type Collection, type Lookup } from '../collection.js';
import { fetchOne } from '../fetch.js';
import { listOf, pageLength, readSeen, readWhole, type Seen } from '../page.js';

const DomainAnswer = z.object({ domain: KeystoneRecord });
const ProjectAnswer = z.object({ project: KeystoneRecord });

/** The system has neither name nor attributes: one constant place. */
export const systemObject: NativeObject = { type: 'system', id: 'all', body: { name: 'system' } };

/** Keystone keeps the id that a domain was made with as an attribute of it. */
function withoutRequestWords(body: JsonObject): JsonObject {
  const { explicit_domain_id: _, ...rest } = body;
  return rest;
}

function nativeDomain(record: KeystoneRecord): NativeObject {
  return { type: 'domain', id: record.id, body: withoutRequestWords(plainBody(record, ['tags'])) };
}

function nativeProject(record: KeystoneRecord): NativeObject {
  const { is_domain: _, tags, ...body } = plainBody(record, []);
  const sorted = Array.isArray(tags) ? [...tags].map(String).sort(byCodeUnit) : [];
  return { type: 'project', id: record.id, body: sorted.length === 0 ? body : { ...body, tags: sorted } };
}

/** The projects of the domain, as far as they are shown. */
export async function readProjects(
  client: KeystoneClient,
  domain: string,
  signal?: AbortSignal,
): Promise<Seen<KeystoneRecord>> {
  const query = `?${new URLSearchParams({ domain_id: domain, limit: String(pageLength) }).toString()}`;
  const seen = await readSeen(client, listOf('/projects', 'projects'), query, signal);
  if (seen === null) return { records: [], reason: 'unexpectedAnswer' };
  return { ...seen, records: seen.records.filter((record) => record.domain_id === domain && !isDomain(record)) };
}

/** A domain is a project that acts as one; Keystone shows it as such where it is asked for by its id. */
const isDomain = (record: KeystoneRecord): boolean => record['is_domain'] === true;

export interface Scopes {
  readonly collections: readonly Collection[];
  readonly domain: Lookup;
  readonly project: Lookup;
  readonly system: Lookup;
}

export function createScopes(client: KeystoneClient, domain: string): Scopes {
  const readDomain = async (): Promise<NativeObject | null> => {
    const answer = await fetchOne(
      client,
      `/domains/${encodeURIComponent(domain)}`,
      'GET /v3/domains/{id}',
      DomainAnswer,
    );
    return answer && nativeDomain(answer.domain);
  };
  const collections: readonly Collection[] = [
    {
      name: 'domains',
      nativeType: 'domain',
      async *read(after) {
        const found = await readDomain();
        if (found === null) return { reason: 'scopeNotFound' };
        yield* batchesOf([found], after);
        return {};
      },
    },
    {
      name: 'projects',
      nativeType: 'project',
      async *read(after, signal) {
        const seen = await readProjects(client, domain, signal);
        yield* batchesOf(seen.records.map(nativeProject), after);
        return seen.reason === undefined ? {} : { reason: seen.reason };
      },
    },
    {
      name: 'systems',
      nativeType: 'system',
      async *read(after) {
        yield* batchesOf([systemObject], after);
        return {};
      },
    },
  ];
  return {
    collections,
    // Neither is made by us, so no create can meet a twin of it.
    domain: {
      readOne: async (id) => (id === domain ? readDomain() : null),
      findTwin: () => Promise.resolve(null),
    },
    system: {
      readOne: (id) => Promise.resolve(id === systemObject.id ? systemObject : null),
      findTwin: () => Promise.resolve(null),
    },
    project: {
      readOne: async (id) => {
        const path = `/projects/${encodeURIComponent(id)}`;
        const answer = await fetchOne(client, path, 'GET /v3/projects/{id}', ProjectAnswer);
        // HAZARD: role admin on one domain reads the projects of all.
        if (answer === null || answer.project.domain_id !== domain || isDomain(answer.project)) return null;
        return nativeProject(answer.project);
      },
      findTwin: (after) => findProject(client, domain, after),
    },
  };
}

async function findProject(client: KeystoneClient, domain: string, after: JsonObject): Promise<NativeObject | null> {
  const { name } = after;
  if (typeof name !== 'string' || name === '') return null;
  const query = `?${new URLSearchParams({ domain_id: domain, name }).toString()}`;
  const found = (await readWhole(client, listOf('/projects', 'projects'), query)) ?? [];
  const own = found.filter((record) => record.domain_id === domain && !isDomain(record));
  const folded = name.toLowerCase();
  const twin =
    own.find((record) => record['name'] === name) ??
    own.find((record) => typeof record['name'] === 'string' && record['name'].toLowerCase() === folded);
  return twin ? nativeProject(twin) : null;
}
