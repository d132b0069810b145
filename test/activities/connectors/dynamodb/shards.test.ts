/** Which shards tell what came after a cursor, over random lineages: nothing that was told may be passed by. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardsToRead, type ReadShards, type Shard } from '../../../../activities/connectors/dynamodb/shards.js';
import { propertyRuns } from '../../../support/property-runs.js';

const shard = (id: string, parent: string | null, isClosed = false): Shard => ({
  id,
  parent,
  firstSequence: `${id}-0`,
  isClosed,
});
const idsOf = (answer: ReturnType<typeof shardsToRead>) =>
  answer.kind === 'shards' ? answer.shards.map(({ shard: { id }, after }) => [id, after]) : answer.kind;

describe('the shards to read after a cursor', () => {
  it('are those that were open, from where they were read, and all that come from known ones, from their beginning', () => {
    const shards = [shard('a', 'gone', true), shard('b', 'a', true), shard('c', 'b'), shard('d', 'b')];
    expect(idsOf(shardsToRead(shards, { open: { b: '7' }, ended: ['a'] }))).toEqual([
      ['b', '7'],
      ['c', null],
      ['d', null],
    ]);
    expect(idsOf(shardsToRead(shards, { open: { c: null }, ended: ['a', 'b', 'd'] }))).toEqual([['c', null]]);
  });

  it('cannot be told where one that was open is gone', () => {
    expect(idsOf(shardsToRead([shard('c', 'b')], { open: { b: '7' }, ended: [] }))).toBe('expired');
  });

  it.each([
    ['has no parent', [shard('a', null, true), shard('x', null)]],
    ['has a parent that nobody read', [shard('a', null, true), shard('x', 'lost')]],
    ['has itself for a parent', [shard('a', null, true), shard('x', 'y'), shard('y', 'x')]],
  ])('are in doubt where a new one %s', (_words, shards) => {
    expect(idsOf(shardsToRead(shards, { open: { a: '1' }, ended: [] }))).toBe('broken');
  });

  it('tell every record that was added since, or say that they cannot, however shards split, close and go', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), at: fc.nat(20) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('split' as const),
          at: fc.nat(20),
          into: fc.integer({ min: 1, max: 2 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
    );
    const seen = { told: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const all: { shard: Shard; records: number[] }[] = [{ shard: shard('s0', null), records: [] }];
        let listed = 0;
        let next = 0;
        const due = new Set<number>();
        let cursor: ReadShards = { open: { s0: null }, ended: [] };
        for (const one of steps) {
          const open = all.slice(listed).filter(({ shard: { isClosed } }) => !isClosed);
          if (one.kind === 'write') {
            const target = open[one.at % open.length];
            target?.records.push((next += 1));
            due.add(next);
          } else if (one.kind === 'split') {
            const target = open[one.at % open.length];
            if (!target) continue;
            target.shard = { ...target.shard, isClosed: true };
            for (let child = 0; child < one.into; child += 1)
              all.push({ shard: shard(`s${all.length}`, target.shard.id), records: [] });
          } else if (one.kind === 'trim') {
            // The oldest go, closed ones only.
            if (all[listed]?.shard.isClosed) listed += 1;
          } else {
            const there = all.slice(listed);
            const answer = shardsToRead(
              there.map((each) => each.shard),
              cursor,
            );
            if (answer.kind !== 'shards') {
              // All is read whole then.
              seen.refused += 1;
              due.clear();
              cursor = {
                open: Object.fromEntries(
                  there.flatMap((each) =>
                    each.shard.isClosed ? [] : [[each.shard.id, String(each.records.at(-1) ?? '') || null]],
                  ),
                ),
                ended: there.flatMap((each) => (each.shard.isClosed ? [each.shard.id] : [])),
              };
              continue;
            }
            const last: Record<string, string | null> = {};
            const ended = [...cursor.ended];
            for (const {
              shard: { id, isClosed },
              after,
            } of answer.shards) {
              const records = there.find((each) => each.shard.id === id)?.records ?? [];
              for (const record of records) if (record > Number(after ?? 0)) due.delete(record);
              if (isClosed) ended.push(id);
              else last[id] = String(records.at(-1) ?? after ?? '') || null;
            }
            expect([...due]).toEqual([]);
            seen.told += 1;
            cursor = { open: last, ended };
          }
        }
      }),
      propertyRuns(400),
    );
    expect(seen.told).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(5);
  });
});
