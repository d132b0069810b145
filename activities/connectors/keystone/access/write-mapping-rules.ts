/**
 * Letting a workload in and out: an identity provider for its issuer, a mapping with a rule for its subject, and a protocol
 * that joins them.
 * https://docs.openstack.org/api-ref/identity/v3-ext/#os-federation-api
 *
 * HAZARD: Keystone replaces the rules of a mapping as a whole and knows no condition on that. They are read right before;
 * whoever changes them in between is overwritten.
 */
import { digestOf } from '../../../../core/digest.js';
import { isJsonObject, type Json, type JsonObject } from '../../../../core/json.js';
import type { NativeWrite, WriteAnswer } from '../../connector.js';
import type { Clients } from '../clients.js';
import { readFederation, type Federation, type Rule } from './federation.js';
import {
  idOfRule,
  issuerAttributes,
  nativeRule,
  readRule,
  ruleKey,
  subjectAttributes,
  type MappingRule,
  type Place,
  type Provider,
} from './mapping-rule.js';
import { refused, sendInOrder, type PlannedRequest, type Sending } from '../request.js';

type Write = NativeWrite<'mappingRule'>;

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A name that two runs, and two authorities, choose alike. */
const ownName = (...of: readonly string[]): string => `concordat-${digestOf({ of }).slice(0, 16)}`;

const providerPath = (id: string): string => `/OS-FEDERATION/identity_providers/${encodeURIComponent(id)}`;
const mappingPath = (id: string): string => `/OS-FEDERATION/mappings/${encodeURIComponent(id)}`;

function request(
  method: PlannedRequest['method'],
  template: string,
  target: string,
  path: string,
  body?: JsonObject,
): PlannedRequest {
  const call = {
    call: `${method} /v3/OS-FEDERATION${template}`,
    target,
    arguments: Object.values(body ?? {})[0] ?? {},
  };
  return { call: call as PlannedRequest['call'], method, path: () => path, ...(body ? { body } : {}) };
}

/** The rule in the form that readRule understands. */
function ruleOf(issuer: string, subject: string, local: JsonObject, others: readonly MappingRule[]): MappingRule {
  // The web server before Keystone names the claims; a rule that is there already says how.
  const named = others
    .flatMap(({ remote }) => remote)
    .flatMap((each) => (isJsonObject(each) ? [each['type']] : []))
    .filter((name) => typeof name === 'string');
  const subjectAttribute = named.find((name) => subjectAttributes.includes(name)) ?? subjectAttributes[0] ?? '';
  const issuerAttribute = named.find((name) => issuerAttributes.includes(name)) ?? issuerAttributes[0] ?? '';
  return {
    local: Object.entries(local).map(([name, value]) => ({ [name]: value })),
    remote: [
      { type: subjectAttribute },
      { type: subjectAttribute, any_one_of: [subject] },
      { type: issuerAttribute, any_one_of: [issuer] },
    ],
  };
}

interface Creation {
  readonly place: Place;
  readonly rule: MappingRule;
  readonly requests: readonly PlannedRequest[];
}

function isShared(
  mapping: string,
  { provider, protocol }: Pick<Place, 'provider' | 'protocol'>,
  all: Federation,
): boolean {
  const own = `${provider.id}/${protocol}`;
  return [...all.protocols].some(([name, used]) => used === mapping && name !== own);
}

function planCreation(domain: string, after: JsonObject, all: Federation): Creation | WriteAnswer {
  const issuer = text(after['issuer']);
  const subject = text(after['subject']);
  if (issuer === undefined || subject === undefined)
    return refused('valueNotRepresentable', 'a workload needs an issuer and a subject');
  const named = text(after['identityProvider']);
  const found = all.providers.find(({ id, remoteIds }) =>
    named === undefined ? remoteIds.includes(issuer) : id === named,
  );
  if (found && found.domain !== domain)
    return refused('wrongAccount', 'the identity provider of this issuer belongs to another domain');
  if (found && (found.remoteIds.length !== 1 || found.remoteIds[0] !== issuer))
    return refused('valueNotRepresentable', 'the identity provider does not stand for this issuer alone');
  const provider: Provider = found ?? {
    id: named ?? ownName(issuer),
    domain,
    enabled: after['enabled'] !== false,
    remoteIds: [issuer],
  };
  const known = [...all.protocols.keys()].filter((name) => name.startsWith(`${provider.id}/`));
  const protocol = text(after['protocol']) ?? known[0]?.slice(provider.id.length + 1) ?? 'openid';
  const joined = all.protocols.get(`${provider.id}/${protocol}`);
  const mapping = joined ?? text(after['mapping']) ?? ownName(provider.id, protocol);
  if (isShared(mapping, { provider, protocol }, all))
    return refused('valueNotRepresentable', 'other protocols use the mapping, and would let the workload in too');
  const others = all.mappings.get(mapping) ?? [];
  const given = after['local'];
  const local = isJsonObject(given) ? given : { user: { name: '{0}' } };
  const rule = ruleOf(issuer, subject, local, others);
  const place = { provider, protocol, mapping };
  const read = readRule(rule, provider);
  if ('opaque' in read) return refused('valueNotRepresentable', read.opaque);
  const twin = others
    .map((other) => readRule(other, provider))
    .some((other) => 'subject' in other && other.subject === subject);
  if (twin) return { kind: 'conflict', code: 'nameTaken', detail: 'a rule lets this workload in already' };
  const rules = [...others, rule] as unknown as Json;
  const remote: JsonObject = { domain_id: domain, enabled: provider.enabled, remote_ids: [issuer] };
  return {
    place,
    rule,
    requests: [
      ...(found
        ? []
        : [
            request('PUT', '/identity_providers/{id}', provider.id, providerPath(provider.id), {
              identity_provider: remote,
            }),
          ]),
      request(all.mappings.has(mapping) ? 'PATCH' : 'PUT', '/mappings/{id}', mapping, mappingPath(mapping), {
        mapping: { rules },
      }),
      ...(joined === undefined
        ? [
            request(
              'PUT',
              '/identity_providers/{id}/protocols/{id}',
              `${provider.id}/${protocol}`,
              `${providerPath(provider.id)}/protocols/${encodeURIComponent(protocol)}`,
              { protocol: { mapping_id: mapping } },
            ),
          ]
        : []),
    ],
  };
}

function planDeletion(domain: string, id: string, all: Federation): readonly PlannedRequest[] | WriteAnswer {
  const found = all.rules.find(({ place, rule }: Rule) => idOfRule(place, rule) === id);
  if (!found) return { kind: 'conflict', code: 'expectationFailed', detail: 'the rule is gone' };
  const { place, rule } = found;
  if (nativeRule(place, rule, domain).opaque !== undefined)
    return refused('readOnlyObject', 'the rule is more than one workload of this domain');
  const { provider, protocol, mapping } = place;
  if (isShared(mapping, place, all)) return refused('deletionBlocked', 'other protocols use the mapping');
  const key = ruleKey(rule);
  const rest = (all.mappings.get(mapping) ?? []).filter((other) => ruleKey(other) !== key);
  if (rest.length > 0)
    return [
      request('PATCH', '/mappings/{id}', mapping, mappingPath(mapping), {
        mapping: { rules: rest as unknown as Json },
      }),
    ];
  // A mapping without rules is none. The provider stays: without a protocol it lets nobody in.
  return [
    request(
      'DELETE',
      '/identity_providers/{id}/protocols/{id}',
      `${provider.id}/${protocol}`,
      `${providerPath(provider.id)}/protocols/${encodeURIComponent(protocol)}`,
    ),
    request('DELETE', '/mappings/{id}', mapping, mappingPath(mapping)),
  ];
}

/** What a review shows: which of it is needed depends on what is there, so each call says so. */
export function plannedMappingRule(write: Write): readonly PlannedRequest['call'][] {
  switch (write.kind) {
    case 'create': {
      const { issuer, subject, local, identityProvider, protocol, mapping } = write.after;
      const target = text(identityProvider) ?? text(issuer) ?? '';
      const words = { ...(issuer === undefined ? {} : { issuer }), ...(subject === undefined ? {} : { subject }) };
      return [
        {
          call: 'PUT /v3/OS-FEDERATION/identity_providers/{id} (where absent)',
          target,
          arguments: issuer === undefined ? {} : { remote_ids: [issuer] },
        },
        {
          call: 'PUT or PATCH /v3/OS-FEDERATION/mappings/{id} (as attached)',
          target: text(mapping) ?? target,
          arguments: { ...words, ...(local === undefined ? {} : { local }) },
        },
        {
          call: 'PUT /v3/OS-FEDERATION/identity_providers/{id}/protocols/{id} (where absent)',
          target,
          arguments: protocol === undefined ? {} : { protocol },
        },
      ];
    }
    case 'update':
      return [];
    case 'delete':
      return [
        {
          call: 'PATCH /v3/OS-FEDERATION/mappings/{id} (as attached)',
          target: text(write.before['mapping']) ?? write.id,
          arguments: { withoutRule: write.id },
        },
      ];
  }
}

export async function writeMappingRule(
  clients: Clients,
  domain: string,
  write: Write,
  announce: Sending['announce'],
): Promise<WriteAnswer> {
  if (write.kind === 'update') return refused('readOnlyObject', 'a rule is made or removed, never changed');
  const client = await clients.cloudWide();
  const all = await readFederation(client);
  if (write.kind === 'create') {
    const creation = planCreation(domain, write.after, all);
    if ('kind' in creation) return creation;
    const id = idOfRule(creation.place, creation.rule);
    return sendInOrder({ client, requests: creation.requests, id, announce });
  }
  const requests = planDeletion(domain, write.id, all);
  return 'kind' in requests ? requests : sendInOrder({ client, requests, id: write.id, announce });
}
