/** A person and a team as three clouds hold them, and the maps between: what the translation tests speak about. */
import { TypeMap } from '../../core/federation/map.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { JsonObject } from '../../core/json.js';
import type { References } from '../../core/lens.js';

export const person = TaxonomyType.parse({
  type: 'person',
  fields: {
    mail: { kind: 'text', equality: 'caseInsensitive', sensitivity: 'personal' },
    name: { kind: 'text', sensitivity: 'personal' },
    title: { kind: 'text' },
    active: { kind: 'boolean' },
  },
});

export const team = TaxonomyType.parse({
  type: 'team',
  fields: { name: { kind: 'text' }, members: { kind: 'set', of: 'person' } },
});

export const awsPerson = TypeMap.parse({
  type: 'person',
  native: 'user',
  lifecycle: 'active',
  fields: {
    mail: { tag: 'mail', through: [{ escape: 'iam-tag' }] },
    name: { tag: 'name', through: [{ maxLength: 256, loss: 'IAM tags' }, { escape: 'iam-tag' }] },
    title: { tag: 'title', through: [{ escape: 'iam-tag' }] },
    active: { constant: true },
  },
  create: { UserName: { template: '{mail}' }, Path: { constant: '/people/' } },
  ignore: ['Arn'],
});

export const entraPerson = TypeMap.parse({
  type: 'person',
  native: 'user',
  lifecycle: 'active',
  fields: {
    mail: { path: 'mail' },
    name: { path: 'displayName', through: [{ emptyAs: 'null' }] },
    title: { path: 'jobTitle' },
    active: { path: 'accountEnabled' },
  },
  create: {
    userPrincipalName: { template: '{mail:localPart}@contoso.example' },
    'passwordProfile.forceChangePasswordNextSignIn': { constant: true },
  },
  ignore: ['id'],
});

export const entraTeam = TypeMap.parse({
  type: 'team',
  native: 'group',
  lifecycle: 'active',
  fields: {
    name: { path: 'displayName' },
    members: { path: 'members', through: [{ references: 'person' }, { set: true }] },
  },
});

export const awsBody: JsonObject = {
  UserName: 'obrien',
  Path: '/people/',
  Arn: 'arn:aws:iam::123456789012:user/people/obrien',
  Tags: { mail: 'Siobhan.OBrien@Example.org', name: 'Siobh\u00e1n O=27Brien', title: 'R=26D' },
};

export const entraBody: JsonObject = {
  id: '6c1',
  mail: 'Siobhan.OBrien@EXAMPLE.org',
  displayName: "Siobh\u00e1n O'Brien",
  jobTitle: 'R&D',
  accountEnabled: true,
};

export const links: Readonly<Record<string, string>> = { 'id-anna': 'p1', 'id-bob': 'p2', 'id-new': '~new' };
export const references: References = {
  resolve: (_type, id) => links[id] ?? null,
  resolveBack: (_type, key) => Object.keys(links).find((id) => links[id] === key) ?? null,
};
