/**
 * What the clouds of examples/02-roles do on their own, each part under a name that the tutorial calls. Every change goes
 * straight into the state of one cloud, as if one of its own administrators had made it.
 */
import type { States } from '../story.js';
import { newcomer } from './people.js';
import { grantToTeam, takeFromTeam } from './seed-keystone.js';
import { groupOf, policiesOf } from './seed-aws.js';

export interface Told {
  readonly words: string;
}

export function drift({ keystone }: States): Told {
  takeFromTeam(keystone, 'team-platform', 'operator');
  grantToTeam(keystone, 'team-platform', 'auditor');
  return { words: 'Keystone takes the role member in production from team-platform and gives it reader instead.' };
}

export function trust({ entra }: States): Told {
  const { issuer, subject, name } = newcomer;
  entra.access.addWorkload(`workload-${name}`, { issuer, subject, name });
  return { words: `Entra trusts a workload of ${issuer}.` };
}

export function administrator({ aws }: States): Told {
  groupOf(aws, 'team-platform').attachedPolicies.push(...policiesOf.administrator);
  return { words: 'AWS attaches AdministratorAccess to team-platform.' };
}
