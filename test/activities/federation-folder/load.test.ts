/** Every kind of fault that a federation folder can have, each with the line and column where people must look. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { fileBytesMax } from '../../../activities/federation-folder/read-folder.js';
import { changed, smallFederation, without, written, type Files } from './small-federation.js';

const aws = 'authorities/aws.yaml';
const personMap = 'maps/aws.person.yaml';
const teamMap = 'maps/aws.team.yaml';
const dataset = 'datasets/workforce.yaml';
const personType = 'taxonomy/person.yaml';
const teamType = 'taxonomy/team.yaml';
const key = '{ kty: OKP, crv: Ed25519, x: RuWEkUxAf06RMPUCmDDlD3n-_FnKjVqugqI25alQmaI }';

interface Row {
  readonly reason: string;
  readonly files: Files;
  /** `file:line:column field` of each fault, in order. */
  readonly at: string | readonly string[];
  readonly message: RegExp;
}

const row = (
  reason: string,
  file: string,
  from: string,
  to: string,
  at: string | readonly string[],
  message: RegExp,
): Row => ({
  reason,
  files: changed(smallFederation, file, from, to),
  at,
  message,
});

const yamlRows: readonly Row[] = [
  row('broken YAML', aws, 'approval: {', 'approval: [', `${aws}:8:51`, /broken YAML/),
  row('a name given twice', aws, 'approval:', 'surface: {}\napproval:', `${aws}:8:1`, /given twice/),
  row('a tag', aws, 'authority: aws', 'authority: !secret aws', `${aws}:1:12`, /tags/),
  row('an anchor', aws, 'authority: aws', 'authority: &a aws', `${aws}:1:15`, /anchors are not read/),
  row(
    'an alias',
    aws,
    'authority: aws',
    'authority: &a aws\ndescription: *a',
    [`${aws}:1:15`, `${aws}:2:14`],
    /are not read/,
  ),
  row('two documents', aws, 'authority: aws', 'authority: aws\n---\na: 1', `${aws}:2:1`, /more than one document/),
  { reason: 'an empty file', files: { ...smallFederation, [aws]: '# nothing\n' }, at: `${aws}:1:1`, message: /empty/ },
  row('a name of the prototype', dataset, '  person:\n', '  __proto__: []\n  person:\n', `${dataset}:5:3`, /__proto__/),
];

const schemaRows: readonly Row[] = [
  row(
    'an unknown field with a near name',
    aws,
    'freshness',
    'freshnes',
    `${aws}:7:3 constraints.freshnes`,
    /did you mean "freshness"\?/,
  ),
  row(
    'a mistyped required field is one fault',
    'federation.yaml',
    'members',
    'memebrs',
    'federation.yaml:2:1 memebrs',
    /did you mean "members"\?/,
  ),
  row(
    'an unknown field with no near name',
    aws,
    'freshness: 2h',
    'zzzzzz: 2h',
    `${aws}:7:3 constraints.zzzzzz`,
    /there is: brakes, ceilings, freezeWindows, freshness, protected, residency, rules, writable/,
  ),
  row(
    'an unknown field of the mesh kind',
    aws,
    'kind: aws-iam',
    'kind: aws-iam, regoin: x',
    `${aws}:2:24 mesh.regoin`,
    /did you mean "region"\?/,
  ),
  row(
    'an unknown kind',
    aws,
    'kind: aws-iam',
    'kind: aws-iamm',
    `${aws}:2:15 mesh.kind`,
    /aws-iam, entra, keystone, folder, postgresql, dynamodb, s3, azure-tables, azure-blob, cosmos, swift; did you mean "aws-iam"\?/,
  ),
  row(
    'a missing field is shown at the group that lacks it',
    'authorities/azure.yaml',
    ', tenant: contoso',
    '',
    'authorities/azure.yaml:2:1 mesh.tenant',
    /is missing: needs text/,
  ),
  row(
    'a wrong kind of value',
    aws,
    'quorum: 1',
    'quorum: many',
    `${aws}:8:21 approval.quorum`,
    /must be a number, not text/,
  ),
  row(
    'an empty value',
    aws,
    'freshness: 2h',
    'freshness:',
    `${aws}:7:3 constraints.freshness`,
    /must be text, not empty/,
  ),
  row(
    'no duration',
    aws,
    'freshness: 2h',
    'freshness: 2 hours',
    `${aws}:7:14 constraints.freshness`,
    /duration such as 90s/,
  ),
  row('too few entries', dataset, '[aws, azure]', '[aws]', `${dataset}:3:10 members`, /at least 2 entries/),
  row(
    'a lens step with a near value',
    personMap,
    '{ path: email }',
    '{ path: email, through: [{ fold: lowr }] }',
    `${personMap}:5:42 fields.mail.through[0].fold`,
    /must be lower; did you mean "lower"\?/,
  ),
  row(
    'a lens step that nobody knows',
    personMap,
    '{ path: email }',
    '{ path: email, through: [{ flod: lower }] }',
    `${personMap}:5:34 fields.mail.through[0]`,
    /must have one of: fold, enum/,
  ),
  row(
    'a field name that the taxonomy does not allow',
    personType,
    '  mail:',
    '  Mail:',
    `${personType}:5:3 fields.Mail`,
    /must match/,
  ),
  row(
    'neither every nor cron',
    dataset,
    'approval:',
    'schedule: { jitter: 1s }\napproval:',
    `${dataset}:8:11 schedule`,
    /exactly one of every and cron/,
  ),
  row(
    'no date',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: christmas, to: "2026-01-02T00:00:00Z", reason: r }]',
    `${aws}:7:27 constraints.freezeWindows[0].from`,
    /date and time with its offset/,
  ),
];

const secretRows: readonly Row[] = [
  row(
    'a property named like a secret',
    aws,
    'kind: aws-iam',
    'kind: aws-iam, secretAccessKey: hunter2',
    `${aws}:2:24 mesh.secretAccessKey`,
    /looks like a secret/,
  ),
  row(
    'a password of a mesh',
    aws,
    'authority: aws',
    'authority: aws\npassword: hunter2',
    `${aws}:2:1 password`,
    /looks like a secret/,
  ),
  row(
    'a secret in the place of a variable name',
    'authorities/azure.yaml',
    'tenant: contoso',
    'tenant: contoso, clientSecretFrom: hunter2',
    'authorities/azure.yaml:2:57 mesh.clientSecretFrom',
    /must name an environment variable/,
  ),
  row(
    'the private part of a key',
    aws,
    '- id: ana',
    `- id: ana\n    key: { kty: OKP, crv: Ed25519, x: RuWEkUxAf06RMPUCmDDlD3n-_FnKjVqugqI25alQmaI, d: hunter2 }`,
    `${aws}:11:84 approvers[0].key.d`,
    /private part of a key/,
  ),
  row(
    'a password in a URL',
    aws,
    'kind: aws-iam',
    'kind: aws-iam, endpoint: "https://me:hunter2@aws.example"',
    `${aws}:2:34 mesh.endpoint`,
    /a password in a URL/,
  ),
  row(
    'an access key in a description',
    dataset,
    'dataset: workforce',
    'dataset: workforce\ndescription: AKIAIOSFODNN7EXAMPLE',
    `${dataset}:2:14 description`,
    /AWS access key/,
  ),
];

const memberRows: readonly Row[] = [
  row(
    'a member without a file',
    'federation.yaml',
    '- id: azure',
    '- id: azur',
    ['authorities/azure.yaml:1:12 authority', `${dataset}:3:16 members[1]`, 'federation.yaml:4:9 members[1].id'],
    /did you mean "azure?"\?/,
  ),
  row(
    'a member twice',
    'federation.yaml',
    '  - id: azure',
    '  - id: azure\n  - id: aws',
    'federation.yaml:5:9 members[2].id',
    /a member already/,
  ),
  row(
    'one key for two members',
    'federation.yaml',
    '  - id: aws\n  - id: azure',
    `  - id: aws\n    key: ${key}\n  - id: azure\n    key: ${key}`,
    'federation.yaml:6:10 members[1].key',
    /key of another member/,
  ),
  {
    reason: 'two authorities with one id',
    files: { ...smallFederation, 'authorities/beta.yaml': smallFederation[aws] ?? '' },
    at: ['authorities/beta.yaml:1:12 authority', 'authorities/beta.yaml:1:12 authority'],
    message: /authority of authorities\/aws\.yaml already|file named beta\.yaml/,
  },
  row(
    'a file named otherwise than its id',
    aws,
    'authority: aws',
    'authority: amazon',
    `${aws}:1:12 authority`,
    /is "amazon" in a file named aws\.yaml/,
  ),
];

const authorityRows: readonly Row[] = [
  row(
    'a surface of a type that nobody knows',
    aws,
    '  team: [',
    '  taem: [',
    `${aws}:5:3 surface.taem`,
    /did you mean "team"\?/,
  ),
  row(
    'a surface field that the type lacks',
    aws,
    '[mail, employeeId]',
    '[mail, employeId, employeeId]',
    `${aws}:4:18 surface.person[1]`,
    /did you mean "employeeId"\?/,
  ),
  row(
    'a surface field that is not mapped',
    aws,
    '[mail, employeeId]',
    '[mail, employeeId, displayName]',
    `${aws}:4:30 surface.person[2]`,
    /is not mapped in maps\/aws\.person\.yaml/,
  ),
  row(
    'a surface field twice',
    aws,
    '[mail, employeeId]',
    '[mail, employeeId, mail]',
    `${aws}:4:30 surface.person[2]`,
    /listed already/,
  ),
  row(
    'an exposure that nobody knows',
    aws,
    '[mail, employeeId]',
    '{ fields: { mail: secret } }',
    `${aws}:4:29 surface.person.fields.mail`,
    /must be one of/,
  ),
  row(
    'a field of the long form that the type lacks',
    aws,
    '[mail, employeeId]',
    '{ fields: { employeeId: clear, mail: clear, employeId: digest } }',
    `${aws}:4:55 surface.person.fields.employeId`,
    /did you mean "employeeId"\?/,
  ),
  row(
    'a field of the long form that is not mapped',
    aws,
    '[mail, employeeId]',
    '{ fields: { employeeId: clear, mail: clear, displayName: digest } }',
    `${aws}:4:55 surface.person.fields.displayName`,
    /is not mapped in maps\/aws\.person\.yaml/,
  ),
  row(
    'a set that is to be shown as a digest',
    aws,
    'team: [handle, members]',
    'team: { fields: { handle: clear, members: digest } }',
    `${aws}:5:45 surface.team.fields.members`,
    /refers to person: its elements are federated keys/,
  ),
  row(
    'a row filter on a field that the type lacks',
    aws,
    '[mail, employeeId]',
    '{ fields: { mail: clear, employeeId: clear }, where: [{ field: male, equals: x }] }',
    `${aws}:4:74 surface.person.where[0].field`,
    /has no field "male"/,
  ),
  row(
    'a row filter on a field that the map does not give',
    aws,
    '[mail, employeeId]',
    '{ fields: { mail: clear, employeeId: clear }, where: [{ field: displayName, equals: x }] }',
    `${aws}:4:74 surface.person.where[0].field`,
    /is not mapped in maps\/aws\.person\.yaml/,
  ),
  row(
    'a row filter with a value of another kind',
    aws,
    '[mail, employeeId]',
    '{ fields: { mail: clear, employeeId: clear }, where: [{ field: mail, equals: true }] }',
    `${aws}:4:88 surface.person.where[0].equals`,
    /must be a text/,
  ),
  row(
    'a row filter on a set',
    aws,
    'team: [handle, members]',
    'team: { fields: { handle: clear, members: clear }, where: [{ field: members, equals: x }] }',
    `${aws}:5:71 surface.team.where[0].field`,
    /rows are filtered by single values/,
  ),
  row(
    'two conditions on one field',
    aws,
    '[mail, employeeId]',
    '{ fields: { mail: clear, employeeId: clear }, where: [{ field: mail, equals: a }, { field: mail, equals: b }] }',
    `${aws}:4:102 surface.person.where[1].field`,
    /has a condition already/,
  ),
  {
    reason: 'a surface without a map',
    files: without(smallFederation, teamMap),
    at: `${aws}:5:3 surface.team`,
    message: /write maps\/aws\.team\.yaml/,
  },
  row(
    'a brake of a type that nobody knows',
    aws,
    'freshness: 2h',
    'brakes: { persn: { deletionsMax: 1 } }',
    [`${aws}:7:13 constraints.brakes.persn`, `${aws}:8:1 approval.quorumWhenBraked`],
    /did you mean "person"|the quorum plus one/,
  ),
  row(
    'a brake that limits nothing',
    aws,
    'approval: { quorum: 1,',
    '  brakes: { person: {} }\napproval: { quorum: 1, quorumWhenBraked: 1,',
    `${aws}:8:21 constraints.brakes.person`,
    /limits nothing/,
  ),
  row(
    'a freeze window that ends before it begins',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: "2026-01-01T00:00:00+02:00", to: "2025-12-31T22:00:00Z", reason: r }]',
    `${aws}:7:60 constraints.freezeWindows[0].to`,
    /must be later/,
  ),
  row(
    'a protected type that nobody knows',
    aws,
    'freshness: 2h',
    'protected: [{ type: persn, where: { mail: a }, reason: r }]',
    `${aws}:7:23 constraints.protected[0].type`,
    /did you mean "person"/,
  ),
  row(
    'a protected field that nobody knows',
    aws,
    'freshness: 2h',
    'protected: [{ type: person, where: { mial: a }, reason: r }]',
    `${aws}:7:40 constraints.protected[0].where.mial`,
    /did you mean "mail"/,
  ),
  row(
    'protection of everything by accident',
    aws,
    'freshness: 2h',
    'protected: [{ type: person, where: {}, reason: r }]',
    `${aws}:7:38 constraints.protected[0].where`,
    /every record/,
  ),
  row(
    'a local freeze window without a zone',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: "2026-12-24T00:00:00", to: "2026-12-27T00:00:00Z", reason: r }]',
    `${aws}:7:27 constraints.freezeWindows[0].from`,
    /says neither an offset/,
  ),
  row(
    'a freeze window with a zone and an offset',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: "2026-12-24T00:00:00", to: "2026-12-27T00:00:00+01:00", timeZone: Europe/Zurich, reason: r }]',
    `${aws}:7:54 constraints.freezeWindows[0].to`,
    /leave one of them out/,
  ),
  row(
    'a freeze window in no zone',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: "2026-12-24T00:00", to: "2026-12-27T00:00", timeZone: Europe/Zurch, reason: r }]',
    `${aws}:7:81 constraints.freezeWindows[0].timeZone`,
    /did you mean "?Europe\/Zurich/,
  ),
  row(
    'a local freeze window that ends before it begins',
    aws,
    'freshness: 2h',
    'freezeWindows: [{ from: "2026-12-27T00:00:00", to: "2026-12-24T00:00:00", timeZone: Europe/Zurich, reason: r }]',
    `${aws}:7:54 constraints.freezeWindows[0].to`,
    /later than/,
  ),
  row(
    'writable types and fields that do not exist',
    aws,
    'freshness: 2h',
    'writable: { persn: {}, person: { fields: [mial] } }',
    [`${aws}:7:15 constraints.writable.persn`, `${aws}:7:45 constraints.writable.person.fields[0]`],
    /no type "persn"|no field "mial"/,
  ),
  row(
    'a field kept within regions that does not exist',
    aws,
    'freshness: 2h',
    'residency: { keepWithin: { person: { mial: [eu] } } }',
    `${aws}:7:40 constraints.residency.keepWithin.person.mial`,
    /no field "mial"/,
  ),
  row(
    'a ceiling on a field that does not exist',
    aws,
    'freshness: 2h',
    'ceilings: [{ type: person, field: mial, among: [a], reason: r }]',
    `${aws}:7:37 constraints.ceilings[0].field`,
    /no field "mial"/,
  ),
  row(
    'rules that are none',
    aws,
    'freshness: 2h',
    'rules: [{ name: a, for: { type: person }, allow: after.mail, reason: r }, { name: a, for: { type: persn }, allow: "kind ==", reason: r }]',
    [
      `${aws}:7:52 constraints.rules[0].allow`,
      `${aws}:7:85 constraints.rules[1].name`,
      `${aws}:7:101 constraints.rules[1].for.type`,
      `${aws}:7:117 constraints.rules[1].allow`,
    ],
    /./,
  ),
  row(
    'a rule with a regular expression',
    aws,
    'freshness: 2h',
    `rules: [{ name: a, for: { type: person }, allow: 'after.mail.matches("(a+)+")', reason: r }]`,
    `${aws}:7:52 constraints.rules[0].allow`,
    /matches is not offered/,
  ),
  row(
    'freshness shorter than the wait of a dataset',
    aws,
    'freshness: 2h',
    'freshness: 59m',
    `${aws}:7:14 constraints.freshness`,
    /59m is shorter than the 1h that datasets\/workforce\.yaml waits/,
  ),
  row(
    'a quorum that nobody could reach',
    aws,
    'quorum: 1',
    'quorum: 2',
    `${aws}:8:21 approval.quorum`,
    /there is 1 approver/,
  ),
  row(
    'a braked quorum that nobody could reach',
    aws,
    'quorum: 1',
    'quorum: 1, quorumWhenBraked: 2',
    `${aws}:8:42 approval.quorumWhenBraked`,
    /needs 2 approvals once a brake trips/,
  ),
  row(
    'a braked quorum below the quorum',
    aws,
    '{ quorum: 1, separationOfDuties: waived }\napprovers:',
    '{ quorum: 2, quorumWhenBraked: 1 }\napprovers:\n  - id: bob',
    `${aws}:8:42 approval.quorumWhenBraked`,
    /not be smaller/,
  ),
  row(
    'an approver twice',
    aws,
    '- id: ana',
    '- id: ana\n  - id: ana',
    `${aws}:11:9 approvers[1].id`,
    /an approver already/,
  ),
  row(
    'one key for two approvers',
    aws,
    '- id: ana',
    `- id: ana\n    key: ${key}\n  - id: bob\n    key: ${key}`,
    `${aws}:13:10 approvers[1].key`,
    /count as two/,
  ),
];

const typeRows: readonly Row[] = [
  row(
    'a type in a file of another name',
    teamType,
    'type: team',
    'type: squad',
    `${teamType}:1:7 type`,
    /is "squad" in a file named team\.yaml/,
  ),
  row(
    'a label that is no field',
    personType,
    'label: displayName',
    'label: dispalyName',
    `${personType}:2:8 label`,
    /did you mean "displayName"/,
  ),
  row(
    'a reference to a type that nobody knows',
    teamType,
    'of: person',
    'of: persn',
    [
      `${dataset}:2:17 types[1]`,
      `${teamMap}:6:53 fields.members.through[0].references`,
      'maps/azure.team.yaml:6:53 fields.members.through[0].references',
      `${teamType}:4:29 fields.members.of`,
    ],
    /persn/,
  ),
  row(
    'types in a circle',
    teamType,
    'of: person',
    'of: team',
    [
      `${teamMap}:6:53 fields.members.through[0].references`,
      'maps/azure.team.yaml:6:53 fields.members.through[0].references',
      `${teamType}:4:29 fields.members.of`,
    ],
    /team → team|must be team/,
  ),
];

const mapRows: readonly Row[] = [
  row(
    'a map in a file of another name',
    teamMap,
    'type: team',
    'type: person',
    `${teamMap}:1:7 type`,
    /map files are named <authority>\.<type>\.yaml/,
  ),
  {
    reason: 'a map of a type that nobody knows',
    files: {
      ...smallFederation,
      'maps/aws.taem.yaml': (smallFederation[teamMap] ?? '').replace('type: team', 'type: taem'),
    },
    at: 'maps/aws.taem.yaml:1:7 type',
    message: /did you mean "team"/,
  },
  row(
    'a field that the type lacks',
    personMap,
    '  employeeId:',
    '  emploeeId:',
    [`${aws}:4:18 surface.person[1]`, `${personMap}:6:3 fields.emploeeId`],
    /did you mean "employeeId"|is not mapped/,
  ),
  row(
    'a native type that no connector has',
    teamMap,
    'native: group',
    'native: groop',
    `${teamMap}:2:9 native`,
    /user, group/,
  ),
  {
    reason: 'a map of nobody',
    files: { ...smallFederation, 'maps/azur.team.yaml': smallFederation[teamMap] ?? '' },
    at: 'maps/azur.team.yaml:1:1',
    message: /did you mean "azure"/,
  },
  row(
    'two fields in one place',
    personMap,
    'path: employeeId',
    'path: email',
    `${personMap}:6:23 fields.employeeId.path`,
    /place of another field/,
  ),
  row(
    'references of another type',
    teamMap,
    'references: person',
    'references: team',
    `${teamMap}:6:53 fields.members.through[0].references`,
    /must be person/,
  ),
  row(
    'a set without its steps',
    teamMap,
    ', through: [{ references: person }, { set: true }]',
    '',
    [`${teamMap}:6:12 fields.members`, `${teamMap}:6:12 fields.members`],
    /add the step/,
  ),
  row(
    'set steps on a text',
    personMap,
    '{ path: email }',
    '{ path: email, through: [{ set: true }] }',
    `${personMap}:5:34 fields.mail.through[0]`,
    /this field is no set/,
  ),
  row(
    'an enum that cannot be turned back',
    personMap,
    '{ path: email }',
    '{ path: email, through: [{ enum: { a: x, b: x } }] }',
    `${personMap}:5:53 fields.mail.through[0].enum.b`,
    /way back/,
  ),
  row(
    'a constant in the place of references',
    teamMap,
    '{ path: members, through: [{ references: person }, { set: true }] }',
    '{ constant: [] }',
    `${teamMap}:6:12 fields.members`,
    /constant cannot hold references/,
  ),
  row(
    'a template of a field that nobody knows',
    personMap,
    '{mail}',
    '{mial}',
    `${personMap}:8:21 create.name.template`,
    /did you mean "mail"/,
  ),
  row(
    'a template that is not closed',
    personMap,
    '{mail}',
    '{mail',
    `${personMap}:8:21 create.name.template`,
    /not closed/,
  ),
];

const datasetRows: readonly Row[] = [
  row(
    'a dataset in a file of another name',
    dataset,
    'dataset: workforce',
    'dataset: staff',
    `${dataset}:1:10 dataset`,
    /file named workforce\.yaml/,
  ),
  row(
    'a member that the federation does not have',
    dataset,
    '[aws, azure]',
    '[aws, azure, sov]',
    `${dataset}:3:23 members[2]`,
    /not a member/,
  ),
  row('a member twice', dataset, '[aws, azure]', '[aws, azure, aws]', `${dataset}:3:23 members[2]`, /listed already/),
  row(
    'a type twice',
    dataset,
    '[person, team]',
    '[person, team, person]',
    `${dataset}:2:23 types[2]`,
    /listed already/,
  ),
  row(
    'a type that nobody knows',
    dataset,
    '[person, team]',
    '[person, team, persona]',
    `${dataset}:2:23 types[2]`,
    /did you mean "person"/,
  ),
  row(
    'a reference out of the dataset',
    dataset,
    '[person, team]\nmembers: [aws, azure]\ncorrelation:\n  person:\n    - match: [employeeId]\n    - match: [mail]',
    '[team]\nmembers: [aws, azure]',
    `${dataset}:2:9 types[0]`,
    /add person to its types/,
  ),
  row(
    'a rule for a type outside the dataset',
    dataset,
    '  person:\n',
    '  grant:\n',
    `${dataset}:5:3 correlation.grant`,
    /no type of this dataset/,
  ),
  row(
    'a rule with a field that the type lacks',
    dataset,
    '[employeeId]',
    '[mail, employeId]',
    `${dataset}:6:21 correlation.person[0].match[1]`,
    /did you mean "employeeId"/,
  ),
  row(
    'a rule that matches a set',
    dataset,
    '  person:',
    '  team:\n    - match: [members]\n  person:',
    `${dataset}:6:15 correlation.team[0].match[0]`,
    /is a set/,
  ),
  row(
    'a rule that matches by true or false',
    'taxonomy/person.yaml',
    'employeeId: { kind: text }',
    'employeeId: { kind: boolean }',
    `${dataset}:6:15 correlation.person[0].match[0]`,
    /records are matched by texts that tell them apart/,
  ),
  row(
    'a rule that matches by display name',
    dataset,
    '[mail]',
    '[displayName]',
    `${dataset}:7:15 correlation.person[1].match[0]`,
    /never matched by display name/,
  ),
  row(
    'a type outside the dataset that is asked about',
    dataset,
    'approval:',
    'unmatchable: { grant: ask }\napproval:',
    `${dataset}:8:16 unmatchable.grant`,
    /no type of this dataset/,
  ),
  row(
    'a type without rules that is asked about',
    dataset,
    'approval:',
    'unmatchable: { team: ask }\napproval:',
    `${dataset}:8:16 unmatchable.team`,
    /no rule matches team yet/,
  ),
  row(
    'a rule that is surer than sure',
    dataset,
    '- match: [mail]',
    '- { match: [mail], confidence: 101 }',
    `${dataset}:7:36 correlation.person[1].confidence`,
    /100/,
  ),
  row(
    'a cron text with six fields',
    dataset,
    'approval:',
    'schedule: { cron: "0 0 * * * *" }\napproval:',
    `${dataset}:8:19 schedule.cron`,
    /five fields/,
  ),
  row(
    'a cron text with an impossible minute',
    dataset,
    'approval:',
    'schedule: { cron: "75 * * * *" }\napproval:',
    `${dataset}:8:19 schedule.cron`,
    /the minute must be/,
  ),
  row(
    'a time zone that no machine knows',
    dataset,
    'approval:',
    'schedule: { cron: "0 6 * * mon-fri", timeZone: Europe/Berln }\napproval:',
    `${dataset}:8:48 schedule.timeZone`,
    /did you mean "Europe\/Berlin"/,
  ),
  {
    reason: 'a rule over a field that one member exposes',
    files: changed(smallFederation, aws, '[mail, employeeId]', '[mail]'),
    at: `${dataset}:6:15 correlation.person[0].match[0]`,
    message: /fewer than two members expose/,
  },
  {
    reason: 'a member that exposes nothing of the dataset',
    files: changed(
      smallFederation,
      aws,
      'surface:\n  person: [mail, employeeId]\n  team: [handle, members]',
      'surface: {}',
    ),
    at: [
      `${dataset}:3:11 members[0]`,
      `${dataset}:6:15 correlation.person[0].match[0]`,
      `${dataset}:7:15 correlation.person[1].match[0]`,
    ],
    message: /exposes nothing|fewer than two/,
  },
];

const folderRows: readonly Row[] = [
  {
    reason: 'no federation file',
    files: without(smallFederation, 'federation.yaml'),
    at: 'federation.yaml:1:1',
    message: /concordat init/,
  },
  {
    reason: 'a file that would be overlooked',
    files: { ...smallFederation, 'maps/azure.grant.yml': 'a: 1' },
    at: 'maps/azure.grant.yml:1:1',
    message: /end in \.yaml/,
  },
  {
    reason: 'a file in the wrong place',
    files: { ...smallFederation, 'person.yaml': 'a: 1' },
    at: 'person.yaml:1:1',
    message: /move it into one of authorities, taxonomy, maps, datasets/,
  },
  {
    reason: 'a folder with a mistyped name',
    files: { ...smallFederation, 'dataset/x.yaml': 'a: 1' },
    at: 'dataset:1:1',
    message: /did you mean "datasets"/,
  },
  {
    reason: 'a folder inside a folder',
    files: { ...smallFederation, 'maps/old/aws.person.yaml': 'a: 1' },
    at: 'maps/old:1:1',
    message: /not read/,
  },
  {
    reason: 'a file beyond the limit',
    files: { ...smallFederation, [dataset]: `#${'x'.repeat(fileBytesMax)}` },
    at: `${dataset}:1:1`,
    message: /is larger than 1048576 bytes/,
  },
];

const reservedFiles: Files = {
  ...changed(smallFederation, 'federation.yaml', '- id: azure', '- id: azure\n  - id: federation'),
  'authorities/federation.yaml': (smallFederation[aws] ?? '')
    .replace('authority: aws', 'authority: federation')
    .replace(/surface:\n.*\n.*\n/, 'surface: {}\n'),
};

async function faultsOf(files: Files) {
  const loaded = await loadFederation(await written(files));
  return loaded.kind === 'invalid' ? loaded.faults : [];
}

test('the small federation has no fault, so every fault below is the one that was made', async () => {
  const loaded = await loadFederation(await written(smallFederation));
  expect(loaded.kind === 'invalid' ? loaded.faults : []).toEqual([]);
  expect(loaded.kind === 'valid' && Object.keys(loaded.federation.maps)).toEqual([
    'aws.person',
    'aws.team',
    'azure.person',
    'azure.team',
  ]);
});

test.each([
  ...yamlRows,
  ...schemaRows,
  ...secretRows,
  ...memberRows,
  ...authorityRows,
  ...typeRows,
  ...mapRows,
  ...datasetRows,
  ...folderRows,
  {
    reason: 'the id of the coordinator',
    files: reservedFiles,
    at: 'authorities/federation.yaml:1:12 authority',
    message: /reserved/,
  },
])('$reason is refused at its line and column', async ({ files, at, message }) => {
  const faults = await faultsOf(files);
  const places = faults.map(({ file, line, column, field }) => `${file}:${line}:${column} ${field}`.trim());
  expect(places, JSON.stringify(faults, null, 1)).toEqual(typeof at === 'string' ? [at] : at);
  for (const fault of faults) {
    expect(fault.message).toMatch(message);
    expect(fault.code).toBe('invalidFederation');
    expect(fault.message, 'no fault shows a secret').not.toContain('hunter2');
  }
});

test('a rule may name fields that members show only as digests: match tokens join records by them', async () => {
  const files = changed(smallFederation, aws, '[mail, employeeId]', '{ fields: { mail: digest, employeeId: digest } }');
  expect(await loadFederation(await written(files))).toMatchObject({ kind: 'valid' });
});

test('faults of all files come back at once, in the order of file and line', async () => {
  let files = changed(smallFederation, aws, 'quorum: 1', 'quorum: 0');
  files = changed(files, dataset, '[mail]', '[displayName]');
  files = changed(files, teamType, 'kind: text', 'kind: txt');
  files = changed(files, personMap, 'native: user', 'native: 7');
  files = { ...files, 'federation.yaml': 'federation: small\nmembers: [{ id: aws }, { id: azure }, { id: aws }]\n' };
  const faults = await faultsOf(files);
  expect(faults.map(({ file, line }) => `${file}:${line}`)).toEqual([
    `${aws}:8`,
    `${dataset}:7`,
    'federation.yaml:2',
    `${personMap}:2`,
    `${teamType}:3`,
  ]);
});

test('what a broken file would have said is not called unknown elsewhere', async () => {
  const faults = await faultsOf(changed(smallFederation, teamType, 'type: team', 'type: [team'));
  expect(new Set(faults.map(({ file }) => file))).toEqual(new Set([teamType]));
});

test('a file that is not UTF-8 is a fault and not an exception', async () => {
  const folder = await written(smallFederation);
  await writeFile(path.join(folder, aws), Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
  const loaded = await loadFederation(folder);
  expect(loaded.kind === 'invalid' && loaded.faults[0]).toMatchObject({ file: aws, message: 'is not UTF-8 text' });
});

test('a named pipe is a fault and does not stop the reader', async () => {
  const folder = await written(without(smallFederation, dataset));
  await mkdir(path.join(folder, 'datasets'), { recursive: true });
  execFileSync('mkfifo', [path.join(folder, dataset)]);
  const loaded = await loadFederation(folder);
  expect(loaded.kind === 'invalid' && loaded.faults).toMatchObject([{ file: dataset, message: 'is no ordinary file' }]);
});

test('a file nested a hundred thousand levels deep is a fault and not an overflow', async () => {
  const faults = await faultsOf({ ...smallFederation, [dataset]: '['.repeat(100_000) });
  expect(faults.length).toBeGreaterThan(0);
  expect(new Set(faults.map(({ file }) => file))).toEqual(new Set([dataset]));
});

test('a folder that does not exist is a fault that says how to make one', async () => {
  const loaded = await loadFederation('/nonexistent/federation');
  expect(loaded.kind === 'invalid' && loaded.faults.map(({ message }) => message)).toEqual([
    expect.stringContaining('concordat init'),
  ]);
});
