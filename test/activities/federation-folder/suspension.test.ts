/** A state that an account never shows would be empty for everybody. */
import { expect, test } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { changed, smallFederation, written } from './small-federation.js';

const mapped = changed(smallFederation, 'maps/aws.person.yaml', 'path: employeeId', 'path: State');

test('a map of State needs an account that says how it suspends', async () => {
  const loaded = await loadFederation(await written(mapped));
  expect('faults' in loaded ? loaded.faults : []).toMatchObject([
    { file: 'maps/aws.person.yaml', message: expect.stringContaining('suspension: keysAndDenyPolicy') as string },
  ]);
  const declared = changed(
    mapped,
    'authorities/aws.yaml',
    'kind: aws-iam',
    'kind: aws-iam, suspension: keysAndDenyPolicy',
  );
  expect((await loadFederation(await written(declared))).kind).toBe('valid');
});
