/** What changed of an object of records, over a store of objects that is not ours. */
import { expect, it } from 'vitest';
import type { ChangeCursors, ChangeItem, Changes, Connector } from '../../../activities/connectors/connector.js';

export interface ObjectScene {
  /** Of the native types `parcel` and `pair`. */
  readonly connector: () => Connector;
  readonly put: (type: 'parcel' | 'pair', text: string) => Promise<void>;
  readonly remove: (type: 'parcel' | 'pair') => Promise<void>;
}

export async function positionsOf({ changes }: Connector, types: readonly string[]): Promise<ChangeCursors> {
  const positions = await (changes as Changes).positions(types);
  return Object.fromEntries(
    Object.entries(positions).flatMap(([type, one]) => (one.kind === 'cursor' ? [[type, one.cursor]] : [])),
  );
}

export async function toldSince({ changes }: Connector, cursors: ChangeCursors) {
  const items: ChangeItem[] = [];
  for await (const item of (changes as Changes).changesSince(cursors)) items.push(item);
  const end = items.at(-1);
  if (end?.kind !== 'end') throw new Error('it has no end');
  return {
    objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])),
    gone: items.flatMap((item) => (item.kind === 'gone' ? item.ids : [])),
    untold: items.flatMap((item) => (item.kind === 'untold' ? [`${item.nativeType} ${item.why}`] : [])),
    cursors: end.cursors,
  };
}

export function objectChangesCases({ connector, put, remove }: ObjectScene): void {
  it('tell nothing of an object that is the one that was read, and all of it where it is another', async () => {
    await put('parcel', '{"id":"a"}\n');
    await put('pair', '');
    const at = connector();
    const cursors = await positionsOf(at, ['parcel', 'pair']);
    expect(Object.keys(cursors)).toEqual(['parcel', 'pair']);
    expect(await toldSince(at, cursors)).toEqual({ objects: [], gone: [], untold: [], cursors });
    await put('parcel', '{"id":"b"}\n');
    expect(await toldSince(at, cursors)).toMatchObject({ objects: [], gone: [], untold: ['parcel many'] });
    expect((await toldSince(at, cursors)).cursors).toEqual({ pair: cursors['pair'] });
    const later = await positionsOf(at, ['parcel']);
    expect((await toldSince(at, later)).untold).toEqual([]);
  });

  it('say so where an object is gone, and tell nothing as deleted', async () => {
    await put('parcel', '{"id":"a"}\n');
    const at = connector();
    const cursors = await positionsOf(at, ['parcel']);
    await remove('parcel');
    expect(await toldSince(at, cursors)).toEqual({ objects: [], gone: [], untold: ['parcel doubtful'], cursors: {} });
    expect(await (at.changes as Changes).positions(['parcel'])).toMatchObject({ parcel: { kind: 'none' } });
    await put('parcel', '{"id":"a"}\n{"id":"c"}\n');
    expect((await toldSince(at, cursors)).untold).toEqual(['parcel many']);
  });
}
