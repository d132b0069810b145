/** A store whose schema drifted, from its read to the plan: nothing is taken away anywhere for want of what it cannot say. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { approveDrift } from '../../../activities/authority/schema-seen.js';
import { usualDriftRules } from '../../../core/drift/drift-rules.js';
import type { SchemaDrift } from '../../../core/drift/schema-drift.js';
import type { JsonObject } from '../../../core/json.js';
import { dataset } from '../../support/local-federation.js';
import { atLyon, DriftWorld, layGround, shipments, type Ground, type Shipment } from './drift-world.js';

let ground: Ground;
let world: DriftWorld;
beforeAll(async () => {
  ground = await layGround();
});
beforeEach(() => {
  world = new DriftWorld(ground);
});
afterAll(() => ground.stop());

const brief = (drifts: readonly SchemaDrift[]) =>
  drifts.map(({ kind, property, to, fields, action }) =>
    [kind, property, to ?? '', fields.join(' '), action].join(' '),
  );
const without = (body: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([property]) => property !== name));
const changes = (operations: Awaited<ReturnType<DriftWorld['run']>>['operations']) =>
  operations.map(({ authority, changes: all }) => [authority, ...all.map(({ field }) => field)].join(' '));

describe('after an agreement', () => {
  it('a property inside of an object that got another name empties nothing, and the rest goes on', async () => {
    const rows = shipments(60);
    await world.put(rows);
    expect(await world.run({ agree: true })).toMatchObject({ operations: [], drifts: [] });
    const renamed = (row: Shipment): JsonObject => ({
      ...atLyon(row),
      adresse: { commune: row.city, rue: 'rue Haute' },
    });
    await world.put(rows, rows.map(renamed));
    const held = await world.run();
    expect(brief(held.drifts)).toEqual(['renamed adresse.ville adresse.commune city hold']);
    expect(held).toMatchObject({ operations: [], incomplete: ['shipment/schema'], records: 60 });
    // A weight that somebody corrects in the same hour reaches the other.
    await world.put(
      rows.map((row) => (row.number === 'S-00007' ? { ...row, weight: '5' } : row)),
      rows.map(renamed),
    );
    expect(changes((await world.run()).operations)).toEqual(['lyon weight']);
  });

  it('values that few objects had and all lost empty nothing, also where the read before was gone on from', async () => {
    const rows = shipments(500, 24);
    await world.put(rows);
    expect(await world.run({ agree: true })).toMatchObject({ operations: [], drifts: [] });
    const lost = rows.map((row) => without(atLyon(row), 'note'));
    await world.put(rows, lost);
    const held = await world.run();
    expect(held.clearing).toEqual([]);
    expect(brief(held.drifts)).toEqual(['lost note  note hold']);
    expect(held.operations).toEqual([]);
    // That a person says that it is meant takes them away: the plan would show it.
    await approveDrift(world.context('lyon'), dataset, held.drifts[0]?.id ?? '');
    const meant = await world.run();
    expect(meant.clearing).toHaveLength(24);
    expect(changes(meant.operations)).toEqual(Array.from({ length: 24 }, () => 'berlin note'));
  });

  it('an approval ends with the agreement after which nothing drifts, so that it counts once', async () => {
    const rows = shipments(60);
    await world.put(rows);
    await world.run({ agree: true });
    const noNotes = rows.map((row) => ({ ...row, note: null }));
    await world.put(noNotes);
    const { drifts: told } = await world.run();
    const [emptied, lost] = told;
    expect(brief(told)).toEqual(['emptied note  note hold', 'lost note  note hold']);
    await approveDrift(world.context('berlin'), dataset, emptied?.id ?? '');
    await approveDrift(world.context('lyon'), dataset, lost?.id ?? '');
    expect((await world.run({ agree: true })).drifts.map(({ approved }) => approved)).toEqual([true, true]);
    // Still approved while nobody agreed on anything else.
    expect(await world.run()).toMatchObject({ operations: [] });
    for (const count of [1, 2]) {
      await world.put([...rows, ...shipments(60 + count).slice(60)]);
      await world.run({ agree: true });
    }
    await world.put(noNotes);
    const again = (await world.run()).drifts.filter(({ kind }) => kind === 'lost');
    expect(again).toMatchObject([{ id: lost?.id, property: 'note', action: 'hold', approved: false }]);
  });

  it('a map that looks where nothing is empties nothing', async () => {
    await world.put(shipments(30));
    expect(await world.run({ agree: true })).toMatchObject({ operations: [], drifts: [] });
    const map = world.federation.maps['lyon.shipment'];
    if (!map) throw new Error('no map');
    const maps = {
      ...world.federation.maps,
      'lyon.shipment': { ...map, fields: { ...map.fields, note: { path: 'nota' } }, ignore: [...map.ignore, 'note'] },
    };
    world.federation = { ...world.federation, maps };
    const wrong = await world.run();
    expect(wrong.operations).toEqual([]);
    expect(brief(wrong.drifts)).toEqual(['lost nota  note hold']);
  });
});

describe('a store that declares the types of its columns', () => {
  const declared = { numero: 'text', poids: 'integer' };

  it('tells a column of another type, although its values look as before, until that is agreed on', async () => {
    const rows = shipments(500);
    await world.put(rows);
    world.declares = declared;
    expect(await world.run({ agree: true })).toMatchObject({ operations: [], drifts: [] });
    expect(await world.run()).toMatchObject({ drifts: [] });
    world.declares = { ...declared, poids: 'text' };
    expect(brief((await world.run()).drifts)).toEqual(['redeclared poids  weight report']);
    await world.put([...rows, ...shipments(501).slice(500)]);
    expect(brief((await world.run({ agree: true })).drifts)).toEqual(['redeclared poids  weight report']);
    expect((await world.run()).drifts).toEqual([]);
  });

  it('goes on holding it where the store told only what changed since', async () => {
    const drift = { shipment: { ...usualDriftRules, redeclared: 'hold' as const } };
    const before = world.federation.datasets[dataset];
    if (!before) throw new Error('no dataset');
    world.federation = {
      ...world.federation,
      datasets: { ...world.federation.datasets, [dataset]: { ...before, drift } },
    };
    world.hasChanges = true;
    const rows = shipments(200);
    await world.put(rows);
    world.declares = declared;
    expect(await world.run({ agree: true })).toMatchObject({ operations: [], drifts: [] });
    world.declares = { ...declared, poids: 'text' };
    const lighter = rows.map((row) => ({ ...row, weight: '5' }));
    await world.put(rows, lighter.map(atLyon));
    for (const _read of ['whole', 'only what changed']) {
      const held = await world.run();
      expect(brief(held.drifts)).toContain('redeclared poids  weight hold');
      expect(held.operations).toEqual([]);
    }
  });
});

describe('at first contact', () => {
  it('what the other copy calls otherwise is written nowhere, in this run and after an agreement', async () => {
    const rows = shipments(40);
    const called = (row: Shipment): JsonObject => ({ ...without(atLyon(row), 'destinataire'), client: row.receiver });
    await world.put(rows, rows.map(called));
    const first = await world.run({ agree: true });
    expect(first.operations).toEqual([]);
    expect(brief(first.drifts)).toEqual(['gained client   report', 'lost destinataire  receiver hold']);
    const second = await world.run();
    expect(second).toMatchObject({ operations: [], clearing: [] });
    expect(brief(second.drifts)).toEqual(['lost destinataire  receiver hold']);
    // A person says that it is meant: it was never agreed on, so nothing is taken away for it.
    await approveDrift(world.context('lyon'), dataset, second.drifts[0]?.id ?? '');
    const meant = await world.run();
    expect(meant.clearing).toEqual([]);
    expect(changes(meant.operations)).toEqual(Array.from({ length: 40 }, () => 'lyon receiver'));
  });

  it('what nobody there has yet is filled, where nothing could be it', async () => {
    const rows = shipments(40);
    await world.put(
      rows,
      rows.map((row) => without(atLyon(row), 'note')),
    );
    const { operations, drifts, incomplete } = await world.run();
    expect(brief(drifts)).toEqual(['lost note  note report']);
    expect(incomplete).toEqual([]);
    expect(changes(operations)).toEqual(Array.from({ length: 40 }, () => 'lyon note'));
  });

  it('a column that a table does not have is held, whatever else it has', async () => {
    const rows = shipments(3);
    await world.put(rows);
    await world.putCsv([
      'number,receiver,weight,city',
      ...rows.map((row) => `${row.number},${row.receiver},${row.weight},${row.city}`),
    ]);
    const { operations, drifts } = await world.run();
    expect(brief(drifts)).toEqual(['lost note  note hold']);
    expect(operations).toEqual([]);
  });

  it('what the map cannot read of nearly all objects is held, field after field, and the rest of each record goes on', async () => {
    const rows = shipments(40);
    const said = (row: Shipment, at: number): JsonObject => ({
      ...atLyon(row),
      // One of them is as it should be.
      adresse: at === 3 ? { ville: row.city } : [row.city],
      poids: `${row.weight} kg`,
      ...(at === 5 ? { destinataire: 'Somebody else' } : {}),
      ...(at < 10 ? { note: null } : {}),
    });
    await world.put(rows, rows.map(said));
    const { operations, drifts, untranslatable, records } = await world.run();
    expect(brief(drifts)).toEqual(['retyped poids  weight hold', 'retyped adresse  city hold'].sort());
    expect({ untranslatable, records }).toEqual({ untranslatable: 0, records: 40 });
    expect(changes(operations)).toEqual(Array.from({ length: 10 }, () => 'lyon note'));
  });
});
