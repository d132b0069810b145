/** What Graph accepts as values of the properties of users and groups. */
import { badRequest } from './call.js';
import { knows } from './odata.js';
import type { EntraState, Properties } from './state.js';

/** in UTF-16 code units, from the resource pages of Microsoft Graph */
const maximum: Readonly<Record<'user' | 'group', Readonly<Record<string, number>>>> = {
  user: {
    displayName: 256,
    givenName: 64,
    surname: 64,
    mailNickname: 64,
    userPrincipalName: 113,
    department: 64,
    jobTitle: 128,
    companyName: 64,
    officeLocation: 128,
    employeeId: 16,
    city: 128,
    mail: 256,
  },
  group: { displayName: 256, description: 1024, mailNickname: 64, uniqueName: 256 },
};

const booleans = new Set(['accountEnabled', 'mailEnabled', 'securityEnabled', 'isAssignableToRole']);
const readOnly = new Set(['id', 'createdDateTime', 'deletedDateTime', 'onPremisesSyncEnabled', 'proxyAddresses']);
const neverNull = new Set([
  'displayName',
  'userPrincipalName',
  'mailNickname',
  'accountEnabled',
  'mailEnabled',
  'securityEnabled',
]);
const structured = new Set([
  'passwordProfile',
  'groupTypes',
  'businessPhones',
  'otherMails',
  'identities',
  'employeeOrgData',
  'onPremisesExtensionAttributes',
]);

const resource = { user: 'User', group: 'Group' } as const;

const invalid = (kind: 'user' | 'group', property: string): Error =>
  badRequest(`Invalid value specified for property '${property}' of resource '${resource[kind]}'.`);

/** Throws a GraphProblem unless Graph would take every value; annotations such as `members@odata.bind` are left out. */
export function checkedProperties(state: EntraState, kind: 'user' | 'group', body: Properties): Properties {
  const taken: Properties = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.includes('@odata.')) continue;
    if (!knows(kind, name))
      throw badRequest(`Property '${name}' does not exist as a declared property or extension property.`);
    if (readOnly.has(name)) throw badRequest(`Property '${name}' is read-only and cannot be set.`);
    if (value === null) {
      if (neverNull.has(name)) throw invalid(kind, name);
    } else if (booleans.has(name)) {
      if (typeof value !== 'boolean') throw invalid(kind, name);
    } else if (!structured.has(name)) {
      const limit = maximum[kind][name];
      // An empty text is refused; null clears.
      if (typeof value !== 'string' || value === '' || (limit !== undefined && value.length > limit))
        throw invalid(kind, name);
      if (name === 'mail' && !/^[^@\s]+@[^@\s]+$/.test(value)) throw invalid(kind, name);
      if (name === 'mailNickname' && !/^[\x21-\x7e]+$/.test(value)) throw invalid(kind, name);
      if (name === 'mailNickname' && /[@()\\[\]";:<>, ]/.test(value)) throw invalid(kind, name);
      if (name === 'userPrincipalName') checkPrincipalName(state, value);
    }
    // Passwords are taken and never shown.
    if (name !== 'passwordProfile') taken[name] = value;
  }
  return taken;
}

function checkPrincipalName(state: EntraState, name: string): void {
  const [, local = '', domain = ''] = /^([^@]+)@([^@]+)$/.exec(name) ?? [];
  if (!/^[A-Za-z0-9'._!#^~-]+$/.test(local)) throw invalid('user', 'userPrincipalName');
  if (!state.domains.includes(domain.toLowerCase()))
    throw badRequest(
      'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
    );
}

export function requireProperties(kind: 'user' | 'group', body: Properties, names: readonly string[]): void {
  for (const name of names)
    if (body[name] === undefined || body[name] === null)
      throw badRequest(`A value is required for property '${name}' of resource '${resource[kind]}'.`);
}
