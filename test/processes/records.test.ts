/** Three folders with the same shipments in three forms, through Temporal: agreement, drift, approval, commit, and rest. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectStore } from '../../activities/store.js';
import { readSnapshots } from '../../cli/reading/documents.js';
import { Base } from '../../core/messages.js';
import { newVersionWords } from '../../core/new-versions.js';
import type { RunResult } from '../../workflows/messages.js';
import { eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { folderMeshes, recordFederationFiles } from '../support/record-federation.js';
import { runCommand, type CommandRun } from '../support/run-command.js';
import { temporalAddress } from '../support/temporal.js';

let local: LocalFederation;
const file = (name: string): string => path.join(local.folder, '..', 'data', name);
const berlin = 'berlin/shipments.csv';
const lyon = 'lyon/envois.jsonl';
const oslo = 'oslo/sendinger.csv';

/** A command line as a person of this federation types it. */
const concordat = async (...argv: string[]): Promise<CommandRun> =>
  runCommand([...argv, '--federation', local.folder], {
    workingFolder: local.folder,
    environment: { TEMPORAL_ADDRESS: await temporalAddress() },
  });

beforeAll(async () => {
  local = await startFederation({ wholeFolder: recordFederationFiles(folderMeshes) });
  for (const folder of ['berlin', 'lyon', 'oslo']) await mkdir(file(folder), { recursive: true });
  await writeFile(
    file(berlin),
    'number;receiver;grams;sent;fragile\nS-1;Zoë;1500;2024-05-01 12:00:00;yes\nS-2;Ann;250.50;2024-05-02 08:30:00;no\n',
  );
  // The same in kilograms, seconds since 1970, and letters with their accents apart.
  await writeFile(
    file(lyon),
    '{"numero":"S-2","destinataire":"Ann","poids":0.2505,"expedie":1714635000,"fragile":false}\n' +
      '{"numero":"S-1","destinataire":"Zoe\u0308","poids":1.500,"expedie":1714561200,"fragile":true,"note":"à garder"}\n',
  );
  await writeFile(
    file(oslo),
    'nr,mottaker,vekt,sendt,skjor\r\nS-1,Zoë,1500.0,2024-05-01T13:00:00+02:00,j\r\nS-2,Ann,250.5,2024-05-02T07:30:00Z,n\r\n',
  );
});
afterAll(() => local?.stop());

it('agree as they are, and bring what drifted to where it is missing, leaving every other byte', async () => {
  const before = await Promise.all([berlin, lyon, oslo].map((name) => readFile(file(name), 'utf8')));
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
  expect(await Promise.all([berlin, lyon, oslo].map((name) => readFile(file(name), 'utf8')))).toEqual(before);

  const [first = '', second = '', third = ''] = before;
  await writeFile(file(berlin), first.replace('250.50', '300'));
  await writeFile(
    file(lyon),
    `${second}{"numero":"S-3","destinataire":"Léa","poids":9007199254740993.001,"expedie":0,"fragile":null}\n`,
  );
  await writeFile(file(oslo), third.replace('S-1,Zoë,1500.0,2024-05-01T13:00:00+02:00,j\r\n', ''));
  const run = await local.run();
  expect(run).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 6 } });

  expect(await readFile(file(berlin), 'utf8')).toBe(
    'number;receiver;grams;sent;fragile\nS-2;Ann;300;2024-05-02 08:30:00;no\nS-3;Léa;9007199254740993001;1970-01-01 01:00:00;\n',
  );
  expect(await readFile(file(lyon), 'utf8')).toBe(
    '{"numero":"S-2","destinataire":"Ann","poids":0.3,"expedie":1714635000,"fragile":false}\n' +
      '{"numero":"S-3","destinataire":"Léa","poids":9007199254740993.001,"expedie":0,"fragile":null}\n',
  );
  expect(await readFile(file(oslo), 'utf8')).toBe(
    'nr,mottaker,vekt,sendt,skjor\r\nS-2,Ann,300,2024-05-02T07:30:00Z,n\r\nS-3,Léa,9007199254740993001,1970-01-01T00:00:00Z,\r\n',
  );
  const rest = await local.run();
  expect(rest).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
  // Its own writes changed the file, so it was read once more; since then nothing did.
  expect((await readSnapshots(local.federation, local.exchange, rest.snapshots))['berlin']?.reads).toEqual([
    { type: 'shipment', read: 'full', why: 'many', objects: 2 },
  ]);
  const still = await local.run({}, false);
  expect(still).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
  expect((await readSnapshots(local.federation, local.exchange, still.snapshots))['berlin']?.reads).toEqual([
    { type: 'shipment', read: 'increment', why: 'changes', objects: 0 },
  ]);
});

it('hold what a lost column would have said, let the rest go on, and go by a person who says that it is meant', async () => {
  const [atOslo, atLyon] = await Promise.all([readFile(file(oslo), 'utf8'), readFile(file(lyon), 'utf8')]);
  // The only row with a note is gone, and nothing is read from there.
  const before = await concordat('taxonomy', 'diff');
  expect(before).toMatchObject({ code: 0, stderr: '' });
  expect(before.stdout).toMatch(
    /^lyon {2}drifted [0-9a-f]{12} envoi: note is gone from all 2 objects; no field is read from it\n$/,
  );
  // Without the last column; and beside it somebody corrects a weight.
  await writeFile(file(oslo), atOslo.replaceAll(/,[a-z]*\r\n/g, '\r\n'));
  await writeFile(file(lyon), atLyon.replace('"poids":0.3', '"poids":0.4'));
  const held = await local.run();
  expect(held).toMatchObject({ outcome: 'divergent', plan: { operations: 2 }, agreement: { sequence: 3 } });
  expect(held.plan.incompleteScopes).toEqual(['oslo shipment/schema (schemaDrifted)']);
  expect(await readFile(file(berlin), 'utf8')).toContain('S-2;Ann;400;2024-05-02 08:30:00;no\n');

  // The new agreement does not make the lost column the usual thing.
  const again = await local.run({}, false);
  expect(again).toMatchObject({ outcome: 'divergent', plan: { operations: 0 } });
  const snapshots = await readSnapshots(local.federation, local.exchange, again.snapshots);
  const drifts = Object.values(snapshots).flatMap(({ drifts: own = [] }) => own);
  expect(drifts).toMatchObject([
    { kind: 'lost', native: 'sending', property: 'skjor', fields: ['fragile'], action: 'hold', count: 2 },
  ]);

  const [{ id: drift } = { id: '' }] = drifts;
  const words = 'skjor is gone from all 2 objects';
  const shown = await concordat('taxonomy', 'diff');
  expect(shown).toMatchObject({ code: 2, stderr: '' });
  expect(shown.stdout.trimEnd().split('\n').slice(-2)).toEqual([
    `oslo  drifted ${drift.slice(0, 12)} sending: ${words}; fragile of shipment is untold here, the rest goes on`,
    `change maps/<authority>.<type>.yaml where the map is wrong now, or say that it is meant: concordat taxonomy approve ${drift.slice(0, 12)} --as KEY`,
  ]);
  const told = await concordat('taxonomy', 'diff', '--dataset', 'workforce', '--json');
  expect(told.code).toBe(2);
  expect(JSON.parse(told.stdout)).toMatchObject({
    dataset: 'workforce',
    drifts: expect.arrayContaining([
      expect.objectContaining({ authority: 'oslo', id: drift, kind: 'lost', action: 'hold', words }),
    ]),
  });

  // What cannot be meant is said at once, and nothing is approved by it.
  for (const [argv, error] of [
    [['diff', '--dataset', 'workfroce'], 'the federation has no dataset workfroce; did you mean workforce?'],
    [['diff', '--run', 'zzz'], 'there is no run zzz'],
    [['approve', 'ffff', '--as', 'you'], `no held drift ffff: there is ${drift.slice(0, 12)}`],
    [['approve', drift.slice(0, 3), '--as', 'you'], `no held drift ${drift.slice(0, 3)}: there is`],
    [['approve', drift, '--as', 'ana'], 'ana'],
    [['propose', '--mesh', 'osla'], 'the dataset has no member osla; did you mean oslo?'],
  ] as const) {
    const refused = await concordat('taxonomy', ...argv);
    expect(refused.code, refused.stdout).toBe(1);
    expect(refused.stderr).toContain(error);
  }
  const proposed = await concordat('taxonomy', 'propose', 'workforce', '--mesh', 'oslo', '--json');
  expect(proposed).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(proposed.stdout)).toMatchObject({
    authority: 'oslo',
    proposals: [{ type: 'shipment', file: 'proposals/oslo.shipment.yaml', inPlaceOf: 'maps/oslo.shipment.yaml' }],
    faults: [expect.stringContaining('authorities/oslo.yaml')],
  });
  const proposal = await readFile(path.join(local.folder, 'proposals/oslo.shipment.yaml'), 'utf8');
  expect(proposal).toContain('# Changed: fragile is not held here any more');
  expect(proposal).not.toMatch(/^ +fragile:/m);
  expect(await concordat('taxonomy', 'propose', '--mesh', 'oslo')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('proposals/oslo.shipment.yaml is there already') as string,
  });
  const nothing = await concordat('taxonomy', 'propose', '--mesh', 'berlin');
  expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to propose') as string });

  const reason = ['--reason', 'dropped on purpose'];
  const prefix = drift.slice(0, 12).toUpperCase();
  const approved = await concordat('taxonomy', 'approve', prefix, '--as', 'you', ...reason, '--json');
  expect(approved).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(approved.stdout)).toEqual({ dataset: 'workforce', authority: 'oslo', drift, approver: 'you' });
  const meant = await local.run();
  const after = await concordat('taxonomy', 'diff');
  expect(after).toMatchObject({ code: 0, stderr: '' });
  expect(after.stdout).toContain(`${words}; approved`);
  expect(meant).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 2, incompleteScopes: [] } });
  expect(await readFile(file(berlin), 'utf8')).toContain('S-2;Ann;400;2024-05-02 08:30:00;\n');
  expect(await readFile(file(lyon), 'utf8')).toContain('"poids":0.4,"expedie":1714635000,"fragile":null}');
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
});

const everyone = ['federation', 'berlin', 'lyon', 'oslo'];
const restart = async (ids = everyone): Promise<void> => {
  await Promise.all(ids.map((id) => local.endWorker(id, 'SIGTERM')));
  await Promise.all(ids.map((id) => local.startWorker(id)));
};
const inFolder = (name: string): string => path.join(local.folder, name);
const baseOf = async ({ agreement }: RunResult): Promise<Base> =>
  Base.parse(JSON.parse(await textOf(local.exchange, `berlin/documents/${agreement?.base ?? ''}`)));
const textOf = async (store: ObjectStore, name: string): Promise<string> =>
  new TextDecoder().decode((await store.get(name)) ?? undefined);

it('ask all who hold a type about a map that is new, agree on nothing until all approve it, and ask again who turned it down', async () => {
  const map = await readFile(inFolder('maps/oslo.shipment.yaml'), 'utf8');
  await writeFile(inFolder('maps/oslo.shipment.yaml'), `${map}ignore: [merknad]\n`);
  // The folder of lyon lacks the new map, so it takes no part: and what needs its approval waits for it, whoever asks.
  await restart(['federation', 'berlin', 'oslo']);
  const without = await local.run({}, false);
  expect(without).toMatchObject({
    outcome: 'divergent',
    absent: [{ authority: 'lyon', code: 'configurationDiffers' }],
    plan: { newVersions: 1, versionsWaitFor: ['lyon'], affected: [], baseMoves: false },
    agreement: null,
  });
  expect((await concordat('plan')).stdout).toContain('waits for lyon, who takes no part in this run');

  await restart(['lyon']);
  const words = 'map of oslo for shipment is new: 2 of 2 records come back as they were';
  const handle = await local.start();
  const asked = await local.planOf(handle);
  expect(asked).toMatchObject({ operations: 0, newVersions: 1, affected: ['berlin', 'lyon', 'oslo'] });
  const shown = await concordat('plan', asked.planDigest.slice(0, 12));
  expect(shown.stdout).toContain(`v1 ${words}`);
  await eventually('the inbox to name it', async () => {
    const { stdout } = await concordat('inbox', '--as', 'you');
    return stdout.split('0 operations, 0 conflicts, 1 new type or map; 1 open').length === 4;
  });
  const turnedDown = await concordat(
    'reject',
    asked.planDigest,
    '--as',
    'you',
    '--authority',
    'lyon',
    '--only',
    'v1',
    '--reason',
    'not yet',
    '--yes',
  );
  expect(turnedDown, turnedDown.stderr).toMatchObject({ code: 0 });
  expect(turnedDown.stdout).toContain('lyon: rejected 1 new version; its review is closed');
  for (const authority of ['berlin', 'oslo']) await local.decide(authority, asked.planDigest);
  const rejected = (await handle.result()) as RunResult;
  expect(rejected).toMatchObject({ outcome: 'divergent', agreement: null, commits: [], left: 0 });
  expect(rejected.reviews.map(({ authority, outcome }) => [authority, outcome])).toEqual([
    ['berlin', 'approved'],
    ['lyon', 'rejected'],
    ['oslo', 'approved'],
  ]);
  const told = await concordat('show');
  expect(told.stdout).toContain(words);
  expect(told.stdout).toContain('unchanged: a new type or map is not approved by all who hold it');

  // The others' word stands. Who said no is asked again, and what is new is agreed on though no record changed.
  const next = await local.start();
  const again = await local.planOf(next);
  expect(again.planDigest).not.toBe(asked.planDigest);
  const approved = await concordat('approve', again.planDigest, '--as', 'you', '--yes');
  expect(approved.stdout).toContain('lyon: approved 1 new version; its review is closed');
  expect(approved.stdout).not.toContain('berlin: approved 1 new version');
  const agreed = (await next.result()) as RunResult;
  expect(agreed).toMatchObject({ outcome: 'agreed', left: 0, commits: [] });
  const { agreedUnder } = await baseOf(agreed);
  expect(Object.keys(agreedUnder?.['shipment']?.maps ?? {})).toEqual(['berlin', 'lyon', 'oslo']);
  const rest = await local.run({}, false);
  expect(rest).toMatchObject({ outcome: 'agreed', agreement: null, plan: { operations: 0, affected: [] } });
  expect(rest.plan.newVersions).toBeUndefined();
});

it('move to a new version of their type one by one, compare in the newest, and take what was agreed along', async () => {
  // The receiver becomes two names, and the moment of sending another word; berlin moves its file and map at once.
  const taxonomy = await readFile(inFolder('taxonomy/shipment.yaml'), 'utf8');
  await writeFile(
    inFolder('taxonomy/shipment.yaml'),
    `${taxonomy
      .replace('type: shipment', 'type: shipment\nversion: 2')
      .replace(
        / {2}receiver: .*\n/,
        '  givenName: { kind: text, normalForm: NFC }\n  familyName: { kind: text, normalForm: NFC }\n',
      )
      .replace('sentAt:', 'departedAt:')}earlier:
  moved:
    givenName: { from: receiver, through: [{ part: first, at: ' ' }] }
    familyName: { from: receiver, through: [{ part: rest, at: ' ' }] }
    departedAt: { from: sentAt }
`,
  );
  const moveMap = async (authority: string, change: (text: string) => string): Promise<void> => {
    const name = inFolder(`maps/${authority}.shipment.yaml`);
    const text = (await readFile(name, 'utf8'))
      .replace('lifecycle: active', 'version: 2\nlifecycle: active')
      .replace('sentAt:', 'departedAt:');
    await writeFile(name, change(text));
  };
  const names = (given: string, family: string) => (text: string) =>
    text.replace(/ {2}receiver: .*\n/, `  givenName: { path: ${given} }\n  familyName: { path: ${family} }\n`);
  await moveMap('berlin', names('given', 'family'));
  expect(await concordat('validate')).toMatchObject({ code: 0 });
  await restart();
  const [atLyon, atOslo] = await Promise.all([lyon, oslo].map((name) => readFile(file(name), 'utf8')));
  // While berlin moves, it corrects a given name, and lyon, in its old words, writes a family name.
  await writeFile(
    file(berlin),
    'number;given;family;grams;sent;fragile\nS-2;Ann;;400;2024-05-02 08:30:00;\nS-3;Léo;;9007199254740993001;1970-01-01 01:00:00;\n',
  );
  await writeFile(file(lyon), (atLyon ?? '').replace('"Ann"', '"Ann Lee"'));
  const mixed = await local.run();
  // The type and the map of berlin are asked of all three, with what the very same snapshots prove.
  expect(mixed).toMatchObject({
    outcome: 'agreed',
    left: 0,
    plan: { operations: 4, conflicts: 0, newVersions: 2, affected: ['berlin', 'lyon', 'oslo'] },
  });
  expect((await local.plan(mixed.plan.plan)).newVersions?.map(newVersionWords)).toEqual([
    'type shipment is new (version 2 after 1): 2 of 2 records of berlin come back as they were, 2 of 2 records of lyon come back as they were, 2 of 2 records of oslo come back as they were',
    'map of berlin for shipment is new (version 2 after 1): 2 of 2 records come back as they were',
  ]);
  expect(await readFile(file(berlin), 'utf8')).toContain('S-2;Ann;Lee;400;2024-05-02 08:30:00;\n');
  expect(await readFile(file(lyon), 'utf8')).toContain('"destinataire":"Léo"');
  expect(await readFile(file(oslo), 'utf8')).toBe((atOslo ?? '').replace('Ann', 'Ann Lee').replace('Léa', 'Léo'));
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });

  // The others follow, each with its store and its map: nothing is left to do, and nothing was asked twice.
  await moveMap('lyon', names('prenom', 'nom'));
  await moveMap('oslo', (text) =>
    text.replace(
      / {2}receiver: .*\n/,
      `  givenName: { path: mottaker, through: [{ part: first, at: ' ' }] }\n  familyName: { path: mottaker, through: [{ part: rest, at: ' ' }] }\n`,
    ),
  );
  await restart();
  const lines = (await readFile(file(lyon), 'utf8'))
    .replace('"destinataire":"Ann Lee"', '"prenom":"Ann","nom":"Lee"')
    .replace('"destinataire":"Léo"', '"prenom":"Léo","nom":null');
  await writeFile(file(lyon), lines.replace('"nom":"Lee"', '"nom":"Leigh"'));
  const moved = await local.run();
  expect(moved).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 2, conflicts: 0 } });
  expect(await readFile(file(oslo), 'utf8')).toContain('S-2,Ann Leigh,400,');
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
});
