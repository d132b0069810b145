/**
 * Rules of a Keystone mapping: which of them say that one workload, known by issuer and subject, is one local user.
 * https://docs.openstack.org/keystone/latest/admin/federation/mapping_combinations.html
 */
import { z } from 'zod';
import { digestOf } from '../../../../core/digest.js';
import { isJsonObject, Json, type JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';

/** The least of a rule; a rule of any other shape is kept as it is. */
export const MappingRule = z.looseObject({ local: z.array(Json), remote: z.array(Json) });
export type MappingRule = z.infer<typeof MappingRule>;

export interface Provider {
  readonly id: string;
  readonly domain: string;
  readonly enabled: boolean;
  readonly remoteIds: readonly string[];
}

/** Where a rule stands: a protocol of an identity provider names the mapping that holds it. */
export interface Place {
  readonly provider: Provider;
  readonly protocol: string;
  readonly mapping: string;
}

/** What web servers call the claims `sub` and `iss` of a token: mod_auth_openidc, its older releases, and the claims themselves. */
export const subjectAttributes: readonly string[] = ['HTTP_OIDC_SUB', 'OIDC-sub', 'OIDC_CLAIM_sub', 'sub'];
export const issuerAttributes: readonly string[] = ['HTTP_OIDC_ISS', 'OIDC-iss', 'OIDC_CLAIM_iss', 'iss'];

interface Understood {
  readonly issuer: string;
  readonly subject: string;
  readonly local: JsonObject;
}

const ExactCondition = z.strictObject({
  type: z.string(),
  any_one_of: z.tuple([z.string()]),
  regex: z.literal(false).optional(),
});
/** Only carries a value to `{0}`. */
const Capture = z.strictObject({ type: z.string() });

const Place = z.union([z.strictObject({ id: z.string() }), z.strictObject({ name: z.string() })]);
const LocalUser = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  email: z.string().optional(),
  domain: Place.optional(),
  type: z.enum(['ephemeral', 'local']).optional(),
});
const LocalGroup = z.union([z.strictObject({ id: z.string() }), z.strictObject({ name: z.string(), domain: Place })]);
const LocalPart = z.strictObject({ user: LocalUser.optional(), group: LocalGroup.optional() });

type Reading = Understood | { readonly opaque: string };

const otherIssuer = 'the rule and the identity provider name different issuers';

/** Reasons hold no values: they are shown to peers. */
export function readRule(rule: MappingRule, { remoteIds }: Provider): Reading {
  const unknownKeys = Object.keys(rule).filter((name) => name !== 'local' && name !== 'remote');
  if (unknownKeys.length > 0) return { opaque: 'the rule has parts that are not known' };
  const [issuer, ...others] = remoteIds;
  // HAZARD: without remote ids Keystone takes assertions of every issuer.
  if (issuer === undefined) return { opaque: 'the identity provider accepts every issuer' };
  if (others.length > 0) return { opaque: 'the identity provider accepts more than one issuer' };

  const subjects: string[] = [];
  let captures = 0;
  for (const each of rule.remote) {
    const exact = ExactCondition.safeParse(each);
    if (exact.success && subjectAttributes.includes(exact.data.type)) subjects.push(exact.data.any_one_of[0]);
    else if (exact.success && issuerAttributes.includes(exact.data.type)) {
      if (exact.data.any_one_of[0] !== issuer) return { opaque: otherIssuer };
    } else if (subjectAttributes.includes(Capture.safeParse(each).data?.type ?? '')) captures += 1;
    else return { opaque: 'the rule has a condition beyond one issuer and one subject' };
  }
  const [subject] = subjects;
  if (subject === undefined) return { opaque: 'the rule names no subject' };
  if (subjects.length > 1) return { opaque: 'the rule names more than one subject' };

  const local = readLocal(rule.local, captures);
  return local === null ? { opaque: 'the rule leads to more than one user and one group' } : { issuer, subject, local };
}

/** One user, and at most one group; null for anything else. */
function readLocal(parts: readonly Json[], captures: number): JsonObject | null {
  const users: JsonObject[] = [];
  const groups: JsonObject[] = [];
  for (const part of parts) {
    if (!LocalPart.safeParse(part).success || !isJsonObject(part)) return null;
    const { user, group } = part;
    if (isJsonObject(user)) users.push(user);
    if (isJsonObject(group)) groups.push(group);
  }
  const [user] = users;
  const [group] = groups;
  if (!user || users.length > 1 || groups.length > 1) return null;
  if (user['id'] === undefined && user['name'] === undefined) return null;
  // `{0}` is the subject; a number beyond what is captured makes Keystone refuse whoever signs in.
  const slots = JSON.stringify(parts).match(/\{\d*\}/g) ?? [];
  if (slots.some((slot) => slot !== '{0}') || (slots.length > 0 && captures === 0)) return null;
  return { user, ...(group ? { group } : {}) };
}

/** Names a rule by what it is: the place of a rule in its mapping moves when another goes. */
export function ruleKey(rule: MappingRule): string {
  return digestOf({ local: rule.local, remote: rule.remote, rest: rest(rule) }).slice(0, 16);
}

function rest(rule: MappingRule): JsonObject {
  const { local: _, remote: __, ...others } = rule;
  return others as JsonObject;
}

export function idOfRule({ provider, protocol, mapping }: Place, rule: MappingRule): string {
  return `${provider.id}/${protocol}/${mapping}/${ruleKey(rule)}`;
}

/** `domain`: that of the mesh. A rule of an identity provider of another domain is shown and never touched. */
export function nativeRule(place: Place, rule: MappingRule, domain: string): NativeObject {
  const { provider, protocol, mapping } = place;
  const read = readRule(rule, provider);
  const known = { identityProvider: provider.id, protocol, mapping, enabled: provider.enabled };
  const whole = { type: 'mappingRule', id: idOfRule(place, rule) };
  if ('opaque' in read || provider.domain !== domain) {
    const reason = 'opaque' in read ? read.opaque : 'the identity provider belongs to another domain';
    const body = { ...known, remoteIds: [...provider.remoteIds], rule: rule as JsonObject };
    return { ...whole, body, opaque: reason };
  }
  return { ...whole, body: { ...known, issuer: read.issuer, subject: read.subject, local: read.local } };
}
