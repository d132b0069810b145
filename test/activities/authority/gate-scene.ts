/** What every lie to the gate is told in: a world that is ready to write, and the tools to forge a part of it. */
import { randomBytes } from 'node:crypto';
import { keepDecision } from '../../../activities/authority/decisions.js';
import { endDelegation } from '../../../activities/authority/delegations.js';
import { addToStanding } from '../../../activities/authority/standing.js';
import type { GateLineName } from '../../../activities/authority/gate.js';
import { getDocument, putDocument, putMessage } from '../../../activities/exchange.js';
import {
  approverKeyFile,
  generatePrivateKey,
  readKeyFile,
  type PrivateKey,
} from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { delegationEndType, delegationType, type Delegation } from '../../../core/approval/delegation.js';
import type { Correlation, StandingLink } from '../../../core/correlate.js';
import type { ErrorCode } from '../../../core/errors.js';
import type { Ref } from '../../../core/messages.js';
import type { Operation } from '../../../core/operation.js';
import type { Permit } from '../../../core/permit.js';
import { Plan } from '../../../core/plan.js';
import { reviewScope, reviewType, type ReviewBody, type ReviewStatement } from '../../../core/review.js';
import type { CommitInput } from '../../../workflows/contract.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision, type DecisionWishes } from '../../support/local-federation.js';
import { withDocuments } from './signed-documents.js';
import { GateWorld, layGround, type Ground, type Member, type Ready } from './gate-world.js';

export const protectedPerson = 7;
export const farFuture = Date.parse('2091-01-01T00:00:00Z');

/**
 * aws: one approver, two where more than two people change, and security where one goes; numbers of employees stay in its
 * region. sov: two approvers, one person nobody may touch, and no deletion, no rise of one department and no jester.
 */
export function terms(file: string, text: string): string {
  if (file === 'authorities/aws.yaml')
    return text
      .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 2 }')
      .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
      .replace('- id: bob', '- id: bob\n    roles: [security]')
      .replace(
        '  deadline: 7d',
        '  quorums: [{ for: { type: person, kind: delete }, need: { security: 1 } }]\n  deadline: 7d',
      )
      .replace(
        'freezeWindows: []',
        "freezeWindows: [{ from: '2090-01-01T00:00:00Z', to: '2090-02-01T00:00:00Z', reason: year end }]\n  residency: { keepWithin: { person: { employeeId: [us] } } }",
      );
  if (file === 'authorities/sov.yaml')
    return text
      .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }')
      .replace('quorum: 1', 'quorum: 2')
      .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
      .replace(
        'protected: []',
        `protected: [{ type: person, where: { employeeId: E77${1_000 + protectedPerson} }, reason: founder }]
  writable: { person: { operations: [create, update] }, team: {} }
  ceilings: [{ type: person, where: { employeeId: E771004 }, field: department, among: [Umbrology], reason: rank }]
  residency: { region: sov }
  rules: [{ name: no-jester, for: { type: person, kind: update }, allow: 'after.displayName != "Jester"', reason: dignity }]`,
      );
  return text;
}

export const one: readonly DecisionWishes[] = [{ approver: 'ada', choose: 0 }];
export const two: readonly DecisionWishes[] = [...one, { approver: 'bob', choose: 0 }];

/** One operation asked of each authority, one that sov's terms forbid, and a conflict that both choose alike. */
export function diverge(): void {
  const { aws } = scene.ground.sandbox;
  keystoneUser(scene.ground.sandbox, 1).extra['department'] = 'Archive';
  keystoneUser(scene.ground.sandbox, 2).extra['email'] = 'two.sov@example.org';
  aws.server.state.setTag(awsUser(scene.ground.sandbox, 2), 'email', 'two.aws@example.org');
  aws.server.state.setTag(awsUser(scene.ground.sandbox, 0), 'displayName', 'Quillan Other');
  aws.server.state.setTag(awsUser(scene.ground.sandbox, protectedPerson), 'department', 'Archive');
}

export function cloudsAsAgreed(): void {
  scene.ground.sandbox.aws.server.state.restore(scene.clouds.aws);
  scene.ground.sandbox.keystone.server.state.restore(scene.clouds.sov);
}

/** What all rows share; laid once before them. */
export const scene = {} as {
  ground: Ground;
  agreed: GateWorld;
  clouds: { readonly aws: string; readonly sov: string };
  prepared: { readonly world: GateWorld; readonly ready: Ready };
  policed?: Ground;
};

export async function layScene(): Promise<void> {
  scene.ground = await layGround(terms);
  scene.agreed = await GateWorld.agreed(scene.ground, 10);
  const { aws, keystone } = scene.ground.sandbox;
  scene.clouds = { aws: aws.server.state.save(), sov: keystone.server.state.save() };
  diverge();
  const world = scene.agreed.copy();
  scene.prepared = { world, ready: await world.ready({ aws: one, sov: two }) };
}

/** A copy of the world that is ready to write, with the clouds as they were when it was read. */
export function readyWorld(): { readonly world: GateWorld; readonly ready: Ready } {
  cloudsAsAgreed();
  diverge();
  return { world: scene.prepared.world.copy(), ready: scene.prepared.ready };
}

/** The line of the gate that refuses, what the coordinator did, the code, and how it is done. */
export type LieRow = readonly [line: GateLineName, what: string, code: ErrorCode, tell: () => Promise<Lie>];

export interface Lie {
  readonly world: GateWorld;
  readonly commit: CommitInput;
  readonly to?: Member;
}

/** The documents a coordinator writes; nobody signs them. */
export async function documentOf<Schema extends typeof Plan | typeof Permit | typeof Correlation>(
  world: GateWorld,
  ref: Ref,
  schema: Schema,
): Promise<ReturnType<Schema['parse']>> {
  return (await getDocument(world.exchange, ref, schema)) as ReturnType<Schema['parse']>;
}

/** A review that says what this authority's own people did not: as if its worker had been talked into signing. */
export async function withOwnReview(
  world: GateWorld,
  ready: Pick<Ready, 'inputs' | 'plan' | 'reviews'>,
  id: Member,
  operations: readonly string[],
): Promise<CommitInput> {
  const body: ReviewBody = {
    operations: [...operations],
    rejected: [],
    left: [],
    choices: {},
    decisions: [],
    delegations: [],
  };
  const statement: ReviewStatement = {
    authority: id,
    dataset,
    plan: ready.plan.planDigest,
    outcome: 'approved',
    code: null,
    body: (await putDocument(world.exchange, id, body)).sha256,
    hlc: await world.contexts[id].clock.stamp(),
  };
  const own = await putMessage(
    world.exchange,
    id,
    await signCompact(statement, { typ: reviewType, key: scene.ground.keys[id] }),
  );
  const reviews = [...ready.reviews.filter(({ ref }) => !ref.startsWith(`${id}/`)), own];
  const { inputs, plan } = ready;
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  return { inputs, plan: plan.plan, reviews, permit };
}

export async function ownOperations(
  world: GateWorld,
  ready: Pick<Ready, 'plan'>,
  id: Member,
): Promise<readonly Operation[]> {
  return [...reviewScope(await documentOf(world, ready.plan.plan, Plan), id).operations];
}

export function dropDecisions(world: GateWorld, id: Member): void {
  for (const name of world.stores[id].objects.keys())
    if (name.startsWith('decisions/')) world.stores[id].objects.delete(name);
}

/** Puts a signed decision where the authority keeps those it took, past every check that taking it would have made. */
export async function plantDecision(
  world: GateWorld,
  id: Member,
  jws: string,
  operations: readonly Operation[] = [],
  named?: readonly string[],
): Promise<void> {
  const decision = readUnverified(jws, { typ: 'concordat-decision+jws' }).payload as never;
  await keepDecision(world.contexts[id], dataset, jws, decision, { operations, conflicts: [] }, named);
}

export function replaced(refs: readonly Ref[], prefix: Member, by: Ref): Ref[] {
  return refs.map((ref) => (ref.ref.startsWith(`${prefix}/`) ? by : ref));
}

export async function signedAnew(world: GateWorld, ref: Ref, typ: string, prefix: Member): Promise<Ref> {
  const jws = new TextDecoder().decode(world.exchange.objects.get(ref.ref));
  const { payload } = readUnverified(jws, { typ });
  return putMessage(world.exchange, prefix, await signCompact(payload, { typ, key: await generatePrivateKey() }));
}

export const refOf = (refs: readonly Ref[], id: Member): Ref => refs.find(({ ref }) => ref.startsWith(`${id}/`)) as Ref;

interface Braved {
  readonly world: GateWorld;
  readonly ready: Ready;
  /** The operations that aws is asked about. */
  readonly ids: readonly string[];
}

async function decidedBy(world: GateWorld, decisions: readonly DecisionWishes[]): Promise<Braved> {
  const ready = await world.ready({ aws: decisions, sov: two });
  return { world, ready, ids: (await ownOperations(world, ready, 'aws')).map(({ id }) => id) };
}

/** More people change than aws lets one approver release. */
export async function brakedWorld(decisions: readonly DecisionWishes[]): Promise<Braved> {
  cloudsAsAgreed();
  for (const number of [1, 3, 4]) keystoneUser(scene.ground.sandbox, number).extra['department'] = 'Archive';
  return decidedBy(scene.agreed.copy(), decisions);
}

/** A person goes at sov, so aws is asked to let her go too, which takes security. */
export async function deletionWorld(decisions: readonly DecisionWishes[]): Promise<Braved> {
  cloudsAsAgreed();
  const { keystone } = scene.ground.sandbox;
  keystone.server.state.removeUser(keystoneUser(scene.ground.sandbox, 4));
  return decidedBy(scene.agreed.copy(), decisions);
}

/** The change at aws exists because ada said which records are the same. */
export async function linkedWorld(decisions: readonly DecisionWishes[]): Promise<Braved> {
  cloudsAsAgreed();
  diverge();
  const world = scene.agreed.copy();
  const { plan } = await world.planned();
  const [changed] = await ownOperations(world, { plan }, 'aws');
  if (!changed) throw new Error('aws is asked about nothing');
  const statement: StandingLink = {
    kind: 'link',
    authority: 'aws',
    type: changed.type,
    record: `~${'e'.repeat(64)}`,
    to: changed.key,
    approver: 'ada',
    key: null,
  };
  await addToStanding(world.contexts.aws, dataset, { links: [statement] });
  return decidedBy(world, decisions);
}

/** ada, who gains by it, signs a policy under which the department of sov counts. */
export async function policyWorld(decisions: readonly DecisionWishes[]): Promise<Braved> {
  cloudsAsAgreed();
  keystoneUser(scene.ground.sandbox, 1).extra['department'] = 'Archive';
  scene.policed ??= await withDocuments(scene.ground, 'policed', {
    edit: {
      [`datasets/${dataset}.yaml`]: (text) =>
        `${text}resolution: { person: { fields: { department: { kind: owned, by: sov } } } }\n`,
    },
    sign: { [`datasets/${dataset}`]: ['ada'] },
  });
  return decidedBy(new GateWorld(scene.policed, scene.agreed), decisions);
}

/** sov is asked for what its terms forbid; its people approve all the same, and a review of its own says so. */
export async function forbiddenAtSov(diverge: () => void): Promise<Lie> {
  cloudsAsAgreed();
  diverge();
  const { world, ready } = await decidedBy(scene.agreed.copy(), one);
  const ids = (await ownOperations(world, ready, 'sov')).map(({ id }) => id);
  for (const approver of ['ada', 'bob'])
    await plantDecision(
      world,
      'sov',
      await signDecision(scene.ground.folder, ready.sheets.sov, { approver, change: { operations: ids } }),
    );
  return { world, commit: await withOwnReview(world, ready, 'sov', ids), to: 'sov' };
}

async function keyOf(approver: string): Promise<PrivateKey> {
  const key = await readKeyFile(approverKeyFile(scene.ground.folder, approver));
  if (!key) throw new Error(`no key of ${approver}`);
  return key;
}

/** Puts a signed delegation where the authority keeps those it took; `untilMs` counts from now. Returns its id. */
export async function lend(
  world: GateWorld,
  id: Member,
  change: Partial<Omit<Delegation, 'kinds'>> & {
    readonly from: string;
    readonly to: string;
    readonly kinds?: readonly ('create' | 'update' | 'delete')[];
  },
  signer = change.from,
): Promise<string> {
  const delegation = {
    id: randomBytes(16).toString('base64url'),
    federation: scene.ground.federation.file.federation,
    authority: id,
    dataset: null,
    kinds: null,
    reason: null,
    issuedAtMs: world.clockMs,
    ...change,
    untilMs: world.clockMs + (change.untilMs ?? 3_600_000),
  };
  const jws = await signCompact(delegation, { typ: delegationType, key: await keyOf(signer) });
  world.stores[id].objects.set(`delegations/${delegation.id}`, new TextEncoder().encode(jws));
  return delegation.id;
}

export async function takeBack(world: GateWorld, id: Member, delegation: string): Promise<void> {
  const end = {
    delegation,
    federation: scene.ground.federation.file.federation,
    authority: id,
    approver: 'bob',
    issuedAtMs: world.clockMs,
  };
  await endDelegation(world.contexts[id], {
    jws: await signCompact(end, { typ: delegationEndType, key: await keyOf('bob') }),
  });
}
