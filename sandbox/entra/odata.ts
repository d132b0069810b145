/** The part of OData that Graph offers on directory objects: $select, $filter, $top and skip tokens. */
import type { SandboxAnswer } from '../http/service.js';
import { badRequest, GraphProblem, json, type Call } from './call.js';
import type { EntraObject, Properties } from './state.js';

const userDefaults = [
  'businessPhones',
  'displayName',
  'givenName',
  'jobTitle',
  'mail',
  'mobilePhone',
  'officeLocation',
  'preferredLanguage',
  'surname',
  'userPrincipalName',
  'id',
];

const userSelectable = [
  'accountEnabled',
  'ageGroup',
  'city',
  'companyName',
  'consentProvidedForMinor',
  'country',
  'createdDateTime',
  'creationType',
  'deletedDateTime',
  'department',
  'employeeHireDate',
  'employeeId',
  'employeeLeaveDateTime',
  'employeeOrgData',
  'employeeType',
  'externalUserState',
  'faxNumber',
  'identities',
  'imAddresses',
  'lastPasswordChangeDateTime',
  'legalAgeGroupClassification',
  'mailNickname',
  'onPremisesDistinguishedName',
  'onPremisesDomainName',
  'onPremisesExtensionAttributes',
  'onPremisesImmutableId',
  'onPremisesLastSyncDateTime',
  'onPremisesSamAccountName',
  'onPremisesSecurityIdentifier',
  'onPremisesSyncEnabled',
  'onPremisesUserPrincipalName',
  'otherMails',
  'passwordPolicies',
  'passwordProfile',
  'postalCode',
  'preferredDataLocation',
  'proxyAddresses',
  'securityIdentifier',
  'showInAddressList',
  'signInSessionsValidFromDateTime',
  'state',
  'streetAddress',
  'usageLocation',
  'userType',
];

const groupDefaults = [
  'id',
  'deletedDateTime',
  'classification',
  'createdDateTime',
  'description',
  'displayName',
  'expirationDateTime',
  'groupTypes',
  'isAssignableToRole',
  'mail',
  'mailEnabled',
  'mailNickname',
  'membershipRule',
  'membershipRuleProcessingState',
  'onPremisesDomainName',
  'onPremisesLastSyncDateTime',
  'onPremisesNetBiosName',
  'onPremisesSamAccountName',
  'onPremisesSecurityIdentifier',
  'onPremisesSyncEnabled',
  'preferredDataLocation',
  'preferredLanguage',
  'proxyAddresses',
  'renewedDateTime',
  'resourceBehaviorOptions',
  'resourceProvisioningOptions',
  'securityEnabled',
  'securityIdentifier',
  'theme',
  'uniqueName',
  'visibility',
];

const lists = new Set([
  'businessPhones',
  'groupTypes',
  'proxyAddresses',
  'resourceBehaviorOptions',
  'resourceProvisioningOptions',
  'otherMails',
  'imAddresses',
  'identities',
]);

/** As members of groups and among deleted objects; their own routes show them whole. */
const applicationDefaults = ['id', 'appId', 'displayName', 'deletedDateTime'];

function defaultsOf(kind: EntraObject['kind']): readonly string[] {
  return kind === 'user' ? userDefaults : kind === 'group' ? groupDefaults : applicationDefaults;
}

/** Whether Graph knows the property of this kind of object. */
export function knows(kind: EntraObject['kind'], property: string): boolean {
  return defaultsOf(kind).includes(property) || (kind === 'user' && userSelectable.includes(property));
}

function valueOf(object: EntraObject, property: string): unknown {
  if (property === 'id') return object.id;
  return object.properties[property] ?? (lists.has(property) ? [] : null);
}

/**
 * The object as Graph shows it. HAZARD: without `$select`, employeeId, accountEnabled, department and most others are
 * left out, not null. Properties that the object type does not have are left out silently.
 */
export function show(object: EntraObject, select: readonly string[] | undefined, typed = false): Properties {
  const names = select?.filter((name) => knows(object.kind, name)) ?? defaultsOf(object.kind);
  return {
    ...(typed ? { '@odata.type': `#microsoft.graph.${object.kind}` } : {}),
    ...Object.fromEntries(names.map((name) => [name, valueOf(object, name)])),
  };
}

/** `kind` undefined: objects of several kinds, where each name must be known to one of them. */
export function selectOf(call: Call, kind?: EntraObject['kind']): readonly string[] | undefined {
  const text = call.request.url.searchParams.get('$select');
  if (text === null || text === '') return undefined;
  const names = text.split(',').map((name) => name.trim());
  for (const name of names)
    if (kind ? !knows(kind, name) : !knows('user', name) && !knows('group', name))
      throw new GraphProblem(
        400,
        'BadRequest',
        `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type 'microsoft.graph.${kind ?? 'directoryObject'}'.`,
      );
  return names;
}

const clause = /^(\w+) eq (?:'((?:[^']|'')*)'|(true|false|null))$/i;
const starting = /^startswith\((\w+), *'((?:[^']|'')*)'\)$/i;

type Test = (object: EntraObject) => boolean;

const fold = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

/** Equality and startswith, joined by `and`; texts compare regardless of case, as in Graph. */
export function filterOf(call: Call, kind: EntraObject['kind']): Test {
  const text = call.request.url.searchParams.get('$filter');
  if (text === null || text === '') return () => true;
  // `and` inside a quoted text must not split it.
  const parts = text.split(/ and (?=(?:[^']*'[^']*')*[^']*$)/i);
  const tests = parts.map((part): Test => {
    const equal = clause.exec(part.trim());
    const start = starting.exec(part.trim());
    const property = equal?.[1] ?? start?.[1];
    if (property === undefined || !knows(kind, property))
      throw new GraphProblem(
        400,
        'Request_UnsupportedQuery',
        `Unsupported or invalid query filter clause specified for property '${property ?? part}' of resource '${kind}'.`,
      );
    if (start) {
      const prefix = (start[2] ?? '').replaceAll("''", "'").toLowerCase();
      return (object) => {
        const value = fold(valueOf(object, property));
        return typeof value === 'string' && value.startsWith(prefix);
      };
    }
    const word = equal?.[3]?.toLowerCase();
    const wanted =
      word === undefined ? (equal?.[2] ?? '').replaceAll("''", "'").toLowerCase() : (JSON.parse(word) as unknown);
    return (object) => fold(valueOf(object, property)) === wanted;
  });
  return (object) => tests.every((test) => test(object));
}

/** One page in the order of ids; the skip token names the last one shown. Default size 100, at most 999. */
export function pageAnswer(
  call: Call,
  context: string,
  objects: readonly EntraObject[],
  render: (object: EntraObject) => unknown,
): SandboxAnswer {
  const query = call.request.url.searchParams;
  const top = Number(query.get('$top') ?? 100);
  if (!Number.isInteger(top) || top < 1 || top > 999)
    throw badRequest(`Invalid page size specified: '${query.get('$top')}'. Must be between 1 and 999 inclusive.`);
  const token = query.get('$skiptoken') ?? query.get('$skipToken');
  let from = 0;
  if (token !== null) {
    const last = /^RFNwdAoAAQ(.+)$/.exec(token)?.[1];
    const id = last === undefined ? '' : Buffer.from(last, 'base64url').toString('utf8');
    if (!/^[0-9a-f-]{36}$/.test(id))
      throw new GraphProblem(
        400,
        'Directory_ExpiredPageToken',
        'The specified page token value has expired and can no longer be included in your request.',
      );
    from = objects.findIndex((object) => object.id > id);
    if (from < 0) from = objects.length;
  }
  const shown = objects.slice(from, from + top);
  const last = shown.at(-1);
  let next: string | undefined;
  if (from + top < objects.length && last) {
    const url = new URL(call.request.url.href);
    url.searchParams.set('$skiptoken', `RFNwdAoAAQ${Buffer.from(last.id, 'utf8').toString('base64url')}`);
    next = url.href;
  }
  return json(200, {
    '@odata.context': `${call.request.url.origin}/v1.0/$metadata#${context}`,
    ...(next === undefined ? {} : { '@odata.nextLink': next }),
    value: shown.map(render),
  });
}
