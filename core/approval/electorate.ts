/** Who counts, as what, after people have been asked for some time. Pure: the time waited comes in. */
import { durationMs } from '../duration.js';
import type { ApprovalTerms } from './terms.js';

export interface Electorate {
  readonly rolesOf: Readonly<Record<string, readonly string[]>>;
  /** Approvers who do not count yet: all their roles are ones that an escalation brings in later. */
  readonly reserve: ReadonlySet<string>;
  /** Roles whose holders may now fill any role. */
  readonly standIns: ReadonlySet<string>;
}

export function electorateOf({ approvers, approval }: ApprovalTerms, waitedMs: number): Electorate {
  const deciding = approval.escalations.filter(({ may }) => may === 'decide');
  const inEffect = deciding.filter(({ after }) => waitedMs >= durationMs(after));
  const standIns = new Set(inEffect.map(({ to }) => to));
  const awaited = new Set(deciding.map(({ to }) => to).filter((role) => !standIns.has(role)));
  return {
    rolesOf: Object.fromEntries(approvers.map(({ id, roles }) => [id, roles])),
    reserve: new Set(
      approvers.filter(({ roles }) => roles.length > 0 && roles.every((role) => awaited.has(role))).map(({ id }) => id),
    ),
    standIns,
  };
}
