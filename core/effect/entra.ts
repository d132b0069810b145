/**
 * What roles in Entra let a principal do, as capabilities, by the names of the roles. Which Graph calls a directory role
 * permits is Microsoft's to say and changes; the taxonomy names the roles. Azure RBAC is out of scope.
 */
import type { Capability } from './capability.js';
import { combineEffects, makeEffect, type Effect, type Reach } from './effect.js';

export type EntraRoleFact =
  | {
      readonly kind: 'applicationRole';
      /** appId of the application whose role it is. */
      readonly application?: string;
      /** null: the default access, which is no role. */
      readonly value: string | null;
      /** A role or service principal that is switched off gives nothing until it is switched on again. */
      readonly isEnabled?: boolean;
      readonly through: string;
    }
  | {
      readonly kind: 'directoryRole';
      readonly templateId?: string;
      readonly name?: string;
      /** `/` for the whole directory; else the id of what the role is limited to. */
      readonly scope: string;
      /** `eligible`: the role must be activated first. */
      readonly state?: 'activated' | 'timeBound' | 'eligible';
      readonly isEnabled?: boolean;
      readonly through: string;
    };

/** Sorted by capability. Any of the roles that a capability names is enough. */
export function effectInEntra(facts: readonly EntraRoleFact[], capabilities: readonly Capability[]): readonly Effect[] {
  return combineEffects(
    ...facts.map((fact) =>
      capabilities
        .filter(({ entra }) => entra !== undefined && isNamed(fact, entra))
        .map(({ capability }) => makeEffect(capability, reachOf(fact), [fact.through])),
    ),
  );
}

function isNamed(fact: EntraRoleFact, entra: NonNullable<Capability['entra']>): boolean {
  if (fact.kind === 'directoryRole') {
    const named = [fact.templateId, fact.name].filter((name) => name !== undefined);
    return entra.directoryRoles?.some((role) => named.includes(role)) === true;
  }
  const { value, application } = fact;
  if (value === null) return false;
  // HAZARD: any application may give its role any value. A value without application is read widely, so that nobody is missed.
  const named = application === undefined ? [value] : [value, `${application}/${value}`];
  return entra.applicationRoles?.some((role) => named.includes(role)) === true;
}

function reachOf(fact: EntraRoleFact): Reach {
  if (fact.isEnabled === false) return 'conditional';
  if (fact.kind === 'applicationRole') return 'full';
  if (fact.state === 'eligible') return 'conditional';
  return fact.scope === '/' ? 'full' : 'partial';
}
