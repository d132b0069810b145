/** What native objects leave, cloud by cloud, and what is said where something was not read. */
import { expect, it } from 'vitest';
import { awsEffects } from '../../../activities/authority/effects/aws-effects.js';
import { entraEffects } from '../../../activities/authority/effects/entra-effects.js';
import { SeenObjects } from '../../../activities/authority/effects/seen-objects.js';
import type { Capability } from '../../../core/effect/capability.js';
import { effectLabels } from '../../../core/effect-labels.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';

const capabilities: readonly Capability[] = [
  {
    capability: 'manage keys',
    aws: { actions: ['kms:CreateKey'] },
    entra: { applicationRoles: ['app-1/Keys.Manage'], directoryRoles: ['Cloud Application Administrator'] },
  },
];

const object = (type: string, id: string, body: JsonObject): NativeObject => ({ type, id, body });
const document = (effect: string): JsonObject => ({
  Version: '2012-10-17',
  Statement: [{ Effect: effect, Action: ['kms:*'], Resource: ['*'] }],
});

function seenOf(objects: readonly NativeObject[], cut: readonly string[] = []): SeenObjects {
  const seen = new SeenObjects([...objects.map(({ type }) => type), ...cut]);
  seen.take({ kind: 'objects', scope: 'all', objects, cursor: '1' });
  for (const nativeType of cut)
    seen.take({ kind: 'scopeEnd', scope: nativeType, nativeType, complete: false, reason: 'truncated', cursor: '2' });
  return seen;
}

const inAws = (of: NativeObject, others: readonly NativeObject[], cut: readonly string[] = []) =>
  effectLabels(awsEffects(seenOf([of, ...others], cut), capabilities)(of));
const inEntra = (of: NativeObject, others: readonly NativeObject[]) =>
  effectLabels(entraEffects(seenOf([of, ...others]), capabilities)(of));

const power = object('policySet', 'power', { Name: 'power', Documents: { 'arn:power': document('Allow') } });
const held = object('policyAttachment', 'user/u/power', { Principal: 'user/u', PolicySet: 'policySet/power' });
const user = object('user', 'u', {});

it('an attachment leaves what its set allows', () => {
  expect(inAws(held, [power, user])).toEqual(['manage keys']);
});

it('a deny of a group takes it from whoever is in the group, and from nobody else', () => {
  const stop = object('policySet', 'stop', { Name: 'stop', Documents: { 'arn:stop': document('Deny') } });
  const ofGroup = object('policyAttachment', 'group/g/stop', { Principal: 'group/g', PolicySet: 'policySet/stop' });
  const group = (members: string[]) => object('group', 'g', { members });
  expect(inAws(held, [power, user, stop, ofGroup, group(['u'])])).toEqual([]);
  expect(inAws(held, [power, user, stop, ofGroup, group(['v'])])).toEqual(['manage keys']);
  expect(inAws(held, [power, user, stop, ofGroup, object('group', 'g', {})])).toEqual([
    'manage keys (conditional, not all seen)',
  ]);
});

it('of a set that is only partly attached, a deny may or may not hold', () => {
  const stop = object('policySet', 'stop', { Name: 'stop', Documents: { 'arn:stop': document('Deny') } });
  const part = {
    ...object('policyAttachment', 'user/u/stop', { Principal: 'user/u', PolicySet: 'policySet/stop' }),
    opaque: '1 of 2',
  };
  expect(inAws(held, [power, user, stop, part])).toEqual(['manage keys (conditional, not all seen)']);
});

it('who is suspended can do nothing by any grant of their own, and a team that they are in as much as before', () => {
  const suspended = object('user', 'u', { State: 'suspended' });
  expect(inAws(held, [power, suspended])).toEqual([]);
  expect(inAws(held, [power, object('user', 'u', { State: 'active' })])).toEqual(['manage keys']);
  const ofTeam = object('policyAttachment', 'group/g/power', { Principal: 'group/g', PolicySet: 'policySet/power' });
  expect(inAws(ofTeam, [power, suspended, object('group', 'g', { members: ['u'] })])).toEqual(['manage keys']);
  const role = object('assumableRole', 'r', { Documents: { 'arn:power': document('Allow') } });
  const assumption = object('assumption', 'user/u/r', { Principal: 'user/u', Role: 'assumableRole/r' });
  expect(inAws(assumption, [role, suspended])).toEqual([]);
});

it('a boundary is a ceiling, and one that was not read is not taken for none', () => {
  const bounded = object('user', 'u', { PermissionsBoundary: 'arn:stop' });
  const stop = object('policySet', 'stop', { Name: 'stop', Documents: { 'arn:stop': document('Deny') } });
  expect(inAws(held, [power, bounded, stop])).toEqual([]);
  expect(inAws(held, [power, bounded])).toEqual(['manage keys (conditional, not all seen)']);
});

it('may assume a role leaves what the role allows, less what is written into it', () => {
  const role = object('assumableRole', 'r', { Documents: { 'arn:power': document('Allow') } });
  const assumption = object('assumption', 'user/u/r', { Principal: 'user/u', Role: 'assumableRole/r' });
  const inline = object('inlinePolicy', 'i', { Principal: 'assumableRole/r', Document: document('Deny') });
  expect(inAws(assumption, [role])).toEqual(['manage keys']);
  expect(inAws(assumption, [role, inline])).toEqual([]);
  expect(inAws(assumption, [])).toEqual(['manage keys (not seen)']);
  expect(inAws(assumption, [role], ['inlinePolicy'])).toEqual(['manage keys (conditional, not all seen)']);
});

const appRole = object('appRole', 'sp/1', {
  value: 'Keys.Manage',
  isEnabled: true,
  servicePrincipal: 'servicePrincipal/sp',
});
const application = (appId: string) => object('servicePrincipal', 'sp', { appId, accountEnabled: true });
const assigned = object('appRoleAssignment', 'a', { role: 'appRole/sp/1', scope: 'servicePrincipal/sp' });

it('an app role counts for the application that the capability names, and for no other of the same value', () => {
  expect(inEntra(assigned, [appRole, application('app-1')])).toEqual(['manage keys']);
  expect(inEntra(assigned, [appRole, application('app-2')])).toEqual([]);
});

it('a directory role is whole on the directory, partial on a unit, conditional while it must be activated', () => {
  const role = object('directoryRole', 'd', { displayName: 'Cloud Application Administrator', isEnabled: true });
  const on = (scope: string, more: JsonObject = {}) =>
    inEntra(
      object('directoryRoleAssignment', 'a', { role: 'directoryRole/d', scope: `directoryScope/${scope}`, ...more }),
      [role],
    );
  expect(on('/')).toEqual(['manage keys']);
  expect(on('/administrativeUnits/1')).toEqual(['manage keys (partial)']);
  expect(on('/', { state: 'eligible' })).toEqual(['manage keys (conditional)']);
});

it('an assignment of a role that was not read may give anything that such a role could', () => {
  expect(inEntra(assigned, [])).toEqual(['manage keys (not seen)']);
});
