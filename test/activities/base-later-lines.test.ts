/** Which bases may have lines that lie apart: large ones of types that name no others, once all who made them read it. */
import { expect, it } from 'vitest';
import { sealNextBase } from '../../activities/base.js';
import { createSealer } from '../../activities/sealing/sealer.js';
import { Dataset } from '../../core/federation/dataset.js';
import type { DatasetShape } from '../../core/federation/federation.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Base } from '../../core/messages.js';
import { laterLinesAlgorithm, mayLieApart } from '../../core/sealed.js';
import { CountingStore } from './sealing/worlds.js';

const plain = { number: { kind: 'text' }, note: { kind: 'text' }, tags: { kind: 'set', of: 'text' } };
const groups = [{ id: 'all', fields: ['note', 'number', 'others', 'tags'], members: ['aws', 'entra'] }];

function shapeOf(fields: object): DatasetShape {
  const taxonomy = TaxonomyType.parse({ type: 'parcel', fields });
  const held = { aws: Object.keys(fields), entra: Object.keys(fields) };
  return {
    dataset: Dataset.parse({ dataset: 'parcels', members: ['aws', 'entra'], types: ['parcel'] }),
    members: ['aws', 'entra'],
    types: [{ taxonomy, held, groups, digests: [], absent: [] }],
  } as unknown as DatasetShape;
}

async function formatAfterOneChange(fields: object, rows: number, allRead: boolean): Promise<number | undefined> {
  const store = new CountingStore();
  const sealer = createSealer({ store, prefix: 'aws', type: 'parcel', groups, expectedCount: rows });
  for (let row = 0; row < rows; row += 1)
    sealer.add({ type: 'parcel', key: `key-${row}`, fields: { number: `${row}`, note: 'n'.repeat(400) } });
  const previous: Base = { dataset: 'parcels', sequence: 1, previous: null, types: [await sealer.finish()] };
  const { base } = await sealNextBase({
    shape: shapeOf(fields),
    previous,
    previousDigest: 'd'.repeat(64),
    changes: [{ kind: 'put', type: 'parcel', key: 'key-3', fields: { number: '3', note: 'new' } }],
    unanimous: {},
    digestKeys: undefined,
    agreedUnder: undefined,
    versions: undefined,
    authored: undefined,
    mayLieApart: allRead,
    exchange: store,
    prefix: 'aws',
  });
  return base.types[0]?.format;
}

it.each([
  ['large, and all read it', plain, 3_000, true, 2],
  ['that somebody does not read', plain, 3_000, false, 1],
  ['small', plain, 300, true, 1],
  ['of a type whose sets name others', { ...plain, others: { kind: 'set', of: 'person' } }, 3_000, true, 1],
  ['of a type with a reference', { ...plain, others: { kind: 'reference', of: ['person'] } }, 3_000, true, 1],
])('a base that is %s', async (_, fields, rows, allRead, format) => {
  expect(await formatAfterOneChange(fields, rows, allRead)).toBe(format);
});

it('all who opened the run must read it', () => {
  const reads = { algorithms: ['concordat-plan/1', laterLinesAlgorithm] };
  expect(mayLieApart([reads, reads])).toBe(true);
  expect(mayLieApart([reads, { algorithms: ['concordat-plan/1'] }])).toBe(false);
});
