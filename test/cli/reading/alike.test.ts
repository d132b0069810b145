/** What is said of a record that all members show alike, of which there is nothing to explain. */
import { expect, it } from 'vitest';
import { alikeWords, type Sealed } from '../../../cli/reading/alike.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { SealedType } from '../../../core/sealed.js';
import { MemoryStore } from '../../support/memory-store.js';

const exchange = new MemoryStore();
const groups = [{ id: 'all', fields: ['name', 'weight'], members: ['lyon', 'oslo', 'quito'] }];
const taxonomy = {
  shipment: TaxonomyType.parse({
    type: 'shipment',
    label: 'name',
    fields: { name: { kind: 'text' }, weight: { kind: 'text' } },
  }),
};

async function sealed(prefix: string, names: readonly string[]): Promise<SealedType> {
  const sealer = createSealer({ store: exchange, prefix, type: 'shipment', groups, expectedCount: names.length });
  for (const name of names) sealer.add({ type: 'shipment', key: `key-of-${name}`, fields: { name, weight: '1' } });
  return sealer.finish();
}
async function world(agreed: readonly string[] | null): Promise<Sealed> {
  const members = {
    oslo: [await sealed('oslo', ['a', 'b'])],
    lyon: [await sealed('lyon', ['a', 'b'])],
    quito: [await sealed('quito', ['b'])],
  };
  const base = agreed && { sequence: 4, types: [await sealed('lyon', agreed)] };
  return { exchange, taxonomy, members, base };
}

it('is who shows it, and which base has it, by its name or the beginning of its key', async () => {
  const words =
    'shipment key-of-b differs nowhere: lyon, oslo, quito show it alike, as base 4 has it (`concordat lineage` says since when)';
  expect(await alikeWords(await world(['b']), 'b')).toBe(words);
  expect(await alikeWords(await world(['b']), 'key-of-b')).toBe(words);
  expect(await alikeWords(await world(['b']), 'a')).toBe(
    'shipment key-of-a differs nowhere: lyon, oslo show it alike, and no base had it: the next one takes it over as they show it',
  );
  expect(await alikeWords(await world(null), 'b')).toContain('lyon, oslo, quito show it alike, and no base had it');
});

it('is nothing where nobody shows such a record', async () => {
  expect(await alikeWords(await world(['b']), 'c')).toBeNull();
});
