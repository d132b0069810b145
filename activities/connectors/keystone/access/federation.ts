/**
 * Identity providers, their protocols and the mappings these name, as the workloads that they let in.
 * https://docs.openstack.org/api-ref/identity/v3-ext/#os-federation-api
 */
import { z } from 'zod';
import { ConcordatError } from '../../../../core/errors.js';
import { isJsonObject, type Json, type JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Clients } from '../clients.js';
import type { KeystoneClient } from '../client.js';
import { batchesOf, type Collection, type Lookup } from '../collection.js';
import { idOfRule, MappingRule, nativeRule, type Place, type Provider } from './mapping-rule.js';
import { listOf, pageLength, readWhole, type List } from '../page.js';

const ProviderEntry = z.object({
  id: z.string().min(1),
  domain_id: z.string().nullish(),
  enabled: z.boolean().default(false),
  remote_ids: z.array(z.string()).default([]),
});
const ProtocolEntry = z.object({ id: z.string().min(1), mapping_id: z.string() });
const MappingEntry = z.object({ id: z.string().min(1), rules: z.array(MappingRule) });

const providerList: List<z.infer<typeof ProviderEntry>> = {
  path: '/OS-FEDERATION/identity_providers',
  collection: 'identity_providers',
  entry: ProviderEntry,
};
const mappingList: List<z.infer<typeof MappingEntry>> = {
  path: '/OS-FEDERATION/mappings',
  collection: 'mappings',
  entry: MappingEntry,
};
const protocolList = (provider: string): List<z.infer<typeof ProtocolEntry>> => ({
  path: `${providerList.path}/${encodeURIComponent(provider)}/protocols`,
  collection: 'protocols',
  entry: ProtocolEntry,
});

export interface Rule {
  readonly place: Place;
  readonly rule: MappingRule;
}

export interface Federation {
  readonly providers: readonly Provider[];
  readonly rules: readonly Rule[];
  /** The rules of each mapping, whether a protocol names it or not. */
  readonly mappings: ReadonlyMap<string, readonly MappingRule[]>;
  /** The mapping of each protocol, by `<identity provider>/<protocol>`. */
  readonly protocols: ReadonlyMap<string, string>;
}

/** Throws ConcordatError: half of it would make rules of no provider, or providers without rules. */
export async function readFederation(client: KeystoneClient, signal?: AbortSignal): Promise<Federation> {
  const listed = async <Entry>(list: List<Entry>): Promise<readonly Entry[]> =>
    (await readWhole(client, list, '', signal)) ?? [];
  const providers = (await listed(providerList)).map(({ id, domain_id: domain, enabled, remote_ids: remoteIds }) => ({
    id,
    domain: domain ?? '',
    enabled,
    remoteIds,
  }));
  const mappings = new Map((await listed(mappingList)).map(({ id, rules }) => [id, rules]));
  const protocols = new Map<string, string>();
  const rules: Rule[] = [];
  for (const provider of providers)
    for (const { id: protocol, mapping_id: mapping } of await listed(protocolList(provider.id))) {
      protocols.set(`${provider.id}/${protocol}`, mapping);
      // A protocol whose mapping is gone lets nobody in.
      for (const rule of mappings.get(mapping) ?? []) rules.push({ place: { provider, protocol, mapping }, rule });
    }
  return { providers, rules, mappings, protocols };
}

/** Whether a rule concerns the domain: its provider does, or it leads to a user or group there. */
function concerns(domain: string, groups: ReadonlySet<string>): (rule: Rule) => boolean {
  const leadsHere = (part: Json): boolean => {
    if (!isJsonObject(part)) return false;
    return Object.entries(part).some(([name, value]) => {
      if (name === 'domain' && isJsonObject(value) && value['id'] === domain) return true;
      if (name === 'group' && isJsonObject(value) && [...groups].some((id) => value['id'] === id)) return true;
      if (name === 'group_ids' && typeof value === 'string') return true;
      return leadsHere(value);
    });
  };
  return ({ place, rule }) => place.provider.domain === domain || rule.local.some(leadsHere);
}

export function createMappingRules(
  clients: Clients,
  domain: string,
): { readonly collection: Collection; readonly lookup: Lookup } {
  const rulesHere = async (signal?: AbortSignal): Promise<readonly NativeObject[]> => {
    const { rules } = await readFederation(await clients.cloudWide(), signal);
    const query = `?${new URLSearchParams({ domain_id: domain, limit: String(pageLength) }).toString()}`;
    const groups = (await readWhole(clients.ofDomain, listOf('/groups', 'groups'), query, signal)) ?? [];
    const here = rules.filter(concerns(domain, new Set(groups.map(({ id }) => id))));
    // A rule that stands twice in its mapping is one and the same.
    const byId = new Map(here.map(({ place, rule }) => [idOfRule(place, rule), nativeRule(place, rule, domain)]));
    return [...byId.values()];
  };
  return {
    collection: {
      name: 'mappingRules',
      nativeType: 'mappingRule',
      async *read(after, signal) {
        yield* batchesOf(await rulesHere(signal), after);
        return {};
      },
    },
    lookup: {
      readOne: async (id) => (await rulesHere()).find((rule) => rule.id === id) ?? null,
      /** The rule that lets the same workload in. */
      findTwin: async (after) => {
        const found = (await rulesHere()).filter(({ opaque, body }) => opaque === undefined && isSame(body, after));
        if (found.length > 1)
          throw new ConcordatError('unexpectedAnswer', 'more than one rule lets the same workload in');
        return found[0] ?? null;
      },
    },
  };
}

function isSame(body: JsonObject, after: JsonObject): boolean {
  return body['issuer'] === after['issuer'] && body['subject'] === after['subject'];
}
