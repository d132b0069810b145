/**
 * Limits of the authority file: whatever a connector asks of its store takes a turn first, by the number that stands there.
 * No case waits: how long a turn lasts is a matter of test/activities/pace.test.ts.
 */
import { expect } from 'vitest';
import type { MakePace } from '../../activities/pace.js';
import type { ConformanceCase } from './cases.js';
import { collect, type Scene } from './scene.js';

const perSecond = { read: 11, write: 7 };

interface Asked {
  turns: number;
  units: number;
}

function recorded() {
  const asked = new Map<number | undefined, Asked>();
  const makePace: MakePace = (unitsPerSecond) => {
    const of = asked.get(unitsPerSecond) ?? { turns: 0, units: 0 };
    asked.set(unitsPerSecond, of);
    return {
      turn: (units) => {
        of.turns += 1;
        of.units += units;
        return Promise.resolve();
      },
      used: (units) => void (of.units += units),
      hold: () => undefined,
    };
  };
  /** What was asked since the last time. */
  const since = () => {
    const told = { read: { ...asked.get(perSecond.read) }, write: { ...asked.get(perSecond.write) } };
    for (const of of asked.values()) Object.assign(of, { turns: 0, units: 0 });
    return told;
  };
  return { makePace, since, asked };
}

/** Who never waits, and what it was asked to wait. */
export function recordedHolds(): { readonly makePace: MakePace; readonly holds: readonly number[] } {
  const holds: number[] = [];
  const hold = (lengthMs: number): void => void holds.push(lengthMs);
  return { makePace: () => ({ turn: () => Promise.resolve(), used: () => undefined, hold }), holds };
}

const createOf = (id: string) =>
  ({ kind: 'create', type: 'parcel', after: { id, name: `Parcel ${id}`, note: null } }) as const;
/** A disk has no rate. */
const isPaced = ({ world }: Scene): boolean => world.mesh.kind !== 'folder';

export const paceCases: readonly ConformanceCase[] = [
  {
    name: 'every read and write takes its turn at the pace of the authority file, and uses what it costs',
    run: async (scene) => {
      if (!isPaced(scene)) return;
      const { makePace, since, asked } = recorded();
      const connector = scene.world.connector({ makePace, perSecond });
      expect([...asked.keys()]).toEqual([perSecond.read, perSecond.write]);
      expect(await connector.write(createOf('p-1'))).toMatchObject({ kind: 'applied' });
      const some = expect.toSatisfy((count) => count > 0) as number;
      expect(since().write).toEqual({ turns: 1, units: some });
      const reading = { read: { turns: some, units: some }, write: { turns: 0, units: 0 } };
      await connector.readOne('parcel', 'p-1');
      expect(since()).toEqual(reading);
      await collect(connector.readAll({ nativeTypes: ['parcel'] }));
      expect(since()).toEqual(reading);
      if (!connector.batches) return;
      await connector.batches.writeMany([createOf('p-2'), createOf('p-3')]);
      expect(since().write.turns).toBeGreaterThanOrEqual(1);
      await connector.batches.readMany('parcel', ['p-2', 'p-3']);
      expect(since().read.turns).toBeGreaterThanOrEqual(1);
    },
  },
  {
    name: 'a page holds as many as the authority file says',
    run: async (scene) => {
      if (!isPaced(scene)) return;
      for (const id of ['p-1', 'p-2', 'p-3']) await scene.connector.write(createOf(id));
      const seen = async (meshPageSize?: number) => {
        const { makePace, since } = recorded();
        const wishes = { makePace, perSecond, ...(meshPageSize === undefined ? {} : { meshPageSize }) };
        const items = await collect(scene.world.connector(wishes).readAll({ nativeTypes: ['parcel'] }));
        return { pages: items.filter(({ kind }) => kind === 'objects').length, turns: since().read.turns ?? 0 };
      };
      const [usual, single] = [await seen(), await seen(1)];
      const { mesh } = scene.world;
      if (!('files' in mesh)) expect([usual.pages, single.pages]).toEqual([expect.any(Number), 3]);
      // Of objects a page is one of names: what lists them is asked more often.
      else if (Object.values(mesh.files).some((file) => 'parts' in file))
        expect(single.turns).toBeGreaterThan(usual.turns);
    },
  },
];
