/** What every store of objects must get out of a type whose rows lie in many parts under one prefix. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Changes, Connector } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { Mesh } from '../../core/federation/authority.js';
import { positionsOf, toldSince } from '../systems/support/object-changes.js';
import { collect, endsIn } from './scene.js';
import type { ConnectorWishes } from './world.js';

type Files = Extract<Mesh, { readonly files: object }>['files'];

export interface PartsWorld {
  readonly name: string;
  connector(files: Files, wishes?: ConnectorWishes): Connector;
  /** The same with `changes`. */
  following(files: Files): Connector;
  /** Nothing is there. */
  emptied(): Promise<void>;
  put(name: string, bytes: string): Promise<void>;
  held(name: string): Promise<string>;
  remove(name: string): Promise<void>;
}

const jsonLines: Files = { parcel: { parts: 'parcels/', format: 'jsonLines', key: ['id'] } };
const csv: Files = { parcel: { parts: 'parcels/', format: 'csv', key: ['id'] } };
const row = (id: string, more: JsonObject = {}): string => `${JSON.stringify({ id, ...more })}\n`;
const update = (id: string, note: string) =>
  ({ kind: 'update', type: 'parcel', id, before: { id }, after: { id, note } }) as const;
const deletion = (id: string) =>
  ({ kind: 'delete', type: 'parcel', id, before: { id }, deletionMayRemove: [] }) as const;
const creation = (id: string) => ({ kind: 'create', type: 'parcel', after: { id } }) as const;

const read = async (connector: Connector, cursor?: string) => {
  const items = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  const objects = items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));
  return { items, ends: endsIn(items), objects, ids: objects.map(({ id }) => id) };
};

export function describeParts(world: PartsWorld): void {
  describe(`parts under a prefix of ${world.name}`, () => {
    const part = (at: number): string => `parcels/part-000${at}.jsonl`;
    const usual = (wishes: ConnectorWishes = { pageSize: 2 }): Connector => world.connector(jsonLines, wishes);
    beforeEach(async () => {
      await world.emptied();
      await world.put(part(2), row('e'));
      await world.put(part(0), row('a') + row('b') + row('c'));
      await world.put(part(1), row('d'));
    });

    it('are read in the order of their names over several pages of the list, folders too, and no marker is one', async () => {
      await world.put('parcels/dt=2026-11-01/part-0.jsonl', row('f'));
      await world.put('parcels/Z.jsonl', row('g'));
      await world.put('parcels/_SUCCESS', 'no row');
      await world.put('parcels/_temporary/0/part-0.jsonl', row('h'));
      await world.put('parcels/.part-0000.jsonl.crc', 'no row');
      await world.put('parcelsOfOthers/part-0.jsonl', row('i'));
      const { ends, ids } = await read(usual());
      expect(ends).toEqual(['parcel']);
      expect(ids).toEqual(['g', 'f', 'a', 'b', 'c', 'd', 'e']);
      expect(await usual().readOne('parcel', 'f')).toMatchObject({ id: 'f' });
      expect((await usual().probe()).permissions.filter(({ held }) => held !== true)).toEqual([]);
    });

    it('of which none is there are no empty type, and are not begun', async () => {
      for (const at of [0, 1, 2]) await world.remove(part(at));
      expect((await read(usual())).ends).toEqual(['parcel: scopeNotFound']);
      expect(await usual().write(creation('a'))).toMatchObject({ kind: 'refused', code: 'scopeNotFound' });
      expect(await usual().probe()).toMatchObject({ code: 'scopeNotFound' });
    });

    it('that change, go or come while they are read make the type incomplete, whatever else they show', async () => {
      const changing = async (change: () => Promise<void>) => {
        const ids: string[] = [];
        const items = [];
        for await (const item of usual({ pageSize: 1 }).readAll({})) {
          if (items.length === 0) await change();
          items.push(item);
          if (item.kind === 'objects') ids.push(...item.objects.map(({ id }) => id));
        }
        return [endsIn(items), ids];
      };
      expect(await changing(() => world.put(part(1), row('d') + row('x')))).toEqual([
        ['parcel: listChanged'],
        ['a', 'b', 'c', 'e'],
      ]);
      expect(await changing(() => world.remove(part(1)))).toEqual([['parcel: listChanged'], ['a', 'b', 'c', 'e']]);
      // It moved from a part that was not read yet into one that nobody listed.
      expect(
        await changing(async () => {
          await world.put('parcels/a-first.jsonl', row('e'));
          await world.put(part(2), '');
        }),
      ).toEqual([['parcel: listChanged'], ['a', 'b', 'c']]);
      // Of what was read already, and of what is new, only the list tells at the end.
      const first = 'parcels/a-first.jsonl';
      expect(await changing(() => world.put(first, row('e') + row('x')))).toMatchObject([['parcel: listChanged'], {}]);
      expect(await changing(() => world.put('parcels/a-second.jsonl', row('y')))).toEqual([
        ['parcel: listChanged'],
        ['e', 'x', 'a', 'b', 'c'],
      ]);
      expect((await read(usual())).ends).toEqual(['parcel']);
    });

    it('go on where a read stopped while they are the same, and begin again where they are not', async () => {
      const whole = await read(usual({ pageSize: 1 }));
      for (const [at, { cursor }] of whole.items.entries()) {
        const rest = await read(usual({ pageSize: 1 }), cursor);
        expect(rest.items).toEqual(whole.items.slice(at + 1));
      }
      await world.put(part(3), row('f'));
      await expect(read(usual(), whole.items[0]?.cursor)).rejects.toMatchObject({ code: 'cursorLost' });
    });

    it('of which one cannot be read show the rows of the others and are incomplete, and none is written', async () => {
      for (const bad of ['{"id":"d"', '{"name":"no key"}\n']) {
        await world.put(part(1), bad);
        const { ends, ids } = await read(usual());
        expect(ends).toEqual(['parcel: rowUnreadable']);
        expect(ids).toEqual(['a', 'b', 'c', 'e']);
      }
      const parquet: Files = { parcel: { parts: 'parcels/', format: 'parquet', key: ['id'] } };
      expect((await read(world.connector(parquet))).ends).toEqual(['parcel: fileDamaged']);
      const headless = world.connector(csv);
      await world.put(part(1), 'id,note\nd,"x" y\n');
      expect((await read(headless)).ends).toEqual(['parcel: rowUnreadable']);
      expect(await headless.write(creation('z'))).toMatchObject({ kind: 'refused', code: 'rowUnreadable' });
    });

    it('that hold one key twice show it as opaque, and it is written in neither', async () => {
      await world.put(part(2), row('b', { note: 'again' }) + row('e'));
      const { ends, objects } = await read(usual());
      expect(ends).toEqual(['parcel']);
      const latest = new Map(objects.map((object) => [object.id, object]));
      expect([...latest.values()].filter(({ opaque }) => opaque !== undefined).map(({ id }) => id)).toEqual(['b']);
      expect((await usual().readOne('parcel', 'b'))?.opaque).toMatch(/more than one row/);
      for (const write of [update('b', 'x'), deletion('b')])
        expect(await usual().write(write)).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
      expect(await usual().write(creation('b'))).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
      expect(await world.held(part(0))).toBe(row('a') + row('b') + row('c'));
    });

    it('are written where the row stands, and a new row into the last one; all other parts stay as they are', async () => {
      const untouched = ` {"id":"d"}\r\n`;
      await world.put(part(1), untouched);
      const writes = [update('b', 'x'), deletion('e'), creation('f'), update('nobody', 'y'), creation('d')];
      const answers = await usual().batches?.writeMany(writes);
      expect(answers).toMatchObject([
        { kind: 'applied' },
        { kind: 'applied' },
        { kind: 'applied', id: 'f' },
        { kind: 'conflict', code: 'expectationFailed' },
        { kind: 'conflict', code: 'nameTaken' },
      ]);
      expect(await world.held(part(0))).toBe(row('a') + row('b', { note: 'x' }) + row('c'));
      expect(await world.held(part(1))).toBe(untouched);
      expect(await world.held(part(2))).toBe(row('f'));
      const before = await positionsOf(world.following(jsonLines), ['parcel']);
      expect(await usual().batches?.writeMany([update('nobody', 'y'), creation('d')])).toHaveLength(2);
      expect(await positionsOf(world.following(jsonLines), ['parcel'])).toEqual(before);
    });

    it('of which the last has no room get one of ours, which takes the next rows too', async () => {
      await world.remove(part(0));
      await world.remove(part(1));
      await world.put('parcels/part-0.csv', 'id,note\r\na,1\r\n');
      await world.remove(part(2));
      const connector = world.connector(csv, { partBytesMax: 12 });
      expect(await connector.write(creation('b'))).toEqual({ kind: 'applied', id: 'b' });
      expect(await connector.write(creation('c'))).toEqual({ kind: 'applied', id: 'c' });
      expect(await world.held('parcels/part-0.csv')).toBe('id,note\r\na,1\r\n');
      const { ids, ends, objects } = await read(connector);
      expect(ends).toEqual(['parcel']);
      expect([...ids].sort()).toEqual(['a', 'b', 'c']);
      expect(objects.find(({ id }) => id === 'b')?.body).toEqual({ id: 'b', note: null });
      // With room for both, the one of ours comes before those of others.
      const roomy = world.connector(csv, { partBytesMax: 1_000 });
      expect(await roomy.write(creation('d'))).toEqual({ kind: 'applied', id: 'd' });
      expect(await world.held('parcels/part-0.csv')).toBe('id,note\r\na,1\r\n');
    });

    it('in folders that say a value take no new row, for nothing says into which', async () => {
      await world.put('parcels/day=1/part-0.jsonl', row('f'));
      expect(await usual().write(creation('g'))).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      expect(await usual().write(update('f', 'x'))).toEqual({ kind: 'applied', id: 'f' });
      expect(await world.held('parcels/day=1/part-0.jsonl')).toBe(row('f', { note: 'x' }));
    });

    it('one after the other are sent only while the commit may go on', async () => {
      let asked = 0;
      const mayGoOn = (): boolean => (asked += 1) <= 2;
      const answers = await usual().batches?.writeMany([update('a', 'x'), update('d', 'x')], { mayGoOn });
      expect(answers).toMatchObject([{ kind: 'applied' }, { kind: 'notSent' }]);
      expect(await world.held(part(1))).toBe(row('d'));
    });

    it('that somebody changes between the copy and the put keep that change', async () => {
      const answer = await usual().write(update('d', 'ours'), () => world.put(part(1), row('d') + row('theirs')));
      expect(answer).toEqual({ kind: 'applied', id: 'd' });
      expect(await world.held(part(1))).toBe(row('d', { note: 'ours' }) + row('theirs'));
      const late = await usual().write(update('e', 'ours'), () => world.put(part(2), row('other')));
      expect(late).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    });

    it('that are those that were read tell nothing as changed, and all of it where one is another, new or gone', async () => {
      const connector = world.following(jsonLines);
      const cursors = await positionsOf(connector, ['parcel']);
      expect(await toldSince(connector, cursors)).toEqual({ objects: [], gone: [], untold: [], cursors });
      for (const change of [
        () => world.put(part(1), row('d', { note: 'x' })),
        () => world.put('parcels/part-0009.jsonl', row('z')),
        () => world.remove(part(0)),
      ]) {
        const before = await positionsOf(connector, ['parcel']);
        await change();
        expect(await toldSince(connector, before)).toMatchObject({ objects: [], gone: [], untold: ['parcel many'] });
      }
      await world.remove(part(1));
      await world.remove(part(2));
      await world.remove('parcels/part-0009.jsonl');
      expect(await (connector.changes as Changes).positions(['parcel'])).toMatchObject({ parcel: { kind: 'none' } });
    });
  });
}
