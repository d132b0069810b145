/** The sampled digests of values that an agreed schema keeps (core/drift/native-shape.ts): keyed, and still of somebody. */
import { NativeShape } from '../../core/drift/native-shape.js';
import type { ObjectStore } from '../store.js';

/**
 * Takes the samples of a type out. Which of them is of the record nobody can tell, so all go; until the next agreement a
 * renamed property shows as one that was lost and one that was gained.
 */
export async function pruneSchemas(store: ObjectStore, dataset: string, type: string): Promise<void> {
  for (const name of await store.list(`schemas/${dataset}/`)) {
    const bytes = await store.get(name);
    const shapes = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
    const shape = NativeShape.safeParse(shapes?.[type]).data;
    if (!shapes || !shape || Object.values(shape.properties).every(({ sample, few }) => !few && sample.length === 0))
      continue;
    const properties = Object.fromEntries(
      Object.entries(shape.properties).map(([property, own]) => [property, { ...own, sample: [], few: null }]),
    );
    await store.remove(name);
    // HAZARD: where this is cut off the schema is gone, and what the next run shows is agreed on anew.
    await store.putIfAbsent(
      name,
      new TextEncoder().encode(JSON.stringify({ ...shapes, [type]: { ...shape, properties } })),
    );
  }
}
