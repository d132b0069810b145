/** An agreed schema without the samples of the type whose record is erased. */
import { expect, it } from 'vitest';
import { pruneSchemas } from '../../../activities/erasure/private-schemas.js';
import { ShapeCounter } from '../../../core/drift/shape-counter.js';
import { MemoryStore } from '../../support/memory-store.js';

const shape = () => {
  const counter = new ShapeCounter({ expectedCount: 1, digest: (text) => `digest of ${text}`.padEnd(20) });
  counter.add('id', { name: 'Ann' });
  return counter.shape();
};

it('loses its samples, and those of other types and datasets stay', async () => {
  const store = new MemoryStore();
  const bytes = new TextEncoder().encode(JSON.stringify({ person: shape(), team: shape() }));
  const names = ['schemas/crew/agreed', 'schemas/crew/runs/1', 'schemas/other/agreed'];
  for (const name of names) await store.putIfAbsent(name, bytes);
  await pruneSchemas(store, 'crew', 'person');
  const texts = await Promise.all(
    names.map(async (name) => new TextDecoder().decode((await store.get(name)) ?? undefined)),
  );
  const samples = texts.map((text) => {
    const { person, team } = JSON.parse(text) as Record<'person' | 'team', ReturnType<typeof shape>>;
    return [person, team].map(({ properties }) => [properties['name']?.sample.length, properties['name']?.few?.length]);
  });
  const [gone, kept] = [
    [0, undefined],
    [1, 1],
  ];
  expect(samples).toEqual([
    [gone, kept],
    [gone, kept],
    [kept, kept],
  ]);
  await pruneSchemas(store, 'crew', 'person');
});
