/** Who and what all three clouds of examples/02-roles hold alike from the start, in no cloud's words. */

export interface RolesPerson {
  readonly given: string;
  readonly displayName: string;
  readonly mail: string;
}

export interface RolesTeam {
  readonly handle: string;
  /** indices of people */
  readonly members: readonly number[];
}

function person(given: string, surname: string): RolesPerson {
  return {
    given,
    displayName: `${given} ${surname}`,
    mail: `${given}.${surname}@example.org`.toLowerCase(),
  };
}

export const people: readonly RolesPerson[] = [
  person('Ines', 'Okafor'),
  person('Liam', 'Tanaka'),
  person('Noor', 'Haddad'),
  person('Priya', 'Silva'),
  person('Tomas', 'Dvorak'),
  person('Wanjiru', 'Adeyemi'),
];

export const teams: readonly RolesTeam[] = [
  { handle: 'team-platform', members: [0, 1, 2] },
  { handle: 'team-payments', members: [2, 3] },
  { handle: 'team-audit', members: [4] },
];

export type RoleName = 'operator' | 'auditor' | 'administrator';

/** Grants on the one scope, production. */
export const teamGrants: readonly { readonly team: string; readonly role: RoleName }[] = [
  { team: 'team-platform', role: 'operator' },
  { team: 'team-payments', role: 'operator' },
  { team: 'team-audit', role: 'auditor' },
];
/** One person of no team has a role of their own. */
export const personGrant = { person: 5, role: 'auditor' } as const;

/** A role of AWS that people take on in emergencies. */
export const breakGlass = { name: 'break-glass', person: 4, team: 'team-platform' } as const;

export interface Trusted {
  readonly issuer: string;
  readonly subject: string;
  /** Names a cloud's object for it, where it needs a name. */
  readonly name: string;
}

/** A workload that all three clouds trust from the start. */
export const deployer: Trusted = {
  issuer: 'https://token.actions.githubusercontent.com',
  subject: 'repo:example/shop:environment:production',
  name: 'shop-production',
};
/** One that Entra trusts later. */
export const newcomer: Trusted = {
  issuer: 'https://gitlab.example.org',
  subject: 'project_path:example/ledger:ref_type:branch:ref:main',
  name: 'ledger-main',
};
