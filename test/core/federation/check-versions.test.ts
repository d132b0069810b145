/** What `validate` says of versions of a type: nothing of the version before may be forgotten, lost or exposed by a new name. */
import { expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { folderMeshes, recordFederationFiles } from '../../support/record-federation.js';
import { written } from '../../activities/federation-folder/small-federation.js';

const files = recordFederationFiles(folderMeshes)('shipping');
const type = 'taxonomy/shipment.yaml';
const second = (files[type] ?? '')
  .replace('type: shipment', 'type: shipment\nversion: 2')
  .replace(/ {2}receiver: .*\n/, '  recipient: { kind: text }\n')
  .replace(/ {2}fragile: .*\n/, '  givenName: { kind: text }\n  familyName: { kind: text }\n');
const earlier = (lines: string): string => `${second}earlier:\n${lines}`;
const right = `  moved:
    recipient: { from: receiver }
  gone: [fragile]
  added: [givenName, familyName]
`;

async function faults(changes: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const loaded = await loadFederation(await written({ ...files, ...changes }));
  return loaded.kind === 'valid' ? [] : loaded.faults.map(({ file, field, message }) => `${file} ${field} ${message}`);
}

it('maps, surfaces and files of the version before are valid beside a type that says what became of them', async () => {
  expect(await faults({ [type]: earlier(right) })).toEqual([]);
  const moved = (files['maps/lyon.shipment.yaml'] ?? '')
    .replace('lifecycle: active', 'version: 2\nlifecycle: active')
    .replace('receiver:', 'recipient:')
    .replace(/ {2}fragile: .*\n/, '');
  expect(await faults({ [type]: earlier(right), 'maps/lyon.shipment.yaml': moved })).toEqual([]);
});

it.each([
  ['a version that says nothing of the one before', second, 'say under "earlier" how version 1 became version 2'],
  [
    'fields that nobody says anything of',
    earlier('  moved: { recipient: { from: receiver } }\n  added: [givenName, familyName]\n'),
    'version 1 of shipment has no field "fragile"',
  ],
  [
    'half a text',
    earlier(
      right
        .replace('  gone', "    givenName: { from: driver, through: [{ part: first, at: ' ' }] }\n  gone")
        .replace('added: [givenName, ', 'added: ['),
    ),
    'the other part of "driver" is moved nowhere: its values would be lost',
  ],
  [
    'one field that becomes two',
    earlier(right.replace('  gone', '    givenName: { from: receiver }\n  gone').replace('[givenName, ', '[')),
    '"receiver" becomes two fields as a whole',
  ],
  [
    'a key that moves',
    earlier(right.replace('  gone', '    number: { from: reference }\n  gone')),
    'is of the key of this type, and a key stays what it was',
  ],
  [
    'a name that meant something else',
    earlier(right.replace('  gone', '    weight: { from: mass }\n  gone').replace('[fragile]', '[fragile, weight]')),
    'was another field before: give it a name that meant nothing yet',
  ],
  [
    'a first version with one before',
    earlier(right).replace('version: 2\n', ''),
    'there is no version before the first',
  ],
  [
    'a field that is not there',
    earlier(right.replace('recipient:', 'recipent:')),
    'is not a field of this type; did you mean "recipient"?',
  ],
] as const)('%s is a fault', async (_, text, message) => {
  expect((await faults({ [type]: text })).join('\n')).toContain(message);
});

it('a map of a version that is neither is a fault, and so is a surface that names what neither version has', async () => {
  const map = (files['maps/oslo.shipment.yaml'] ?? '').replace('lifecycle: active', 'version: 3\nlifecycle: active');
  expect((await faults({ [type]: earlier(right), 'maps/oslo.shipment.yaml': map })).join('\n')).toContain(
    'maps/oslo.shipment.yaml version is for version 3 of shipment; taxonomy/shipment.yaml is of version 2 and reads maps of 1 and 2',
  );
  const surface = (files['authorities/oslo.yaml'] ?? '').replace('[number, ', '[color, number, ');
  expect((await faults({ [type]: earlier(right), 'authorities/oslo.yaml': surface })).join('\n')).toContain(
    'neither version of shipment has a field "color"',
  );
});

it('two fields may share a text as its parts, and not as a part and the whole', async () => {
  const whole = second.replace('recipient: { kind: text }', 'receiver: { kind: text }').replace('version: 2\n', '');
  const map = (parts: string): string =>
    (files['maps/oslo.shipment.yaml'] ?? '').replace(/ {2}receiver: .*\n/, parts).replace(/ {2}fragile: .*\n/, '');
  const surfaces = Object.fromEntries(
    ['berlin', 'lyon', 'oslo'].map((id) => [
      `authorities/${id}.yaml`,
      (files[`authorities/${id}.yaml`] ?? '').replace(
        '[number, receiver, weight, sentAt, fragile]',
        '[number, weight, sentAt]',
      ),
    ]),
  );
  const without = Object.fromEntries(
    ['berlin', 'lyon'].map((id) => [
      `maps/${id}.shipment.yaml`,
      (files[`maps/${id}.shipment.yaml`] ?? '').replace(/ {2}fragile: .*\n/, ''),
    ]),
  );
  const common = { [type]: whole, ...surfaces, ...without };
  const given = "  givenName: { path: mottaker, through: [{ part: first, at: ' ' }] }\n";
  const family = "  familyName: { path: mottaker, through: [{ part: rest, at: ' ' }] }\n";
  expect(await faults({ ...common, 'maps/oslo.shipment.yaml': map(given + family) })).toEqual([]);
  expect(
    (await faults({ ...common, 'maps/oslo.shipment.yaml': map(`${given}  receiver: { path: mottaker }\n`) })).join(),
  ).toContain('is a part of what another field holds as a whole');
  expect(
    (
      await faults({ ...common, 'maps/oslo.shipment.yaml': map(given + given.replace('givenName', 'familyName')) })
    ).join(),
  ).toContain('is the place of another field already');
});
