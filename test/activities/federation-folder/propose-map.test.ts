/** What `concordat taxonomy propose` writes from what a run saw: what follows, what is taken out, and what it leaves to a person. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { parseYamlFile } from '../../../activities/federation-folder/yaml-file.js';
import { proposeMap, type MapProposalInput } from '../../../activities/federation-folder/propose-map.js';
import { proposalFileOf, writeProposals } from '../../../activities/federation-folder/write-proposal.js';
import type { SchemaDrift } from '../../../core/drift/schema-drift.js';
import { TypeMap } from '../../../core/federation/map.js';
import { folderMeshes, recordFederationFiles } from '../../support/record-federation.js';
import { written } from './small-federation.js';

const files = recordFederationFiles(folderMeshes)('shipping');
const file = 'maps/oslo.shipment.yaml';
const text = `# Written by Kari.\n${files[file] ?? ''}`;
const mapOf = (of: string): TypeMap => TypeMap.parse(parseYamlFile(file, of).value);

const drift = (change: Partial<SchemaDrift>): SchemaDrift => ({
  id: 'a'.repeat(64),
  type: 'shipment',
  native: 'sending',
  kind: 'lost',
  property: 'skjor',
  to: null,
  fields: ['fragile'],
  action: 'hold',
  approved: false,
  count: 48,
  of: 64,
  was: null,
  is: null,
  by: null,
  examples: [],
  ...change,
});
const propose = (change: Partial<MapProposalInput>) =>
  proposeMap({ text, map: mapOf(text), key: ['number'], drifts: [], unmapped: [], ...change });

it('follows a renamed property wherever the map names it, keeps everything else, and says how much speaks for it', () => {
  const more = `${text}create: { mottaker.land: { constant: NO } }\n`;
  const proposal = propose({
    text: more,
    map: mapOf(more),
    drifts: [drift({ kind: 'renamed', property: 'mottaker', to: 'receiver', fields: ['receiver'] })],
  });
  const before = mapOf(more);
  expect(mapOf(proposal?.text ?? '')).toEqual({
    ...before,
    fields: { ...before.fields, receiver: { path: 'receiver' } },
    create: { 'receiver.land': { constant: 'NO' } },
  });
  expect(proposal?.changes).toEqual(['mottaker is read as receiver: 48 of 64 of its values (75 %) were there']);
  expect(proposal?.unknown).toEqual(['whether receiver means what mottaker meant: equal values only suggest it']);
  expect(proposal?.text).toContain('# Written by Kari.');
});

it('leaves what was never there, and what the map cannot read, to a person', () => {
  const never = propose({ drifts: [drift({ count: 0 }), drift({ kind: 'retyped', property: 'vekt', is: 'text' })] });
  expect(mapOf(never?.text ?? '')).toEqual(mapOf(text));
  expect(never?.changes).toEqual([]);
  expect(never?.unknown).toEqual([
    'where to read what the map looks for in skjor: no object has it, and none had it before',
    'what step reads vekt: it holds text, and the map reads none of it',
  ]);
});

it('takes out what is gone, but never a field of the key and never the last one', () => {
  const gone = propose({ drifts: [drift({}), drift({ property: 'nr', fields: ['number'] })] });
  expect(Object.keys(mapOf(gone?.text ?? '').fields)).toEqual(['number', 'receiver', 'weight', 'sentAt']);
  expect(gone?.changes).toHaveLength(1);
  expect(gone?.unknown).toContain('where number is read now: nr is gone, and records are known by it');
  const all = ['nr', 'mottaker', 'vekt', 'sendt', 'skjor'];
  const fields = ['number', 'receiver', 'weight', 'sentAt', 'fragile'];
  const nothingLeft = propose({
    key: [],
    drifts: all.map((property, at) => drift({ property, fields: [fields[at] ?? ''] })),
  });
  expect(Object.keys(mapOf(nothingLeft?.text ?? '').fields)).toHaveLength(1);
});

it('offers new properties as comments that become fields, and quotes names that are no words', () => {
  const proposal = propose({
    unmapped: [
      { property: 'toll', count: 7 },
      { property: 'evil\nlifecycle: draft #', count: 1 },
    ],
  });
  expect(mapOf(proposal?.text ?? '')).toEqual(mapOf(text));
  expect(proposal?.text).toContain('  # toll: { path: "toll" } # in 7 objects\n');
  const taken = proposal?.text.replace('# toll:', 'toll:') ?? '';
  expect(mapOf(taken).fields['toll']).toEqual({ path: 'toll' });
  expect(proposal?.text).toContain('# newField: { path: "evil\\nlifecycle: draft #" }');
});

it('leaves to a person what a step, a unit, a value and a key mean, and what they approved already', () => {
  const proposal = propose({
    drifts: [
      drift({ kind: 'retyped', property: 'vekt', was: 'number', is: 'text' }),
      drift({ kind: 'scaled', property: 'vekt', by: -3 }),
      drift({ kind: 'newValue', property: 'skjor', count: 2 }),
      drift({ kind: 'emptied', property: 'mottaker' }),
      drift({ kind: 'rekeyed', property: 'nr' }),
      drift({ kind: 'redeclared', property: 'vekt', declared: { was: 'integer', is: 'text' } }),
    ],
  });
  expect(mapOf(proposal?.text ?? '')).toEqual(mapOf(text));
  expect(proposal?.unknown).toEqual([
    'why mottaker is empty so often now',
    'which record is which: none of the keys in nr was there before',
    'what 2 new values of skjor mean: only digests are known',
    'whether the map still reads all of vekt: it was declared as integer and is text now',
    'what step reads vekt: it held number and holds text now',
    'the unit of vekt: its numbers are about 10^-3 times what they were',
  ]);
  expect(propose({})).toBeNull();
  expect(propose({ drifts: [drift({ approved: true })] })).toBeNull();
});

it('proposes what validate accepts in the place of the map, and never writes over what is there', async () => {
  const folder = await written(files);
  const renamed = propose({
    drifts: [drift({ kind: 'renamed', property: 'mottaker', to: 'receiver' })],
    unmapped: [{ property: 'toll', count: 7 }],
  });
  const proposals = [{ file, text: renamed?.text ?? '' }];
  expect(await writeProposals(folder, proposals)).toEqual(['proposals/oslo.shipment.yaml']);
  const place = path.join(folder, proposalFileOf(file));
  // Nobody reads it where it lies.
  expect((await loadFederation(folder)).kind).toBe('valid');
  await writeFile(place, 'edited by a person');
  await expect(
    writeProposals(folder, [{ file: 'maps/oslo.crate.yaml', text: 'x' }, ...proposals]),
  ).rejects.toMatchObject({ code: 'usage' });
  expect(await readFile(place, 'utf8')).toBe('edited by a person');
  await expect(readFile(path.join(folder, 'proposals/oslo.crate.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });

  const moved = await written({ ...files, [file]: renamed?.text ?? '' });
  const loaded = await loadFederation(moved);
  expect(loaded).toMatchObject({ kind: 'valid' });
  if (loaded.kind === 'valid')
    expect(loaded.federation.maps['oslo.shipment']?.fields['receiver']).toEqual({ path: 'receiver' });
  // What is taken out of a map and still stands in the surface is a fault that people are told of.
  const lost = propose({ drifts: [drift({})] });
  const faulty = await loadFederation(folder, new Map([[file, lost?.text ?? '']]));
  expect(faulty).toMatchObject({ kind: 'invalid', faults: [{ file: 'authorities/oslo.yaml' }] });
});
