/**
 * The demo's whole story over systems that are not ours: moto as AWS, entra-emulator as Entra, Keystone as itself, with a real
 * Temporal server and real workers. What the clouds hold in the end is read through their own APIs and compared with what
 * the story says, field by field; neither uses a line of the connectors, lenses or maps.
 *
 * The chapters build on each other: after one fails, the rest is skipped.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { startLocalFederation, type LocalFederation } from '../../cli/local/local-federation.js';
import type { RunningProcess } from '../../cli/local/processes.js';
import type { Json } from '../../core/json.js';
import type { Candidate, Conflict } from '../../core/plan.js';
import { startEntraEmulator } from '../support/systems/entra-emulator.js';
import { startKeystone } from '../support/systems/keystone.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords } from '../support/systems/system.js';
import { keepHistories, leaveRemains } from '../support/remains.js';
import { builtProgram } from '../support/temporal.js';
import { awsCloud } from './support/aws-cloud.js';
import { azureCloud } from './support/azure-cloud.js';
import { idIn, plainOf, type Cloud } from './support/cloud.js';
import { federationName, prepareFederation, type PreparedFederation } from './support/federation.js';
import { readJournal } from './support/journal.js';
import { expectedIn, modelOf, nameOf, peopleOfTheStory, type CloudId } from './support/model.js';
import { peopleOf, until, type FinishedRun, type PeopleOfTheFederation } from './support/people-of-the-federation.js';
import { castOf, newcomer, tellTheStory } from './support/six-changes.js';
import { sovCloud } from './support/sov-cloud.js';

const population = peopleOfTheStory();
const timings: string[] = [];

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const began = performance.now();
  const result = await work();
  timings.push(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
  return result;
}

const missing: string[] = [];
const clouds = await timed('systems installed and started', async () => {
  const [moto, emulator, keystone] = await Promise.all([startMoto(), startEntraEmulator(), startKeystone()]);
  for (const system of [moto, emulator, keystone]) if (system.kind === 'missing') missing.push(missingWords(system));
  return [
    ...(moto.kind === 'available' ? [await awsCloud(moto)] : []),
    ...(emulator.kind === 'available' ? [await azureCloud(emulator)] : []),
    ...(keystone.kind === 'available' ? [await sovCloud(keystone)] : []),
  ];
});
const enough = clouds.length >= 2;
if (!enough) missing.push(`the story needs two clouds and has ${clouds.length}`);
for (const words of missing) process.stderr.write(`${words}\n`);

/** Whether all of these are there: a chapter about a cloud that is missing is skipped. */
function have(...ids: readonly CloudId[]): boolean {
  return ids.every((id) => clouds.some((cloud) => cloud.id === id));
}
function cloudOf(id: CloudId): Cloud {
  const cloud = clouds.find((each) => each.id === id);
  if (!cloud) throw new Error(`${id} is missing`);
  return cloud;
}

let folder: string;
let prepared: PreparedFederation;
let local: LocalFederation;
let people: PeopleOfTheFederation;
let earlierFailed = false;
const endedByThemselves: string[] = [];
/** Native ids by person, once the clouds agree for the first time. */
const firstIds = new Map<CloudId, ReadonlyMap<string, string>>();
const outsideAtFirst = new Map<CloudId, Json>();

beforeAll(async () => {
  if (!enough) return;
  await builtProgram();
  await timed('clouds populated', async () => {
    await Promise.all(clouds.map((cloud) => cloud.populate(population)));
  });
  for (const cloud of clouds) outsideAtFirst.set(cloud.id, await cloud.readOutside());
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-story-'));
  prepared = await prepareFederation(folder, clouds);
  local = await timed('Temporal and workers started', () =>
    startLocalFederation({
      federation: prepared.federation,
      federationFolder: folder,
      dataFolder: path.join(folder, '.concordat'),
      headless: true,
      environmentOf: ({ authority }) => cloudOf(authority as CloudId).environment,
      onUnexpectedEnd: ({ name }, code) => void endedByThemselves.push(`${name} ${code}`),
    }),
  );
  people = peopleOf(prepared, local);
});

afterAll(async () => {
  if (local) {
    await keepHistories(federationName, local.address);
    await local.stop();
    await leaveRemains({
      name: federationName,
      federation: prepared.federation,
      sandbox: null,
      environments: clouds.map(({ environment }) => environment),
      keysFolder: local.layout.keysFolder,
      exchangeLocation: local.layout.exchangeLocation,
      logFolder: path.join(folder, '.concordat', 'logs'),
    });
  }
  await Promise.all(clouds.map((cloud) => cloud.stop()));
  if (folder && !process.env['CONCORDAT_TEST_KEEP']) await rm(folder, { recursive: true, force: true });
  process.stderr.write(`\nThe story over ${clouds.map(({ system }) => system).join(', ')}:\n${timings.join('\n')}\n`);
});

beforeEach(({ skip }) => {
  if (earlierFailed) skip('an earlier chapter failed');
  onTestFailed(() => {
    earlierFailed = true;
  });
});
afterEach(() => {
  for (const cloud of clouds) cloud.takeWrites();
});

/** Reads every cloud as its own administrators would, and holds it to the story. */
async function expectTheStoryEverywhere(): Promise<void> {
  for (const cloud of clouds)
    expect(plainOf(await cloud.read()), cloud.id).toEqual(
      expectedIn(model, { personFields: cloud.personFields, teamsHaveDescription: cloud.teamsHaveDescription }),
    );
}

/** All that was approved or chosen has one receipt that says it was applied by this run. */
function expectEverythingWritten({ result, permitted }: FinishedRun): void {
  const wanted = new Map<string, number>();
  for (const { authority } of permitted) wanted.set(authority, (wanted.get(authority) ?? 0) + 1);
  expect(
    Object.fromEntries(result.commits.map(({ authority, outcome, counts }) => [authority, { outcome, counts }])),
  ).toEqual(
    Object.fromEntries(
      [...wanted].map(([authority, applied]) => [
        authority,
        { outcome: 'done', counts: { applied, alreadyApplied: 0, conflict: 0, refused: 0, unknown: 0 } },
      ]),
    ),
  );
}

function candidate({ candidates }: Conflict, fits: (candidate: Candidate) => boolean): Candidate {
  const [found, ...others] = candidates.filter(fits);
  if (!found || others.length > 0) throw new Error('the story leaves no single choice');
  return found;
}

const model = modelOf(
  population,
  clouds.map(({ id }) => id),
);
const { actors, others } = castOf(population, model);
const { renamed, disputed, torn } = actors;

describe.skipIf(!enough)(`the story over ${clouds.map(({ system }) => system).join(', ')}`, () => {
  // The rest of the story is told without it.
  test.skip.each(missing)('%s', () => undefined);

  test('before anything ran, no cloud holds what all are to hold', async () => {
    for (const cloud of clouds)
      expect(plainOf(await cloud.read()), cloud.id).not.toEqual(
        expectedIn(model, { personFields: cloud.personFields, teamsHaveDescription: cloud.teamsHaveDescription }),
      );
  });

  let doubt: FinishedRun['plan']['cases'][number] | undefined;

  test('first contact links the people, leaves one who could be two to a person, and writes what is approved', async () => {
    const run = await timed('first contact, approved and committed', () => people.run());
    expect(run.result.newLinks).toBeGreaterThan(0);
    expect(run.plan.conflicts).toEqual([]);
    expect(run.plan.operations.filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(run.result.plan.incompleteScopes).toEqual([]);
    expectEverythingWritten(run);
    expect(run.result.agreement?.sequence).toBe(1);
    [doubt] = run.plan.cases;
    expect(run.plan.cases).toHaveLength(have('azure') ? 1 : 0);
    expect(run.result.outcome).toBe(have('azure') ? 'divergent' : 'agreed');
    if (!doubt) return;
    expect([doubt.authority, doubt.type]).toEqual(['azure', 'person']);
    // Two people, whom every other cloud holds.
    const elsewhere = clouds.map(({ id }) => id).filter((id) => id !== 'azure');
    expect(doubt.candidates.map(({ authority }) => authority).sort()).toEqual([...elsewhere, ...elsewhere].sort());
  });

  test.skipIf(!have('azure'))('a signed link settles who it is, and the other one is created', async () => {
    const [first] = doubt?.candidates ?? [];
    if (!doubt || !first) throw new Error('there is no case');
    const before = await cloudOf('azure').read();
    const found = doubt;
    await timed('link signed and kept', () => people.link(found, first.key));
    const run = await timed('run after the link', () =>
      people.run({ choose: (conflict) => candidate(conflict, ({ value }) => value !== 'Chris Baker') }),
    );
    expect(run.plan.cases).toEqual([]);
    expect(run.plan.conflicts.map(({ type, field }) => `${type} ${field}`)).toEqual(['person displayName']);
    expectEverythingWritten(run);
    expect(run.result.agreement?.sequence).toBe(2);
    const bakers = (await cloudOf('azure').read()).people.filter(({ mail }) => mail === 'c.baker@example.org');
    expect(bakers.map(({ displayName }) => displayName).sort()).toEqual(['Christine Baker', 'Christopher Baker']);
    // One of them is the account that was there.
    const [chris] = before.people.filter(({ mail }) => mail === 'c.baker@example.org');
    expect(bakers.map(({ id }) => id)).toContain(chris?.id);
  });

  test('then every cloud holds the same people and teams, and nothing outside the meshes was touched', async () => {
    await expectTheStoryEverywhere();
    for (const cloud of clouds) {
      expect(await cloud.readOutside(), cloud.id).toEqual(outsideAtFirst.get(cloud.id));
      const seen = await cloud.read();
      firstIds.set(cloud.id, new Map([...model.people].map((person) => [nameOf(person), idIn(seen, person)])));
    }
  });

  test('a run right after plans nothing, asks nobody and writes nothing', async () => {
    // Where a field is held by one cloud alone, what a creation left there is known to the base only after it was read.
    if (clouds.length < 3) await expectNothingToWrite('run that reads what was created');
    await expectNothingToDo('run with nothing to do');
  });

  async function expectNothingToDo(what: string): Promise<void> {
    const { result } = await expectNothingToWrite(what);
    expect(result.agreement).toBeNull();
  }

  async function expectNothingToWrite(what: string): Promise<FinishedRun> {
    for (const cloud of clouds) cloud.takeWrites();
    const run = await timed(what, () => people.run());
    expect(run.result).toMatchObject({ outcome: 'agreed', left: 0, newLinks: 0, reviews: [], commits: [] });
    expect([run.plan.operations, run.plan.conflicts, run.plan.cases, run.plan.divergences]).toEqual([[], [], [], []]);
    for (const cloud of clouds) expect(cloud.takeWrites() ?? [], cloud.id).toEqual([]);
    return run;
  }

  const oldNames = { renamed: nameOf(renamed), disputed: nameOf(disputed), torn: nameOf(torn) };

  test('six changes that the clouds make on their own reach the others, by approval and by choice', async () => {
    const divergences = await timed('six changes by the clouds', () => tellTheStory(clouds, model, actors));
    const run = await timed('run after the six changes', () =>
      people.run({
        choose: (conflict) =>
          conflict.field === 'mail'
            ? candidate(conflict, ({ value }) => value === disputed.mail)
            : candidate(conflict, ({ kind }) => conflict.field === null && kind === 'kept'),
      }),
    );
    const found = run.plan.divergences.map(
      ({ kind, type, field, because }) => `${kind} ${type} ${field ?? 'itself'} because of ${because.join(' and ')}`,
    );
    expectEverythingWritten(run);
    expect(found.sort()).toEqual([...divergences].sort());
    expect(run.result.agreement).not.toBeNull();
  });

  test('the third run has nothing to do', async () => {
    // Azure has no place for two fields of the person who joined there. That they are empty elsewhere is read, and taken
    // into the base, only now; after that the base rests.
    await expectNothingToWrite('third run');
    await expectNothingToDo('one more run');
  });

  test('every cloud holds what the story says, in the accounts that were there from the start', async () => {
    await expectTheStoryEverywhere();
    for (const cloud of clouds) {
      expect(await cloud.readOutside(), cloud.id).toEqual(outsideAtFirst.get(cloud.id));
      const seen = await cloud.read();
      for (const person of model.numbered.values()) {
        if (!model.people.has(person)) continue;
        const old = person === renamed ? oldNames.renamed : person === disputed ? oldNames.disputed : nameOf(person);
        const first = firstIds.get(cloud.id)?.get(person === torn ? oldNames.torn : old);
        // Keystone had deleted this account itself: it is another one now.
        if (person === torn && cloud.id === 'sov' && have('azure')) expect(idIn(seen, person)).not.toBe(first);
        else expect(idIn(seen, person), `${cloud.id} ${person.displayName}`).toBe(first);
      }
    }
  });

  // The changes come from a cloud that is not killed.
  const origin: CloudId = have('azure') ? 'azure' : 'aws';
  const victims = (['aws', 'sov'] as const).filter((id) => id !== origin && have(id));
  const points = ['afterIntent', 'afterWrite', 'beforeReceipt'] as const;

  test.each(points.map((point, index) => [point, index] as const))(
    `workers of ${victims.join(' and ')} killed with kill -9 at %s have one effect and one receipt`,
    async (point, index) => {
      const joiner = newcomer(`Ana Lima ${index + 1}`);
      const person = others[index];
      if (!person) throw new Error('too few people for the story');
      const source = cloudOf(origin);
      const displayName = `${person.displayName} ${index + 2}`;
      await source.change(idIn(await source.read(), person), { displayName });
      await source.add(joiner);
      person.displayName = displayName;
      model.people.add(joiner);

      const killed = new Map<CloudId, RunningProcess>();
      for (const id of victims) {
        await local.processes
          .running()
          .find(({ name }) => name === `worker-${id}`)
          ?.stop();
        killed.set(id, await local.startAuthority(id, { CONCORDAT_TEST_KILL_AT: point }));
      }
      endedByThemselves.length = 0;
      const receiptsBefore = new Map<CloudId, number>();
      for (const id of victims) receiptsBefore.set(id, (await journalOf(id)).receipts.length);

      const run = await timed(`run killed at ${point}, finished by new workers`, () =>
        people.run({
          afterApproval: async () => {
            await Promise.all(
              victims.map(async (id) => {
                const worker = killed.get(id);
                await until(`the end of the worker of ${id}`, async () =>
                  endedByThemselves.some((each) => each === `worker-${id} 137`),
                );
                await worker?.exited;
                expect((await journalOf(id)).unanswered, `${id} announced a write and died`).toHaveLength(1);
                await local.startAuthority(id);
              }),
            );
          },
        }),
      );

      expect(endedByThemselves.sort()).toEqual(victims.map((id) => `worker-${id} 137`).sort());
      expectEverythingWritten(run);
      expect(run.result.outcome).toBe('agreed');
      expect(run.result.agreement).not.toBeNull();
      for (const id of victims) {
        const planned = run.plan.operations.filter(({ authority }) => authority === id);
        expect(planned.map(({ kind }) => kind).sort()).toEqual(['create', 'update']);
        const journal = await journalOf(id);
        expect(journal.unanswered).toEqual([]);
        expect(journal.receipts.length - (receiptsBefore.get(id) ?? 0)).toBe(planned.length);
        const writes = [...(cloudOf(id).takeWrites() ?? [])].sort();
        expect(writes, id).toEqual(
          id === 'aws' ? ['CreateUser', 'TagUser'] : ['PATCH /v3/users/{id}', 'POST /v3/users'],
        );
      }
      await expectTheStoryEverywhere();
    },
  );

  const journalOf = (id: CloudId) => readJournal(local.layout.privateFolder(id));

  test('after all that a run has nothing to do, and nothing outside the meshes was touched', async () => {
    await expectNothingToWrite('last run');
    for (const cloud of clouds) expect(await cloud.readOutside(), cloud.id).toEqual(outsideAtFirst.get(cloud.id));
  });
});
