/** The planned calls: pure, in Keystone's words, and enough to make `after` of `before`. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NativeWrite } from '../../../../activities/connectors/connector.js';
import type { Json, JsonObject } from '../../../../core/json.js';
import { connectTo, domain } from './sandbox-domain.js';

// Nobody listens there: a plan that asked the cloud would fail.
const connector = connectTo('http://127.0.0.1:1');

describe('planned calls', () => {
  it('create a user disabled, in the domain of the mesh, without a password', () => {
    const after = { name: 'ada', password: 'never', id: 'chosen', department: 'Physics', links: {} };
    expect(connector.plannedCalls({ kind: 'create', type: 'user', after })).toEqual([
      {
        call: 'POST /v3/users',
        target: 'ada',
        arguments: { enabled: false, name: 'ada', department: 'Physics', domain_id: domain },
      },
    ]);
    const enabled = connector.plannedCalls({ kind: 'create', type: 'user', after: { name: 'ada', enabled: true } });
    expect(enabled[0]?.arguments).toMatchObject({ enabled: true });
  });

  it('create a group before its members, in code unit order', () => {
    const after = { name: 'physics', members: ['b', 'B', 'a', 'b'], otherMembers: ['z'] };
    const calls = connector.plannedCalls({ kind: 'create', type: 'group', after });
    expect(calls.map(({ call, target }) => `${call} ${target}`)).toEqual([
      'POST /v3/groups physics',
      'PUT /v3/groups/{id}/users/{id} physics/B',
      'PUT /v3/groups/{id}/users/{id} physics/a',
      'PUT /v3/groups/{id}/users/{id} physics/b',
    ]);
    expect(calls[0]?.arguments).toEqual({ name: 'physics', domain_id: domain });
  });

  it('tell what vanishes with a deleted object', () => {
    const write = { kind: 'delete', id: 'x', before: {}, deletionMayRemove: [] } as const;
    for (const type of ['user', 'group'] as const) {
      const [call] = connector.plannedCalls({ ...write, type });
      expect(call).toMatchObject({ call: `DELETE /v3/${type}s/{id}`, target: 'x' });
      expect(call?.arguments['vanishesWithIt']).toEqual(expect.arrayContaining(['memberships', 'role assignments']));
    }
  });

  it('leave members alone where they are not part of what is wanted', () => {
    const write: NativeWrite = { kind: 'update', type: 'group', id: 'g', before: { members: ['a'] }, after: {} };
    expect(connector.plannedCalls(write)).toEqual([]);
  });

  it('make after of before, whatever the two are, and touch no member of another domain', () => {
    const value = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.constant(null), fc.array(fc.integer()));
    const names = fc.constantFrom('name', 'description', 'email', 'department', 'toString');
    const members = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
    const body = fc
      .tuple(fc.dictionary(names, value), members, members)
      .map(([rest, own, others]): JsonObject => ({ ...rest, members: own, otherMembers: others, domain_id: domain }));
    fc.assert(
      fc.property(body, body, (before, after) => {
        const properties: Record<string, Json> = { ...before };
        const held = new Set(before['members'] as string[]);
        for (const { call, arguments: given } of connector.plannedCalls({
          kind: 'update',
          type: 'group',
          id: 'g',
          before,
          after,
        })) {
          if (call.startsWith('PATCH')) Object.assign(properties, given);
          else if (call.startsWith('PUT')) held.add(given['user'] as string);
          else expect(held.delete(given['user'] as string)).toBe(true);
        }
        const plain = (all: JsonObject) =>
          Object.fromEntries(
            Object.entries(all).filter(([name, one]) => !['members', 'otherMembers'].includes(name) && one !== null),
          );
        expect(plain(properties)).toEqual(plain(after));
        expect(properties['otherMembers']).toEqual(before['otherMembers']);
        expect([...held].sort()).toEqual([...(after['members'] as string[])].sort());
      }),
    );
  });
});
