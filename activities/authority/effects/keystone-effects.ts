/** What roles and assignments of a Keystone leave, with all that a role implies. */
import { makeEffect, type Effect } from '../../../core/effect/effect.js';
import type { Capability } from '../../../core/effect/capability.js';
import { effectInKeystone, rolesInForce } from '../../../core/effect/keystone.js';
import { sayable } from '../../../core/federation/effect-natives.js';
import type { NativeObject } from '../../../core/record.js';
import { partsOf, textOf, type SeenObjects } from './seen-objects.js';

export function keystoneEffects(
  seen: SeenObjects,
  capabilities: readonly Capability[],
): (object: NativeObject) => readonly Effect[] {
  const roles = new Map(
    seen.all('role').map(({ id, body }) => {
      const { implies } = body;
      return [
        id,
        {
          name: textOf(body, 'name') ?? '',
          isOfDomain: typeof body['domain_id'] === 'string',
          /** undefined where the connector could not read it, which is not the same as none. */
          implies: Array.isArray(implies) ? implies.filter((one) => typeof one === 'string') : undefined,
        },
      ] as const;
    }),
  );
  const readable = new Map([...roles].map(([id, role]) => [id, { ...role, implies: role.implies ?? [] }]));
  const ofRole = (id: string, inherited: boolean): readonly Effect[] => {
    const found = effectInKeystone(
      [{ roles: rolesInForce(id, readable), inherited, through: readable.get(id)?.name ?? 'the role' }],
      capabilities,
    );
    const unread = unreadFrom(id, roles);
    if (unread.length === 0) return found;
    // What is known to be given is given; of everything else nobody can say that it is not.
    const given = new Set(found.map(({ capability }) => capability));
    const rest = sayable('keystone', 'role', capabilities).filter((capability) => !given.has(capability));
    return [...found, ...rest.map((capability) => makeEffect(capability, 'unseen', unread, [], unread))];
  };
  return ({ type, id, body }) => {
    if (type === 'role') return ofRole(id, false);
    if (type !== 'roleAssignment') return [];
    const [, role = ''] = partsOf(body['role']);
    return ofRole(role, body['inherited'] === true);
  };
}

/** Names of the roles on the way whose implied roles were not read, or that were not read themselves. */
function unreadFrom(
  role: string,
  roles: ReadonlyMap<string, { readonly name: string; readonly implies: readonly string[] | undefined }>,
): readonly string[] {
  const reached = new Set([role]);
  const unread: string[] = [];
  for (const each of reached) {
    const found = roles.get(each);
    if (found?.implies === undefined) unread.push(found?.name ?? 'a role');
    for (const next of found?.implies ?? []) reached.add(next);
  }
  return unread;
}
