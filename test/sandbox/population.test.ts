/** The population of the demo and the story of its second run, as the three clouds hold them. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iamTagStep } from '../../core/lens/iam-tag.js';
import { tagText } from '../../sandbox/aws/seed.js';
import { cloudNames, isIn, population } from '../../sandbox/population.js';
import { startSandbox, type Sandbox } from '../../sandbox/start.js';
import { cast } from '../../sandbox/story.js';

describe('the population', () => {
  it('is the same for the same seed and another for another', () => {
    expect(population({ seed: 7 })).toEqual(population({ seed: 7 }));
    expect(population({ seed: 7 }).people).not.toEqual(population({ seed: 8 }).people);
  });

  it('lacks about four people in each cloud, and no person in two', () => {
    const { people, couldBeTwo } = population();
    expect(people).toHaveLength(120);
    for (const cloud of cloudNames) {
      const missing = people.filter((person) => !isIn(cloud, person) && !couldBeTwo.people.includes(person.number));
      expect(missing).toHaveLength(4);
    }
  });

  it('shares one mail between two people and no other between any', () => {
    const { people, couldBeTwo } = population({ people: 2000, teams: 20, seed: 3 });
    const mails = people.map((person) => person.mail.toLowerCase());
    const shared = people.filter((person) => mails.filter((mail) => mail === person.mail.toLowerCase()).length > 1);
    expect(shared.map((person) => person.number)).toEqual([...couldBeTwo.people]);
    expect(people.every((person) => /^[\w+=,.@-]{1,64}$/.test(person.mail))).toBe(true);
  });

  it('holds names that clouds must not mangle', () => {
    const { people } = population();
    expect(people.some((person) => person.surname.includes("'"))).toBe(true);
    expect(people.some((person) => /[^\x20-\x7e]/.test(person.displayName))).toBe(true);
    expect(people.some((person) => person.department === 'R&D')).toBe(true);
  });

  it('writes tags as the map reads them', () => {
    for (const text of ["Renée O'Brien", 'R&D', 'Support (EMEA)', 'a=b', 'Łukasiewicz', 'IT/Platform'])
      expect(iamTagStep.get(tagText(text), { resolve: () => null, resolveBack: () => null })).toEqual({
        kind: 'value',
        value: text,
      });
    expect(tagText("O'Brien = R&D")).toBe('O=27Brien =3D R=26D');
  });
});

describe('the sandbox', () => {
  let folder: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-start-'));
    sandbox = await startSandbox({ folder, persist: true });
  });
  afterAll(async () => {
    await sandbox.stop();
    await rm(folder, { recursive: true });
  });

  it('gives every cloud its people in its own words, and things outside the mesh', () => {
    const { aws, entra, keystone } = sandbox;
    const inPath = aws.server.state.users.all().filter((user) => user.path === '/workforce/');
    expect(inPath).toHaveLength(115);
    expect(entra.server.state.users.size).toBe(116);
    expect(keystone.server.state.users.all().filter((user) => user.domain === 'workforce')).toHaveLength(116);

    const [jane] = cast(sandbox.population ?? population());
    const tag = { key: 'employeeId', value: jane?.employeeId };
    const inAws = inPath.find((user) => user.tags.some(({ key, value }) => key === tag.key && value === tag.value));
    const inKeystone = keystone.server.state.users.all().find((user) => user.extra['employee_id'] === tag.value);
    const inEntra = entra.server.state.listUsers().find((user) => user.properties['employeeId'] === tag.value);
    expect(inAws?.id).toMatch(/^AIDA/);
    expect(inKeystone?.extra['display_name']).toBe(jane?.displayName);
    expect(inEntra?.properties['displayName']).toBe(jane?.displayName);
    expect(new Set([inAws?.name, inKeystone?.name, inEntra?.properties['userPrincipalName']]).size).toBe(3);

    expect(aws.server.state.users.named('break-glass')?.path).toBe('/');
    expect(
      entra.server.state.listGroups().filter((group) => group.properties['displayName'] === 'All employees'),
    ).toHaveLength(1);
    expect(keystone.server.state.groups.named('default', 'operators')).toBeDefined();
  });

  it('holds one AWS user who could be two people of each of the others', () => {
    const { aws, entra, keystone } = sandbox;
    const mail = 'c.baker@example.org';
    const inAws = aws.server.state.users.all().filter((user) => user.tags.some(({ value }) => value === mail));
    expect(inAws).toHaveLength(1);
    expect(inAws[0]?.tags.map(({ key }) => key)).not.toContain('employeeId');
    const fold = (value: unknown) => String(value).toLowerCase();
    const inEntra = entra.server.state.listUsers().filter((user) => fold(user.properties['mail']) === mail);
    expect(new Set(inEntra.map((user) => user.properties['employeeId'])).size).toBe(2);
    expect(keystone.server.state.users.all().filter((user) => fold(user.extra['email']) === mail)).toHaveLength(2);
  });

  it('tells the story once, and finds it again after a restart', async () => {
    const events = sandbox.story();
    expect(events.map((event) => event.what)).toEqual([
      'renamed',
      'left',
      'joinedTeam',
      'joined',
      'editedTwice',
      'editedAndDeleted',
    ]);
    expect(new Set(events.map((event) => event.employeeId)).size).toBe(6);
    expect(() => sandbox.story()).toThrow(/holds nobody/);
    const left = events.find((event) => event.what === 'left');
    const holdsLeaver = () =>
      sandbox.aws.server.state.users.all().some((user) => user.tags.some(({ value }) => value === left?.employeeId));
    expect(holdsLeaver()).toBe(false);
    const before = sandbox.keystone.server.state.save();

    await sandbox.stop();
    sandbox = await startSandbox({ folder, persist: true });
    expect(sandbox.keystone.server.state.save()).toBe(before);
    expect(holdsLeaver()).toBe(false);
    expect(existsSync(sandbox.entra.caFile)).toBe(true);

    await fetch(`${sandbox.aws.endpoint}/_sandbox/reset`, { method: 'POST' });
    expect(holdsLeaver()).toBe(true);
  });

  it('seeds ten thousand people, each with a name of its own in each cloud', async () => {
    const large = await mkdtemp(join(tmpdir(), 'sandbox-large-'));
    const many = await startSandbox({ folder: large, people: 10_000, teams: 100 });
    await many.stop();
    await rm(large, { recursive: true });
    const { aws, entra, keystone } = many;
    expect(aws.server.state.users.all().filter((user) => user.path === '/workforce/')).toHaveLength(9_665);
    expect(entra.server.state.users.size).toBe(9_667);
    expect(keystone.server.state.users.all().filter((user) => user.domain === 'workforce')).toHaveLength(9_667);
  });
});
