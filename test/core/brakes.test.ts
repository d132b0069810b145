/** Brakes at their boundaries, the quorum they raise, and records that nobody may touch. */
import { describe, expect, it } from 'vitest';
import { protectionOf, quorumOf, trippedBrakes } from '../../core/brakes.js';
import { Authority } from '../../core/federation/authority.js';
import { makeOperation, type Operation } from '../../core/operation.js';

function authority(rest: { constraints?: object; approval?: object } = {}): Authority {
  return Authority.parse({
    authority: 'aa',
    mesh: { kind: 'aws-iam' },
    surface: { person: ['name'] },
    constraints: { brakes: {}, freezeWindows: [], protected: [], freshness: '2h', ...rest.constraints },
    approval: { quorum: 1, deadline: '7d', ...rest.approval },
    approvers: [{ id: 'ada' }],
  });
}

const braked = (person: object): Authority => authority({ constraints: { brakes: { person } } });

function operations(updates: number, deletions: number, type = 'person'): Operation[] {
  return Array.from({ length: updates + deletions }, (_, at) => {
    const kind = at < updates ? 'update' : 'delete';
    const change = { kind: 'value', field: 'name', before: 'a', after: kind === 'update' ? 'b' : null } as const;
    return makeOperation({
      authority: 'aa',
      type,
      key: `p${at}`,
      kind,
      changes: [change],
      rule: 'changedOnOneSide',
      because: ['bb'],
      current: { name: 'a' },
    });
  });
}

describe('a brake', () => {
  it.each([
    ['operationsMax', { operationsMax: 3 }, 3, 0, 100, null],
    ['operationsMax', { operationsMax: 3 }, 4, 0, 100, { allowed: 3, found: 4 }],
    ['operationsMax', { operationsMax: 3 }, 2, 2, 100, { allowed: 3, found: 4 }],
    ['operationsMax', { operationsMax: 0 }, 0, 0, 100, null],
    ['operationsMax', { operationsMax: 0 }, 1, 0, 100, { allowed: 0, found: 1 }],
    ['deletionsMax', { deletionsMax: 2 }, 9, 2, 100, null],
    ['deletionsMax', { deletionsMax: 2 }, 0, 3, 100, { allowed: 2, found: 3 }],
    ['deletionsMax', { deletionsMax: 0 }, 0, 1, 100, { allowed: 0, found: 1 }],
    ['percentMax', { percentMax: 10 }, 10, 0, 100, null],
    ['percentMax', { percentMax: 10 }, 11, 0, 100, { allowed: 10, found: 11 }],
    ['percentMax', { percentMax: 10 }, 1, 0, 10, null],
    ['percentMax', { percentMax: 10 }, 1, 0, 9, { allowed: 10, found: 12 }],
    ['percentMax', { percentMax: 33 }, 1, 0, 3, { allowed: 33, found: 34 }],
    ['percentMax', { percentMax: 0 }, 1, 0, 1_000_000, { allowed: 0, found: 1 }],
    ['percentMax', { percentMax: 100 }, 5, 5, 10, null],
    // A mesh that holds nothing yet has no share to measure: operationsMax is the limit for a first filling.
    ['percentMax', { percentMax: 1 }, 50, 0, 0, null],
  ] as const)(
    'on %s with %j and %i updates, %i deletions of %i records',
    (limit, brake, updates, deletions, held, found) => {
      expect(trippedBrakes(braked(brake), operations(updates, deletions), { person: held })).toEqual(
        found === null ? [] : [{ type: 'person', limit, ...found }],
      );
    },
  );

  it('counts its own type only, and each limit by itself', () => {
    const all = braked({ operationsMax: 1, deletionsMax: 1, percentMax: 1 });
    expect(trippedBrakes(all, operations(9, 9, 'team'), { person: 1, team: 1 })).toEqual([]);
    expect(
      trippedBrakes(all, operations(0, 2), { person: 10 })
        .map(({ limit }) => limit)
        .sort(),
    ).toEqual(['deletionsMax', 'operationsMax', 'percentMax']);
    expect(trippedBrakes(authority(), operations(9, 9), { person: 1 })).toEqual([]);
  });

  it.each([
    [{ quorum: 2 }, 2, 3],
    [{ quorum: 2, quorumWhenBraked: 5 }, 2, 5],
    [{ quorum: 2, quorumWhenBraked: 2 }, 2, 2],
    [{ quorum: 3, quorumWhenBraked: 1 }, 3, 3],
  ])('under %j asks %i people, and %i once it tripped', (approval, plain, tripped) => {
    expect(quorumOf(authority({ approval }), false)).toBe(plain);
    expect(quorumOf(authority({ approval }), true)).toBe(tripped);
  });
});

describe('a protected record', () => {
  const guarded = authority({
    constraints: {
      protected: [
        { type: 'person', where: { name: 'root', mail: null }, reason: 'break glass' },
        { type: 'team', where: { labels: ['frozen'] }, reason: 'frozen' },
      ],
    },
  });

  it.each([
    ['person', { name: 'root', mail: null, phone: '1' }, 'break glass'],
    ['person', { name: 'root', mail: 'm' }, null],
    ['person', { name: 'root' }, null],
    ['team', { name: 'root', mail: null }, null],
    ['team', { labels: ['frozen'] }, 'frozen'],
    ['team', { labels: ['a', 'frozen'] }, null],
  ])('is a %s with %j: %s', (type, fields, reason) => {
    expect(protectionOf(guarded, type, fields)).toBe(reason);
  });
});
