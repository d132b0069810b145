/**
 * Roles that other roles imply: which follow from which, and where they run in circles. Keystone accepts a circle.
 * https://docs.openstack.org/api-ref/identity/v3/#list-all-role-inference-rules
 */
import { z } from 'zod';
import { byCodeUnit } from '../../../../core/json.js';
import type { KeystoneClient } from '../client.js';
import { readSeen, type List, type Seen } from '../page.js';

/** Ids of the roles that a role implies by itself, by its own id. */
export type Implications = ReadonlyMap<string, readonly string[]>;

const Reference = z.object({ id: z.string().min(1) });
const Inference = z.object({ prior_role: Reference, implies: z.array(Reference) });

const inferences: List<z.infer<typeof Inference>> = {
  path: '/role_inferences',
  collection: 'role_inferences',
  entry: Inference,
};

export async function readImplications(
  client: KeystoneClient,
  signal?: AbortSignal,
): Promise<{ readonly implications: Implications; readonly reason?: NonNullable<Seen<unknown>['reason']> }> {
  const seen = (await readSeen(client, inferences, '', signal)) ?? { records: [], reason: 'unexpectedAnswer' as const };
  const implications = new Map<string, string[]>();
  for (const { prior_role: prior, implies } of seen.records) {
    const known = implications.get(prior.id) ?? [];
    implications.set(prior.id, [...known, ...implies.map(({ id }) => id)].sort(byCodeUnit));
  }
  return seen.reason === undefined ? { implications } : { implications, reason: seen.reason };
}

/** A role and everything that follows from it, in code unit order. Ends where roles imply each other in a circle, too. */
export function impliedBy(role: string, implications: Implications): readonly string[] {
  const reached = new Set([role]);
  for (const each of reached) for (const next of implications.get(each) ?? []) reached.add(next);
  return [...reached].sort(byCodeUnit);
}

/** Roles that follow from themselves. */
export function rolesInCircles(implications: Implications): ReadonlySet<string> {
  const inCircles = new Set<string>();
  for (const [role, implied] of implications)
    if (implied.some((next) => impliedBy(next, implications).includes(role))) inCircles.add(role);
  return inCircles;
}
