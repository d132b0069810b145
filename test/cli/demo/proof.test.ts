/** The proof at the end of the demo: it reads every cloud whole, and a single changed value fails it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareReadings } from '../../../cli/demo/proof/differences.js';
import { readClouds } from '../../../cli/demo/proof/read-clouds.js';
import type { HeldPerson, Reading } from '../../../cli/demo/proof/reading.js';
import { membersIn } from '../../../sandbox/population.js';
import { startSandbox, type Sandbox } from '../../../sandbox/start.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

let sandbox: Sandbox;
let folder: string;
let clouds: readonly Reading[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-proof-'));
  sandbox = await startSandbox({ folder, people: 40, teams: 12 });
  clouds = await readClouds(sandbox);
});
afterAll(async () => {
  await sandbox.stop();
  await rm(folder, { recursive: true, force: true });
});

function readingOf(holder: string): Reading {
  const found = clouds.find((reading) => reading.holder === holder);
  if (!found) throw new Error(`nothing was read of ${holder}`);
  return found;
}

describe('what is read of the clouds', () => {
  it('is everybody whom each holds, and nobody whom the federation does not share', () => {
    const people = sandbox.population?.people ?? [];
    const heldIn = (cloud: string) => people.filter(({ missingIn }) => missingIn !== cloud).length;
    // AWS holds one more, who could be either of two.
    expect(clouds.map(({ holder, people: read }) => [holder, read.length])).toEqual([
      ['aws', heldIn('aws') + 1],
      ['azure', heldIn('entra')],
      ['sov', heldIn('keystone')],
    ]);
  });

  it('has the values as people wrote them, whatever a cloud does to characters', () => {
    const odd = sandbox.population?.people.find(
      ({ department, missingIn, employeeId, employeeIdAbsentIn }) =>
        department === "Founders' Office" && !missingIn && employeeId && !employeeIdAbsentIn,
    );
    for (const holder of ['aws', 'azure', 'sov'])
      expect(readingOf(holder).people.find(({ employeeId }) => employeeId === odd?.employeeId)).toMatchObject({
        displayName: odd?.displayName,
        mail: odd?.mail.toLowerCase(),
        department: "Founders' Office",
      });
  });

  it('has the members of a team that people are, and none of the robots', () => {
    const population = sandbox.population;
    const team = population?.teams[0];
    if (!population || !team) throw new Error('the sandbox has no team');
    expect(readingOf('aws').teams.find(({ handle }) => handle === team.handle)?.members.length).toBe(
      membersIn('aws', team, population.people).length,
    );
  });
});

describe('the comparison', () => {
  const copies = (change: (reading: Reading) => Reading = (reading) => reading): readonly Reading[] => {
    const reading = readingOf('azure');
    return [reading, { ...reading, holder: 'copy' }, change({ ...reading, holder: 'changed' })];
  };
  const withPerson = (change: (person: HeldPerson) => HeldPerson) => (reading: Reading) => ({
    ...reading,
    people: reading.people.map((person, at) => (at === 3 ? change(person) : person)),
  });

  it('finds clouds before their first run far apart', () => {
    expect(compareReadings(clouds).differences.length).toBeGreaterThan(10);
  });

  it('finds nothing between a cloud and its copies, and says how much it compared', () => {
    const found = compareReadings(copies());
    expect(found.differences).toEqual([]);
    expect(found.people).toBe(readingOf('azure').people.length);
    expect(found.values).toBe(3 * (found.people * 5 + found.teams * 3));
  });

  it.each([
    ['mail', (person: HeldPerson) => ({ ...person, mail: `x${person.mail}` })],
    ['displayName', (person: HeldPerson) => ({ ...person, displayName: 'Somebody Else' })],
    ['department', (person: HeldPerson) => ({ ...person, department: 'Elsewhere' })],
    ['active', (person: HeldPerson) => ({ ...person, active: person.active !== true })],
  ])('finds one changed %s and names the person, the field and who has what', (field, change) => {
    const { differences } = compareReadings(copies(withPerson(change)));
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ type: 'person', field });
    expect(Object.keys(differences[0]?.values ?? {})).toEqual(['azure', 'copy', 'changed']);
  });

  it('finds somebody who is missing, and somebody who is there twice', () => {
    const missing = compareReadings(copies((reading) => ({ ...reading, people: reading.people.slice(1) })));
    expect(missing.differences).toMatchObject([{ field: 'presence', values: { changed: '0 times' } }]);
    const twice = compareReadings(
      copies((reading) => ({ ...reading, people: [...reading.people, ...reading.people.slice(0, 1)] })),
    );
    expect(twice.differences).toMatchObject([{ field: 'presence', values: { changed: '2 times' } }]);
  });

  it('finds a member who is gone from one team', () => {
    const { differences } = compareReadings(
      copies((reading) => ({
        ...reading,
        teams: reading.teams.map((team, at) => (at === 2 ? { ...team, members: team.members.slice(1) } : team)),
      })),
    );
    expect(differences).toMatchObject([{ type: 'team', field: 'members' }]);
  });

  it('lets a cloud that has no place for a field pass without it', () => {
    const withoutState = compareReadings(
      copies((reading) => ({
        ...reading,
        people: reading.people.map(({ mail, displayName, employeeId, department }) => ({
          mail,
          displayName,
          employeeId,
          department,
        })),
      })),
    );
    expect(withoutState.differences).toEqual([]);
  });
});
