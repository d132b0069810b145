/** How far a signed decision reaches: each sentence of docs/approval.md about later plans, with the nearest thing that is different. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import {
  countingDecisions,
  keepDecision,
  spendDecision,
  verifyDecision,
} from '../../../activities/authority/decisions.js';
import { approverKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { decisionType, type Decision } from '../../../core/decision.js';
import { digestOf } from '../../../core/digest.js';
import type { Federation } from '../../../core/federation/federation.js';
import { rangesOver } from '../../../core/operation-ranges.js';
import { makeOperation, type Operation, type OperationDraft } from '../../../core/operation.js';
import type { Conflict } from '../../../core/plan.js';
import type { ReviewScope } from '../../../core/review.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { scratchFolderForFile } from '../../support/scratch-folder.js';
import { MemoryStore } from './gate-world.js';

const earlier = 'a'.repeat(64);
const later = 'b'.repeat(64);
const startMs = Date.parse('2026-06-01T00:00:00Z');

let federation: Federation;
let key: PrivateKey;

beforeAll(async () => {
  const folder = path.join(scratchFolderForFile(), 'federation');
  federation = await makeFolder(folder, { members: ['aws', 'sov'], approvers: ['ada', 'bob'] });
  const found = await readKeyFile(approverKeyFile(folder, 'ada'));
  if (!found) throw new Error('ada has no key');
  key = found;
});

function operation(name: string, change: Partial<OperationDraft> = {}): Operation {
  return makeOperation({
    authority: 'aws',
    type: 'person',
    key: digestOf({ name }),
    kind: 'update',
    changes: [{ kind: 'value', field: 'mail', before: 'a', after: 'b' }],
    rule: 'changedOnOneSide',
    because: ['sov'],
    current: { mail: 'a' },
    ...change,
  });
}
const deletion = (name: string, because: readonly string[] = ['sov']): Operation =>
  operation(name, { kind: 'delete', rule: 'deletedOnOneSide', because });

function conflict(name: string, operations: readonly Operation[]): Conflict {
  return {
    id: digestOf({ conflict: name }),
    type: 'person',
    key: digestOf({ name }),
    field: null,
    candidates: [{ digest: digestOf({ candidate: name }), kind: 'kept', heldBy: ['sov'], operations: [...operations] }],
  };
}
const scopeOf = (operations: readonly Operation[], conflicts: readonly Conflict[] = []): ReviewScope => ({
  operations,
  conflicts,
});
const choicesOf = (one: Conflict): Decision['choices'] => ({ [one.id]: one.candidates[0]?.digest ?? '' });

interface World {
  readonly context: AuthorityContext;
  clockMs: number;
}

function world(): World {
  const made = { clockMs: startMs } as { -readonly [Name in keyof World]: World[Name] };
  made.context = {
    id: 'aws',
    federation,
    privateStore: new MemoryStore(),
    now: () => made.clockMs,
    clock: { stamp: () => Promise.resolve('0'.repeat(16)) },
  } as unknown as AuthorityContext;
  return made;
}

/** Ada decides on the earlier plan, as the scope then was. */
async function decide(
  { context, clockMs }: World,
  scope: ReviewScope,
  change: Partial<Decision> = {},
  named?: readonly string[],
): Promise<Decision> {
  const decision: Decision = {
    id: randomBytes(16).toString('base64url'),
    kind: 'approve',
    federation: federation.file.federation,
    authority: 'aws',
    dataset,
    plan: earlier,
    approver: 'ada',
    delegation: null,
    binds: 'identicalOperations',
    operations: scope.operations.map(({ id }) => id),
    choices: {},
    conflicts: [],
    partial: false,
    reason: null,
    untilMs: null,
    issuedAtMs: clockMs,
    expiresAtMs: clockMs + 3_600_000,
    ...change,
  };
  const jws = await signCompact(decision, { typ: decisionType, key });
  await verifyDecision(context, dataset, jws);
  await keepDecision(context, dataset, jws, decision, scope, named);
  return decision;
}

interface Counts {
  readonly operations: readonly string[];
  readonly choices: readonly string[];
  readonly whole: boolean;
}

async function countIn(
  { context }: World,
  plan: string,
  scope: ReviewScope,
  { braked = false, permit = null }: { readonly braked?: boolean; readonly permit?: string | null } = {},
): Promise<Counts> {
  const counted = await countingDecisions(context, dataset, plan, scope, braked, permit);
  return {
    operations: counted.flatMap(({ decision }) => [...decision.operations]),
    choices: counted.flatMap(({ decision }) => Object.keys(decision.choices)),
    whole: counted.some(({ decision }) => !decision.partial),
  };
}

const one = operation('one');
const two = operation('two');

describe('a decision', () => {
  it('counts for what it names in its own plan, and for its plan as a whole', async () => {
    const here = world();
    await decide(here, scopeOf([one, two]), { operations: [one.id] });
    expect(await countIn(here, earlier, scopeOf([one, two]))).toEqual({
      operations: [one.id],
      choices: [],
      whole: true,
    });
  });

  it('counts for the identical operation in a later plan, and says nothing of that plan as a whole', async () => {
    const here = world();
    await decide(here, scopeOf([one]));
    expect(await countIn(here, later, scopeOf([one, two]))).toEqual({
      operations: [one.id],
      choices: [],
      whole: false,
    });
    const moved = operation('one', { changes: [{ kind: 'value', field: 'mail', before: 'a', after: 'c' }] });
    expect(await countIn(here, later, scopeOf([moved, two]))).toMatchObject({ operations: [] });
  });

  it('counts in no later plan where its signer bound it to one', async () => {
    const here = world();
    await decide(here, scopeOf([one]), { binds: 'thisPlan' });
    expect((await countIn(here, later, scopeOf([one]))).operations).toEqual([]);
    expect((await countIn(here, earlier, scopeOf([one]))).operations).toEqual([one.id]);
  });

  it('counts until it expires, on the clock of the authority', async () => {
    const here = world();
    await decide(here, scopeOf([one]));
    here.clockMs = startMs + 3_599_999;
    expect((await countIn(here, later, scopeOf([one]))).operations).toEqual([one.id]);
    here.clockMs = startMs + 3_600_000;
    expect((await countIn(here, later, scopeOf([one]))).operations).toEqual([]);
  });

  it('is asked for anew beyond a brake, and counts for its own plan there', async () => {
    const here = world();
    await decide(here, scopeOf([one]));
    expect((await countIn(here, later, scopeOf([one]), { braked: true })).operations).toEqual([]);
    expect((await countIn(here, earlier, scopeOf([one]), { braked: true })).operations).toEqual([one.id]);
  });

  it('counts once: what had its effect under one permit is not there for another', async () => {
    const here = world();
    const { id } = await decide(here, scopeOf([one, two]));
    await spendDecision(here.context, dataset, id, one.id, 'd'.repeat(64));
    expect((await countIn(here, later, scopeOf([one, two]))).operations).toEqual([two.id]);
    const sameCommit = await countIn(here, later, scopeOf([one, two]), { permit: 'd'.repeat(64) });
    expect(sameCommit.operations).toEqual([one.id, two.id]);
  });
});

describe('a decision on ranges of a plan', () => {
  const three = operation('three');
  const all = [one, two, three];
  const ids = all.map(({ id }) => id);
  const whole = { operations: [], ranges: rangesOver([[0, 2]], ids) };

  it('counts for what stands there in its own plan, and for its plan as a whole', async () => {
    const here = world();
    await decide(here, scopeOf(all), whole, ids);
    expect(await countIn(here, earlier, scopeOf(all))).toEqual({ operations: ids, choices: [], whole: true });
    expect((await countIn(here, earlier, scopeOf(all), { braked: true })).operations).toEqual(ids);
  });

  it('counts for the identical operations in a later plan, wherever they stand there', async () => {
    const here = world();
    await decide(here, scopeOf(all), whole, ids);
    const counted = await countIn(here, later, scopeOf([operation('new'), three, one]));
    expect(counted).toEqual({ operations: [three.id, one.id], choices: [], whole: false });
    const [decision] = await countingDecisions(here.context, dataset, later, scopeOf([three]), false);
    expect(decision?.named?.operations).toEqual(ids);
    expect((await countIn(here, later, scopeOf(all), { braked: true })).operations).toEqual([]);
  });

  it('counts once for each of them', async () => {
    const here = world();
    const { id } = await decide(here, scopeOf(all), whole, ids);
    await spendDecision(here.context, dataset, id, two.id, 'd'.repeat(64));
    expect((await countIn(here, later, scopeOf(all))).operations).toEqual([one.id, three.id]);
  });

  it('counts for nothing where what was kept for it is not what was signed', async () => {
    for (const named of [undefined, ids.slice(1), [...ids, operation('more').id], [...ids].reverse()]) {
      const here = world();
      await decide(here, scopeOf(all), whole, named);
      for (const plan of [earlier, later])
        expect(await countIn(here, plan, scopeOf([...all, operation('more')]))).toEqual({
          operations: [],
          choices: [],
          whole: false,
        });
    }
  });
});

describe('a decision on a deletion', () => {
  const gone = deletion('gone');
  const other = deletion('other');

  it('stands in a later plan with the same cause and no deletion that its signer had not seen', async () => {
    const here = world();
    await decide(here, scopeOf([gone, one]));
    expect((await countIn(here, later, scopeOf([gone, two]))).operations).toEqual([gone.id]);
  });

  it('does not stand where somebody else is the cause by now', async () => {
    const here = world();
    await decide(here, scopeOf([gone]));
    const because = deletion('gone', ['azure']);
    expect(because.id).toBe(gone.id);
    expect((await countIn(here, later, scopeOf([because]))).operations).toEqual([]);
  });

  it('does not stand where the later plan deletes one more, and what is no deletion stands all the same', async () => {
    const here = world();
    await decide(here, scopeOf([gone, one]));
    expect((await countIn(here, later, scopeOf([gone, other, one]))).operations).toEqual([one.id]);
  });

  it('stands beside a deletion that its signer saw and did not name', async () => {
    const here = world();
    await decide(here, scopeOf([gone, other]), { operations: [gone.id], partial: true });
    expect((await countIn(here, later, scopeOf([gone, other]))).operations).toEqual([gone.id]);
  });
});

describe('a choice', () => {
  it('stands in a later plan for exactly the operations that it was made for', async () => {
    const here = world();
    const asked = conflict('c', [one]);
    await decide(here, scopeOf([], [asked]), { choices: choicesOf(asked) });
    expect((await countIn(here, later, scopeOf([two], [asked]))).choices).toEqual([asked.id]);
    const grown = conflict('c', [one, two]);
    expect(grown.id).toBe(asked.id);
    expect((await countIn(here, later, scopeOf([], [grown]))).choices).toEqual([]);
  });

  it('to let a record go stands only where the later plan deletes nothing that was not seen', async () => {
    const here = world();
    const asked = conflict('c', [deletion('c')]);
    await decide(here, scopeOf([], [asked]), { choices: choicesOf(asked) });
    expect((await countIn(here, later, scopeOf([one], [asked]))).choices).toEqual([asked.id]);
    expect((await countIn(here, later, scopeOf([deletion('d')], [asked]))).choices).toEqual([]);
  });
});
