/** A federation folder that is as small as it can be, with lines that tests can count. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export type Files = Readonly<Record<string, string>>;

const authority = (id: string, mesh: string): string => `authority: ${id}
mesh: ${mesh}
surface:
  person: [mail, employeeId]
  team: [handle, members]
constraints:
  freshness: 2h
approval: { quorum: 1, separationOfDuties: waived }
approvers:
  - id: ana
`;

const person = (property: string): string => `type: person
native: user
lifecycle: active
fields:
  mail: { path: ${property} }
  employeeId: { path: employeeId }
create:
  name: { template: 'u-{mail}' }
`;

const team = `type: team
native: group
lifecycle: active
fields:
  handle: { path: name }
  members: { path: members, through: [{ references: person }, { set: true }] }
`;

export const smallFederation: Files = {
  'federation.yaml': `federation: small
members:
  - id: aws
  - id: azure
`,
  'authorities/aws.yaml': authority('aws', '{ kind: aws-iam }'),
  'authorities/azure.yaml': authority('azure', '{ kind: entra, tenant: contoso }'),
  'taxonomy/person.yaml': `type: person
label: displayName
fields:
  displayName: { kind: text }
  mail: { kind: text, equality: caseInsensitive }
  employeeId: { kind: text }
`,
  'taxonomy/team.yaml': `type: team
fields:
  handle: { kind: text }
  members: { kind: set, of: person }
`,
  'maps/aws.person.yaml': person('email'),
  'maps/aws.team.yaml': team,
  'maps/azure.person.yaml': person('mail'),
  'maps/azure.team.yaml': team,
  'datasets/workforce.yaml': `dataset: workforce
types: [person, team]
members: [aws, azure]
correlation:
  person:
    - match: [employeeId]
    - match: [mail]
approval: { waitInRun: 1h }
`,
};

/** One replacement in one file; throws where there is nothing to replace, so that no test checks an unchanged file. */
export function changed(files: Files, file: string, from: string, to: string): Files {
  const text = files[file];
  if (text === undefined || !text.includes(from)) throw new Error(`${file} does not hold ${JSON.stringify(from)}`);
  return { ...files, [file]: text.replace(from, () => to) };
}

export function without(files: Files, file: string): Files {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name !== file));
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder of its own, gone after the test. */
export async function written(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}
