import { expect, it } from 'vitest';
import { Mesh } from '../../../core/federation/authority.js';
import { schemaFaults } from '../../../core/federation/schema-faults.js';

const meshOf = (parcel: object): object => ({
  kind: 'folder',
  path: 'data',
  files: { parcel: { format: 'csv', key: ['id'], ...parcel } },
});
const faults = (parcel: object): readonly string[] =>
  schemaFaults('a.yaml', Mesh, meshOf(parcel)).map(({ path, message }) => `${path.join('.')}: ${message}`);

it('a type lies in one file or in parts under a prefix', () => {
  for (const place of [{ file: 'parcels.csv' }, { parts: 'parcels/' }, { parts: 'lake/parcels/' }])
    expect(faults(place)).toEqual([]);
});

it('what is no prefix is told in words, and neither leads elsewhere nor stands beside a file', () => {
  for (const parts of ['parcels', '/parcels/', 'a//b/', '', 'parcels/*.csv'])
    expect(faults({ parts })).toEqual([
      'files.parcel.parts: must be what the names of all parts begin with, and end with / (parcels/)',
    ]);
  for (const parts of ['../', 'a/../b/', './'])
    expect(faults({ parts })).toEqual(['files.parcel.parts: must not lead out of the folder']);
  expect(faults({ parts: 'parcels/', file: 'parcels.csv' })).toHaveLength(1);
  expect(faults({})).not.toEqual([]);
});
