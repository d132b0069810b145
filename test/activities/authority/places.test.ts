/** Where grants count, cloud by cloud: given there, or inherited from above. */
import { expect, it } from 'vitest';
import { placesIn } from '../../../activities/authority/effects/places.js';
import { SeenObjects } from '../../../activities/authority/effects/seen-objects.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';

const object = (type: string, id: string, body: JsonObject): NativeObject => ({ type, id, body });
const project = (id: string, parent_id: string | null, domain_id = 'd') =>
  object('project', id, { name: id, domain_id, ...(parent_id === null ? {} : { parent_id }) });
const unit = (id: string) => object('directoryScope', id, { id });

const seen = new SeenObjects(['project', 'directoryScope']);
seen.take({
  kind: 'objects',
  scope: 'all',
  cursor: '1',
  objects: [
    project('top', 'd'),
    project('below', 'top'),
    project('aside', null),
    project('foreign', 'e', 'e'),
    // Keystone refuses such a circle; what it answers is not ours to trust.
    project('one', 'other'),
    project('other', 'one'),
    unit('/'),
    unit('/administrativeUnits/1'),
    unit('/administrativeUnits/2'),
  ],
});

const inKeystone = (scope: string, inherited: boolean): NativeObject =>
  object('roleAssignment', 'a', { principal: 'user/u', role: 'role/r', scope, inherited });
const inDirectory = (scope: string): NativeObject => object('directoryRoleAssignment', 'a', { scope });

it.each([
  ['a direct assignment counts in its project alone', inKeystone('project/top', false), ['project/top']],
  ['one that is inherited counts below its project, and not in it', inKeystone('project/top', true), ['project/below']],
  ['one on the domain does not count in its projects', inKeystone('domain/d', false), ['domain/d']],
  [
    'one inherited from the domain counts in all of its projects, however deep, and in no other domain',
    inKeystone('domain/d', true),
    ['project/top', 'project/below', 'project/aside'],
  ],
  ['one on the system counts there', inKeystone('system/all', false), ['system/all']],
  [
    'a role on the directory counts in every administrative unit',
    inDirectory('directoryScope//'),
    ['directoryScope//', 'directoryScope//administrativeUnits/1', 'directoryScope//administrativeUnits/2'],
  ],
  [
    'a role on an administrative unit counts there alone',
    inDirectory('directoryScope//administrativeUnits/1'),
    ['directoryScope//administrativeUnits/1'],
  ],
  [
    'an app role counts on its application',
    object('appRoleAssignment', 'a', { scope: 'servicePrincipal/s' }),
    ['servicePrincipal/s'],
  ],
  [
    'what is attached in an account counts in the account',
    object('policyAttachment', 'a', { Account: 'account/1' }),
    ['account/1'],
  ],
  ['what is no grant counts nowhere', project('top', 'd'), []],
])('%s', (_, grant, places) => {
  expect(placesIn(seen)(grant)).toEqual(places);
});

it('of a directory whose units were not read a role counts on the directory', () => {
  expect(placesIn(new SeenObjects([]))(inDirectory('directoryScope//'))).toEqual(['directoryScope//']);
});
