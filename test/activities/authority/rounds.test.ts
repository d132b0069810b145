/** Rounds as the activities keep them: what an authority promised and signed holds over coordinators that stop, repeat, mix and lie. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAgreement } from '../../../activities/authority/agreements.js';
import { readRunState } from '../../../activities/authority/live-run.js';
import { openRun } from '../../../activities/authority/open.js';
import { readPages } from '../../../activities/authority/snapshot.js';
import { acceptSeal } from '../../../activities/authority/seal.js';
import { witnessCandidate } from '../../../activities/authority/witness.js';
import { putDocument } from '../../../activities/exchange.js';
import { verifySeal } from '../../../activities/seals.js';
import { judgeOpens } from '../../../activities/federation/judge-opens.js';
import { Proposal, type Ref, type RunInputs } from '../../../core/messages.js';
import { roundStepMax } from '../../../core/rounds.js';
import { awsUser, seedEqual } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { colluders, forgeSeal, withEve } from './forged-seal.js';
import { GateWorld, layGround, members, type Ground, type Member } from './gate-world.js';

let ground: Ground;
let first: GateWorld;
let world: GateWorld;

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 100 }'));
  first = await GateWorld.agreed(ground, 4);
});
afterAll(() => ground?.stop());
beforeEach(() => {
  seedEqual(ground.sandbox, 4);
  world = first.copy();
});

/** Both clouds move alike, so that there is something to agree on and nothing to ask. */
function moveBoth(): void {
  const { aws, keystone } = ground.sandbox;
  aws.server.state.setTag(awsUser(ground.sandbox, 1), 'department', 'Orchard');
  for (const user of keystone.server.state.users.all())
    if (user.extra['employee_id'] === 'E771001') user.extra['department'] = 'Orchard';
}

async function proposed(): Promise<{ readonly inputs: RunInputs; readonly proposal: Ref }> {
  const { inputs, plan } = await world.planned();
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews: [] });
  const { proposal } = await world.coordinator.proposeCandidate({
    inputs,
    plan: plan.plan,
    reviews: [],
    permit,
    receipts: [],
  });
  if (!proposal) throw new Error('there is nothing to agree on');
  return { inputs, proposal };
}

const sign = async (id: Member, { run, opens }: RunInputs, proposal: Ref): Promise<Ref> =>
  (await witnessCandidate(world.contexts[id], { dataset, run, opens, proposal })).witness;
const base = async (id: Member): Promise<number> =>
  (await readAgreement(world.contexts[id], dataset)).agreement?.sequence ?? 0;
const open = (id: Member, round: number, taking: readonly string[] = members) =>
  openRun(world.contexts[id], { dataset, attempt: `round ${round}`, round, members: taking });

describe('an open', () => {
  it('is a promise: no lower round and no other open of the same round follows it', async () => {
    const { state } = await readRunState(world.contexts.aws, dataset);
    const round = state.promised + 5;
    expect(await open('aws', round)).toMatchObject({ kind: 'opened' });
    expect(await openRun(world.contexts.aws, { dataset, attempt: 'another', round, members })).toEqual({
      kind: 'roundTooLow',
      promised: round,
    });
    expect(await open('aws', round - 1)).toEqual({ kind: 'roundTooLow', promised: round });
    expect(await open('aws', round + roundStepMax + 1)).toEqual({ kind: 'roundTooFar', promised: round });
    expect(await open('aws', round + roundStepMax)).toMatchObject({ kind: 'opened' });
  });

  it('is the same one where it is asked for again', async () => {
    const { state } = await readRunState(world.contexts.aws, dataset);
    const once = await open('aws', state.promised + 1);
    expect(await open('aws', state.promised + 1)).toEqual(once);
  });

  it.each([
    ['half of the members', ['aws']],
    ['members without itself', ['sov']],
    ['somebody who is no member', ['aws', 'sov', 'eve']],
    ['a member named twice', ['aws', 'aws']],
  ])('is refused for %s', async (_what, taking) => {
    const { state } = await readRunState(world.contexts.aws, dataset);
    await expect(open('aws', state.promised + 1, taking)).rejects.toMatchObject({ code: 'wrongRun' });
  });

  it('makes no run with one of another round', async () => {
    const { state } = await readRunState(world.contexts.aws, dataset);
    const opens: Ref[] = [];
    for (const [id, round] of [['aws', state.promised + 1] as const, ['sov', state.promised + 2] as const]) {
      const opened = await open(id, round);
      if (opened.kind === 'opened') opens.push(opened.open);
    }
    await expect(world.coordinator.judgeOpens({ dataset, opens })).rejects.toMatchObject({ code: 'wrongRun' });
  });
});

describe('a witness', () => {
  it('spends the open, so that one run cannot get a second one', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const witness = await sign('aws', inputs, proposal);
    expect(await sign('aws', inputs, proposal), 'asked again it is the same').toEqual(witness);
    const found = Proposal.parse(JSON.parse(new TextDecoder().decode(world.exchange.objects.get(proposal.ref))));
    const other = await putDocument(world.exchange, 'federation', { ...found, reviews: [found.plan] });
    await expect(sign('aws', inputs, other)).rejects.toMatchObject({ code: 'wrongRun' });
  });

  it('is kept before it is sent: it shows in the next open although nobody got it', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    await sign('aws', inputs, proposal);
    const { state } = await readRunState(world.contexts.aws, dataset);
    expect(state.pending).toMatchObject({ sequence: 2 });
    expect(state.live).toBeNull();
  });

  it('counts once where the worker died after it was kept and before the open was spent', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const store = world.stores.aws;
    const head = store.heads.get(`live-run/${dataset}`);
    await sign('aws', inputs, proposal);
    if (head) store.heads.set(`live-run/${dataset}`, head);
    await sign('aws', inputs, proposal);
    expect((await readRunState(world.contexts.aws, dataset)).state).toMatchObject({
      live: null,
      pending: { sequence: 2 },
    });
  });

  it('is never handed out where a newer open said that nothing is pending', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const store = world.stores.aws;
    const head = store.heads.get(`live-run/${dataset}`);
    await sign('aws', inputs, proposal);
    if (head) store.heads.set(`live-run/${dataset}`, head);
    await world.open();
    await expect(sign('aws', inputs, proposal)).rejects.toMatchObject({ code: 'wrongRun' });
  });

  it('is refused on a candidate that somebody computed otherwise', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const found = Proposal.parse(JSON.parse(new TextDecoder().decode(world.exchange.objects.get(proposal.ref))));
    const text = new TextDecoder().decode(world.exchange.objects.get(found.candidate.ref));
    const candidate = await putDocument(world.exchange, 'federation', {
      ...(JSON.parse(text) as object),
      next: 'e'.repeat(64),
    });
    const forged = await putDocument(world.exchange, 'federation', { ...found, candidate });
    await expect(sign('sov', inputs, forged)).rejects.toMatchObject({ code: 'planNotReproduced' });
    expect((await readRunState(world.contexts.sov, dataset)).state.live, 'nothing was spent').not.toBeNull();
  });
});

describe('a run that ended between two witnesses', () => {
  it('is finished by the next one before that does anything of its own', async () => {
    moveBoth();
    const { inputs: stopped, proposal } = await proposed();
    await sign('aws', stopped, proposal);
    const next = await world.openAnyway();
    const judgement = await world.coordinator.judgeOpens(next);
    expect(judgement).toMatchObject({ kind: 'finish', sequence: 2 });
    if (judgement.kind !== 'finish') return;
    const own: Ref[] = [];
    for (const id of members) own.push(await sign(id, next, judgement.proposal));
    const { seal } = await world.coordinator.assembleSeal({
      dataset,
      opens: next.opens,
      witnesses: own,
      proposal: judgement.proposal,
    });
    for (const id of members) await acceptSeal(world.contexts[id], { dataset, seal });
    expect([await base('aws'), await base('sov')]).toEqual([2, 2]);
    const after = await world.open();
    expect((await world.coordinator.judgeOpens(after)).kind).toBe('work');
  });

  it('keeps everybody from another candidate until then', async () => {
    moveBoth();
    const { inputs: stopped, proposal } = await proposed();
    for (const id of members) await sign(id, stopped, proposal);
    const next = await world.openAnyway();
    await expect(readPages(world.contexts.aws, next)).rejects.toMatchObject({ code: 'pendingFirst' });
    const found = Proposal.parse(JSON.parse(new TextDecoder().decode(world.exchange.objects.get(proposal.ref))));
    const text = new TextDecoder().decode(world.exchange.objects.get(found.candidate.ref));
    const own = { ...(JSON.parse(text) as object), run: next.run };
    const candidate = await putDocument(world.exchange, 'federation', own);
    const another = await putDocument(world.exchange, 'federation', { ...found, candidate });
    await expect(sign('aws', next, another)).rejects.toMatchObject({ code: 'pendingFirst' });
    expect((await readRunState(world.contexts.aws, dataset)).state.live, 'nothing was spent').not.toBeNull();
  });

  it('is finished under the configuration it was made with, whatever the folders say by now', async () => {
    moveBoth();
    const { inputs: stopped, proposal } = await proposed();
    await sign('aws', stopped, proposal);
    const definition = ground.federation.datasets[dataset];
    if (!definition) throw new Error('no dataset');
    const changed = {
      ...ground.federation,
      datasets: { ...ground.federation.datasets, [dataset]: { ...definition, commit: 'allOrNothing' as const } },
    };
    for (const id of members) world.change(id, { federation: changed });
    const next = await world.openAnyway();
    const judgement = await judgeOpens(changed, world.exchange, next, world.clockMs);
    if (judgement.kind !== 'finish') throw new Error(`it has to ${judgement.kind}`);
    for (const id of members) await sign(id, next, judgement.proposal);
    expect((await readRunState(world.contexts.sov, dataset)).state.pending?.sequence).toBe(2);
  });
});

describe('a candidate that nobody else can make again', () => {
  /** aws signs; what sov would need for it is gone before it looks. */
  async function signedByOne(): Promise<{ readonly stopped: RunInputs; readonly proposal: Ref }> {
    moveBoth();
    const { inputs: stopped, proposal } = await proposed();
    await sign('aws', stopped, proposal);
    for (const { ref } of stopped.snapshots) world.exchange.objects.delete(ref);
    return { stopped, proposal };
  }

  it('is refused by who cannot, and passed over once the opens show that it is not sealed', async () => {
    const { proposal } = await signedByOne();
    const next = await world.openAnyway();
    const judgement = await world.coordinator.judgeOpens(next);
    expect(judgement).toMatchObject({ kind: 'finish', passable: true, signers: ['aws'] });
    if (judgement.kind !== 'finish') return;
    await expect(sign('sov', next, proposal)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
    const again = await world.openAnyway();
    expect(await world.coordinator.judgeOpens({ ...again, passOver: judgement.candidate })).toMatchObject({
      kind: 'work',
    });
    world.passesOver = judgement.candidate;
    const own = await proposed();
    for (const id of members) await sign(id, own.inputs, own.proposal);
    expect((await readRunState(world.contexts.aws, dataset)).state.pending).toMatchObject({
      sequence: 2,
      candidate: Proposal.parse(JSON.parse(new TextDecoder().decode(world.exchange.objects.get(own.proposal.ref))))
        .candidate.sha256,
    });
  });

  it('is not passed over where all have signed it, whatever a coordinator asks for', async () => {
    moveBoth();
    const { inputs: stopped, proposal } = await proposed();
    for (const id of members) await sign(id, stopped, proposal);
    const next = await world.openAnyway();
    const judgement = await world.coordinator.judgeOpens(next);
    expect(judgement).toMatchObject({ kind: 'finish', passable: false, signers: ['aws', 'sov'] });
    if (judgement.kind !== 'finish') return;
    const asked = await world.coordinator.judgeOpens({ ...next, passOver: judgement.candidate });
    expect(asked).toEqual(judgement);
  });
});

describe('a seal that colluders made under a configuration of their own', () => {
  async function forged(on: Member | null) {
    const federation = withEve(ground.federation);
    world.change('aws', { federation });
    const held = on && (await readAgreement(world.contexts[on], dataset)).agreement;
    const { sequence, digest, ref, seal } = held ?? {};
    const made = await forgeSeal({
      federation,
      exchange: world.exchange,
      key: ground.keys.sov,
      nowMs: world.clockMs,
      on: sequence && digest && ref && seal ? { sequence, digest, ref, seal } : null,
    });
    const verified = await verifySeal(federation, world.exchange, dataset, made.seal);
    expect(verified.opened.members, 'in itself it is complete').toEqual(colluders);
    return made;
  }

  it('is not taken up by who comes back', async () => {
    const { ref } = await forged('aws');
    await expect(acceptSeal(world.contexts.aws, { dataset, seal: ref })).rejects.toMatchObject({
      code: 'membershipNotFollowed',
    });
    expect(await base('aws')).toBe(1);
  });

  it('is not taken up by a newcomer', async () => {
    const { ref } = await forged(null);
    world.stores.aws.heads.delete(`agreements/${dataset}`);
    const { federation } = world.contexts.aws;
    const definition = federation.datasets[dataset];
    if (!definition) throw new Error('no dataset');
    const larger = { ...definition, members: ['aws', 'nora', 'olaf', 'sov'] };
    world.change('aws', { federation: { ...federation, datasets: { ...federation.datasets, [dataset]: larger } } });
    await expect(acceptSeal(world.contexts.aws, { dataset, seal: ref })).rejects.toMatchObject({
      code: 'membershipNotFollowed',
    });
    expect(await base('aws')).toBe(0);
  });
});

describe('a seal', () => {
  /** Names under which aws puts segments while it takes the seal up, and the base that it then holds. */
  async function takenUp(forgets: boolean): Promise<{ readonly put: ReadonlySet<string>; readonly made: string[] }> {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const before = new Set(world.exchange.objects.keys());
    const head = world.stores.aws.heads.get(`live-run/${dataset}`);
    const witnesses: Ref[] = [];
    for (const id of members) witnesses.push(await sign(id, inputs, proposal));
    const isSegment = (name: string): boolean => name.startsWith('aws/segments/');
    const made = [...world.exchange.objects.keys()].filter((name) => isSegment(name) && !before.has(name));
    if (forgets && head) {
      world.stores.aws.heads.set(`live-run/${dataset}`, head);
      for (const name of made) world.exchange.objects.delete(name);
    }
    const put = new Set<string>();
    const exchange = Object.create(world.exchange) as typeof world.exchange;
    exchange.putIfAbsent = (name, bytes) => {
      if (isSegment(name)) put.add(name);
      return world.exchange.putIfAbsent(name, bytes);
    };
    const seal = await putDocument(world.exchange, 'federation', { dataset, opens: inputs.opens, witnesses, proposal });
    await acceptSeal({ ...world.contexts.aws, exchange }, { dataset, seal });
    expect(await base('aws')).toBe(2);
    return { put, made };
  }

  it('makes nobody make the base again who made it to sign it', async () => {
    const { put, made } = await takenUp(false);
    expect(made).not.toEqual([]);
    expect([...put]).toEqual([]);
  });

  it('makes those make the base who did not sign it, or do not remember: each keeps its own copy', async () => {
    const { put, made } = await takenUp(true);
    expect(made).not.toEqual([]);
    for (const name of made) expect(put.has(name) && world.exchange.objects.has(name), name).toBe(true);
  });

  it('needs every member of its run', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const witness = await sign('aws', inputs, proposal);
    const seal = await putDocument(world.exchange, 'federation', {
      dataset,
      opens: inputs.opens,
      witnesses: [witness],
      proposal,
    });
    await expect(acceptSeal(world.contexts.aws, { dataset, seal })).rejects.toMatchObject({ code: 'notSealed' });
    expect(await base('aws')).toBe(1);
  });

  it('does not count the witness of another run', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const early = await sign('aws', inputs, proposal);
    const next = await world.openAnyway();
    const judgement = await world.coordinator.judgeOpens(next);
    if (judgement.kind !== 'finish') throw new Error(`it has to ${judgement.kind}`);
    const late = await sign('sov', next, judgement.proposal);
    for (const opens of [inputs.opens, next.opens]) {
      const seal = await putDocument(world.exchange, 'federation', {
        dataset,
        opens,
        witnesses: [early, late],
        proposal,
      });
      await expect(acceptSeal(world.contexts.sov, { dataset, seal })).rejects.toMatchObject({
        code: 'inputNotAuthentic',
      });
    }
    expect(await base('sov')).toBe(1);
  });

  it('brings an authority up to date that did not hear of it, and is the same when shown twice', async () => {
    moveBoth();
    const { inputs, proposal } = await proposed();
    const witnesses: Ref[] = [];
    for (const id of members) witnesses.push(await sign(id, inputs, proposal));
    const { seal } = await world.coordinator.assembleSeal({ dataset, opens: inputs.opens, witnesses, proposal });
    await acceptSeal(world.contexts.aws, { dataset, seal });
    const judgement = await world.coordinator.judgeOpens(await world.openAnyway());
    expect(judgement).toMatchObject({ kind: 'catchUp', behind: ['sov'], sequence: 2 });
    if (judgement.kind !== 'catchUp') return;
    const taken = await acceptSeal(world.contexts.sov, { dataset, seal: judgement.seal });
    expect(await acceptSeal(world.contexts.sov, { dataset, seal: judgement.seal })).toEqual(taken);
    expect((await readRunState(world.contexts.sov, dataset)).state.pending).toBeNull();
    expect((await world.coordinator.judgeOpens(await world.openAnyway())).kind).toBe('work');
  });
});
