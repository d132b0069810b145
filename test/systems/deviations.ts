/**
 * Every known deviation of a system that stands in for a cloud. Each is held to be true by a test where it can be asked for:
 * an entry that a new version of the system mends fails there. Printed as one table at the end of the system tests.
 */
import type { Deviation } from '../conformance/world.js';
import { deviations as ofEntraEmulator } from '../support/systems/entra-emulator.js';
import { deviations as ofKeystone } from '../support/systems/keystone.js';
import { deviations as ofMoto } from '../support/systems/moto.js';
import { mapDeviations } from './support/maps-for-the-emulator.js';

export const motoCases: readonly Deviation[] = [
  {
    kind: 'case',
    case: 'a probe with a wrong secret says that the credentials are rejected',
    why: 'moto checks neither key nor signature',
    allowedBecause: 'the sandbox checks the signature as AWS does',
  },
  {
    kind: 'case',
    case: 'a rename keeps id and properties and frees the old name',
    why: 'UpdateUser drops all tags',
    allowedBecause: 'the IAM user guide: a renamed user keeps what is attached, tags among it',
  },
  {
    kind: 'case',
    case: 'a rename to a taken name is a conflict and changes nothing',
    why: 'UpdateUser replaces the user that had the name',
    allowedBecause: 'the IAM API reference: UpdateUser answers EntityAlreadyExists',
  },
  {
    kind: 'case',
    case: 'a name in another case is taken exactly where the cloud ignores case',
    why: 'moto compares names with regard to case',
    allowedBecause: 'the IAM API reference: names are unique within the account regardless of case',
  },
];

export const entraEmulatorCases: readonly Deviation[] = [
  {
    kind: 'property',
    type: 'group',
    property: 'uniqueName',
    treatment: 'notWritten',
    why: "PATCH /groups(uniqueName='…') answers 404",
    allowedBecause: 'the Graph reference, Upsert group: the request creates where it prefers create-if-missing',
  },
  {
    kind: 'property',
    type: 'group',
    property: 'mailNickname',
    treatment: 'notKept',
    why: 'it is taken and never shown again',
    allowedBecause: 'the Graph reference, group resource: returned by default',
  },
  {
    kind: 'property',
    type: 'user',
    property: 'mailNickname',
    treatment: 'notKept',
    why: 'it is taken and never shown again',
    allowedBecause: 'the Graph reference, user resource: returned where $select names it',
  },
  {
    kind: 'case',
    case: 'a probe with good credentials names who we are and misses no permission',
    why: 'tokens carry an empty list of roles, and everything is allowed nevertheless',
    allowedBecause: 'Entra writes consented application permissions into the token',
  },
  {
    kind: 'case',
    case: 'the twin of a body is the object that holds its name',
    why: 'a group keeps neither uniqueName nor mailNickname, by which Entra would find it',
    allowedBecause: 'the sandbox and Entra keep both',
  },
  {
    kind: 'case',
    case: 'a name with characters that queries use is found as it is',
    why: 'a doubled quote in $filter is not read as one quote',
    allowedBecause: 'OData 4.01, URL conventions, section 5.1.1.6.1: a quote within a string literal is doubled',
  },
  {
    kind: 'case',
    case: 'a property that is cleared is empty afterwards',
    why: 'PATCH with null leaves the old value',
    allowedBecause: 'the Graph reference, Update user: null clears',
  },
  {
    kind: 'case',
    case: 'a name in another case is taken exactly where the cloud ignores case',
    why: 'userPrincipalName is unique with regard to case',
    allowedBecause: 'in Entra principal names are unique regardless of case',
  },
  {
    kind: 'case',
    case: 'an app role is granted to a user once, and taken back',
    why: 'GET /users/{id}/appRoleAssignments answers 404, and the same assignment is made a second time',
    allowedBecause: 'the Graph reference, List appRoleAssignments granted to a user; Entra refuses the second one',
  },
  {
    kind: 'case',
    case: 'an app role is granted to a group once, and taken back',
    why: 'a principal that is no user is held to be a service principal, unless the body says a principalType that Graph does not know',
    allowedBecause: 'the Graph reference, Grant an appRoleAssignment: three ids are sent, principalType is read-only',
  },
  {
    kind: 'case',
    case: 'a directory role is granted to a user once, and taken back',
    why: 'the same assignment is made a second time under another id',
    allowedBecause: 'Entra answers 400, a conflicting object is present in the directory',
  },
  {
    kind: 'case',
    case: 'a directory role is granted to a group that was created for it',
    why: 'isAssignableToRole is taken and never shown again',
    allowedBecause: 'the Graph reference, group resource: returned by default, and set only at creation',
  },
  {
    kind: 'case',
    case: 'a workload with a unique name is made once, however often it is created',
    why: "PATCH and GET /applications(uniqueName='…') answer 404",
    allowedBecause: 'the Graph reference, Upsert application: the request creates where it prefers create-if-missing',
  },
  {
    kind: 'case',
    case: 'an application trusts issuer and subject once',
    why: 'a second credential of the same issuer and subject is made under another name',
    allowedBecause: 'the Graph reference, federatedIdentityCredential: the combination must be unique on the app',
  },
  {
    kind: 'case',
    case: 'the deleted application of a workload comes back under the id it had, and the workload with it',
    why: 'the application comes back without its federatedIdentityCredentials',
    allowedBecause: 'the Graph reference, Restore deleted item: the item can be fully restored',
  },
];

/** None: Keystone is the cloud itself. */
export const keystoneCases: readonly Deviation[] = [];

interface Row {
  readonly about: string;
  readonly detail: string;
}

const systems: Readonly<Record<string, { readonly known: readonly Row[]; readonly cases: readonly Deviation[] }>> = {
  'moto (AWS IAM)': { known: ofMoto, cases: motoCases },
  'entra-emulator (Microsoft Graph)': { known: [...ofEntraEmulator, ...mapDeviations], cases: entraEmulatorCases },
  'Keystone 22 (itself)': { known: ofKeystone, cases: keystoneCases },
};

function rowOf(deviation: Deviation): Row {
  return deviation.kind === 'case'
    ? { about: 'fails a case', detail: `${deviation.case}: ${deviation.why}` }
    : { about: `${deviation.type}.${deviation.property}`, detail: deviation.why };
}

/** One line each, the systems in turn. */
export function deviationTable(): string {
  const rows = Object.entries(systems).map(([system, { known, cases }]) => ({
    system,
    rows: [...known, ...cases.map(rowOf)],
  }));
  const width = Math.max(...rows.flatMap((each) => each.rows.map(({ about }) => about.length)));
  return rows
    .map(({ system, rows: own }) =>
      [system, ...own.map(({ about, detail }) => `  ${about.padEnd(width)}  ${detail}`)].join('\n'),
    )
    .join('\n');
}
