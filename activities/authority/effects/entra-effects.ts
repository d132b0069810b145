/** What roles and assignments of an Entra tenant leave. A role that was not read gives nobody knows what. */
import { makeEffect, type Effect } from '../../../core/effect/effect.js';
import type { Capability } from '../../../core/effect/capability.js';
import { effectInEntra, type EntraRoleFact } from '../../../core/effect/entra.js';
import { sayable } from '../../../core/federation/effect-natives.js';
import type { Json } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { partsOf, textOf, type SeenObjects } from './seen-objects.js';

export function entraEffects(
  seen: SeenObjects,
  capabilities: readonly Capability[],
): (object: NativeObject) => readonly Effect[] {
  const ofRole = (role: NativeObject | undefined, scope: string, state?: Json): readonly Effect[] => {
    const fact = role && factOf(seen, role, scope, state);
    if (fact) return effectInEntra([fact], capabilities);
    const native = role?.type ?? 'appRole';
    return sayable('entra', native, capabilities).map((capability) =>
      makeEffect(capability, 'unseen', ['the role'], [], ['the role']),
    );
  };
  return (object) => {
    switch (object.type) {
      case 'appRole':
      case 'directoryRole':
        return ofRole(object, '/');
      case 'appRoleAssignment':
      case 'directoryRoleAssignment': {
        const [, scope = ''] = partsOf(object.body['scope']);
        const [type = 'appRole'] = partsOf(object.body['role']);
        const role = seen.referred(object.body['role']);
        if (role) return ofRole(role, scope, object.body['state']);
        return sayable('entra', type, capabilities).map((capability) =>
          makeEffect(capability, 'unseen', ['the role'], [], ['the role']),
        );
      }
      default:
        return [];
    }
  };
}

function factOf(seen: SeenObjects, role: NativeObject, scope: string, state?: Json): EntraRoleFact | undefined {
  const { body } = role;
  const isEnabled = body['isEnabled'] !== false;
  if (role.type === 'directoryRole') {
    const templateId = textOf(body, 'templateId');
    const name = textOf(body, 'displayName');
    return {
      kind: 'directoryRole',
      ...(templateId === undefined ? {} : { templateId }),
      ...(name === undefined ? {} : { name }),
      scope,
      ...(state === 'activated' || state === 'timeBound' || state === 'eligible' ? { state } : {}),
      isEnabled,
      through: name ?? role.id,
    };
  }
  const value = body['value'];
  if (value !== null && typeof value !== 'string') return undefined;
  const owner = seen.referred(body['servicePrincipal']);
  const application = owner && textOf(owner.body, 'appId');
  return {
    kind: 'applicationRole',
    ...(application === undefined ? {} : { application }),
    value,
    isEnabled: isEnabled && owner?.body['accountEnabled'] !== false,
    through: value ?? role.id,
  };
}
