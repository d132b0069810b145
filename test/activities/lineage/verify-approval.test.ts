/**
 * An authority that signs what its people did not: its review, its receipts and the agreement of all peers hold together,
 * and only counting the signed decisions under the terms of the run shows it. Every forged export must be called wrong.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getDocument, putDocument, putMessage } from '../../../activities/exchange.js';
import { approverKeyFile, readKeyFile } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { recomputePlan } from '../../../activities/recompute.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { Findings } from '../../../activities/lineage/findings.js';
import { exportRun } from '../../../activities/lineage/make-export.js';
import { keysOfFederation } from '../../../activities/lineage/trusted-keys.js';
import { verifyApproval } from '../../../activities/lineage/verify-approval.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { delegationType, type Delegation } from '../../../core/approval/delegation.js';
import { receiptsType, type ReceiptsStatement, type Ref } from '../../../core/messages.js';
import { decisionType } from '../../../core/decision.js';
import { rangesOver } from '../../../core/operation-ranges.js';
import { configurationOf } from '../../../core/federation/federation.js';
import { makePermit, Permit } from '../../../core/permit.js';
import { ReviewBody, ReviewStatement, reviewType, type Review } from '../../../core/review.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision, type DecisionWishes } from '../../support/local-federation.js';
import { documentOf } from '../authority/gate-scene.js';
import { GateWorld, layGround, type Ground, type Member, type Ready } from '../authority/gate-world.js';

let ground: Ground;
let agreed: GateWorld;
let clouds: { aws: string; sov: string };

/** aws: two people for a department, one of them with the role security for a name; beyond three changes, two for all. */
beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text
          .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 3 }')
          .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
          .replace('- id: ada', '- id: ada\n    roles: [security]')
          .replace(
            '  deadline: 7d',
            '  quorums: [{ for: { type: person, field: displayName }, need: { security: 1 } }, { for: { type: person, field: department }, need: { any: 2 } }]\n  deadline: 7d',
          )
      : text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'),
  );
  agreed = await GateWorld.agreed(ground, 6);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

const department = (): void => void (keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive');
const displayName = (person: number): void =>
  void (keystoneUser(ground.sandbox, person).extra['display_name'] = `Perpetua ${person}`);
const name = (): void => displayName(2);
const names = (): void => [0, 2, 3, 4].forEach(displayName);
const nameAndDepartment = (): void => {
  department();
  name();
};
const conflict = (): void => {
  keystoneUser(ground.sandbox, 3).extra['department'] = 'Archive';
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 3), 'department', 'Accounts');
};

interface Scene {
  readonly world: GateWorld;
  readonly ready: Ready;
  /** What aws signed. */
  readonly statement: ReviewStatement;
  readonly body: ReviewBody;
}

type Diverge = () => void;
type Forge = (scene: Scene) => Promise<ReviewBody> | ReviewBody;

const laid = new Map<Diverge, Promise<Scene>>();

/** A plan that aws was asked about; nobody of its people has decided. */
function sceneOf(diverge: Diverge): Promise<Scene> {
  const scene = laid.get(diverge) ?? laidScene(diverge);
  laid.set(diverge, scene);
  return scene;
}

async function laidScene(diverge: Diverge): Promise<Scene> {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  diverge();
  const world = agreed.copy();
  const ready = await world.ready({ aws: [], sov: [] });
  const own = ready.reviews.find(({ ref }) => ref.startsWith('aws/')) as Ref;
  const read = readUnverified(new TextDecoder().decode(world.exchange.objects.get(own.ref)), { typ: reviewType });
  const statement = ReviewStatement.parse(read.payload);
  const of = { ref: `aws/documents/${statement.body}`, sha256: statement.body };
  return { world, ready, statement, body: await getDocument(world.exchange, of, ReviewBody) };
}

/** What counting says of a review of aws with this body, where all that it lets through was written. */
async function counted(diverge: Diverge, forge: Forge): Promise<Findings> {
  const scene = await sceneOf(diverge);
  const { body: _, ...statement } = scene.statement;
  const review: Review = { ...statement, ...(await forge(scene)) };
  const recomputed = await recomputePlan(ground.federation, scene.world.exchange, scene.ready.inputs);
  const permit = makePermit(recomputed.planDigest, recomputed.plan, recomputed.messages.shape.dataset, [
    { id: 'ab'.repeat(32), review },
  ]);
  const own = ground.federation.datasets[dataset];
  if (!own) throw new Error('no dataset');
  const findings = new Findings();
  const evidence = {
    recomputed,
    permit,
    assignments: [],
    causes: [],
    configuration: configurationOf(ground.federation, own),
    written: new Set(Object.values(permit.operations).flatMap((ids) => [...ids])),
  };
  await verifyApproval(review, evidence, keysOfFederation(ground.federation), findings);
  return findings;
}

/** The same told by an export: aws signs the review and its receipts, all agree, and the run is exported and verified. */
async function exported(diverge: Diverge, forge: Forge): Promise<Findings> {
  const scene = await laidScene(diverge);
  const { world, ready, statement } = scene;
  const body = (await putDocument(world.exchange, 'aws', await forge(scene))).sha256;
  const forged = { ...statement, outcome: 'approved', body };
  const jws = await signCompact(forged, { typ: reviewType, key: ground.keys.aws });
  const reviews = [await putMessage(world.exchange, 'aws', jws)];
  const { inputs, plan } = ready;
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  const { operations } = await documentOf(world, permit, Permit);
  const receipts = [await receiptsOf(world, 'aws', ready, permit, operations['aws'] ?? [])];
  await world.agree({ commit: { inputs, plan: plan.plan, reviews, permit } }, receipts);
  const keys = keysOfFederation(ground.federation);
  const { head, objects } = await exportRun(world.exchange, keys, dataset, 2);
  return verifyExport({ head, objects: new Map(objects) }, keys);
}

async function receiptsOf(
  world: GateWorld,
  id: Member,
  { inputs, plan }: Ready,
  permit: Ref,
  operations: readonly string[],
): Promise<Ref> {
  const hlc = await world.contexts[id].clock.stamp();
  const receipts = operations.map((operation) => ({ operation, outcome: 'applied', code: null, left: null, hlc }));
  const statement: ReceiptsStatement = {
    authority: id,
    dataset,
    run: inputs.run,
    plan: plan.planDigest,
    permit: permit.sha256,
    complete: true,
    body: (await putDocument(world.exchange, id, { receipts })).sha256,
    hlc: await world.contexts[id].clock.stamp(),
  };
  return putMessage(world.exchange, id, await signCompact(statement, { typ: receiptsType, key: ground.keys[id] }));
}

const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);
const approvals = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind, authority }) => kind === 'approved' && authority === 'aws').map(({ words }) => words);

/** Every operation that aws is asked about, called approved. */
const everything = ({ ready, body }: Scene): ReviewBody => ({
  ...body,
  operations: ready.sheets.aws.operations
    .filter(({ operation }) => operation.rule !== 'chosen')
    .map(({ operation }) => operation.id),
});

const decidedBy =
  (...wishes: readonly DecisionWishes[]) =>
  async (scene: Scene): Promise<ReviewBody> => ({
    ...everything(scene),
    decisions: await Promise.all(wishes.map((one) => signDecision(ground.folder, scene.ready.sheets.aws, one))),
  });

/** bob decides for ada, under a delegation that ada signs, or whoever is named. */
const decidedForAda =
  (change: Partial<Delegation>, signer = 'ada', by = 'bob') =>
  async (scene: Scene): Promise<ReviewBody> => {
    const nowMs = scene.world.clockMs;
    const delegation: Delegation = {
      id: randomBytes(16).toString('base64url'),
      federation: ground.federation.file.federation,
      authority: 'aws',
      dataset: null,
      kinds: null,
      from: 'ada',
      to: 'bob',
      reason: null,
      issuedAtMs: nowMs - 7_200_000,
      untilMs: nowMs + 3_600_000,
      ...change,
    };
    const key = await readKeyFile(approverKeyFile(ground.folder, signer));
    if (!key) throw new Error(`no key of ${signer}`);
    const made = await decidedBy({ approver: by, change: { delegation: delegation.id } })(scene);
    return { ...made, delegations: [await signCompact(delegation, { typ: delegationType, key })] };
  };

/** These people sign for what aws is asked, by place; of an earlier plan the review says what stood there. */
const decidedByPlace =
  (people: readonly string[], claim: { signed?: (ids: readonly string[]) => readonly string[]; plan?: string } = {}) =>
  async (scene: Scene): Promise<ReviewBody> => {
    const ids = everything(scene).operations;
    const signed = claim.signed?.(ids) ?? ids;
    const change = {
      operations: [],
      ranges: rangesOver([[0, signed.length - 1]], signed),
      ...(claim.plan === undefined ? {} : { plan: claim.plan }),
    };
    const made = await decidedBy(...people.map((approver) => ({ approver, change })))(scene);
    if (claim.plan === undefined) return made;
    const idOf = (jws: string): string => readUnverified(jws, { typ: decisionType }).id;
    return { ...made, named: Object.fromEntries(made.decisions.map((jws) => [idOf(jws), ids])) };
  };
const inventedOf = (ids: readonly string[]): readonly string[] => ids.map((_, at) => `${at}`.padStart(64, 'e'));

const hourMs = 3_600_000;
const both: readonly DecisionWishes[] = [{ approver: 'ada' }, { approver: 'bob' }];

describe('people who approved enough', () => {
  it('are named with their roles and with what the terms asked', async () => {
    const findings = await counted(nameAndDepartment, decidedBy(...both));
    expect(faults(findings)).toEqual([]);
    const said = approvals(findings).join('\n');
    expect(said).toMatch(/^ada \(security\) approved 2 operations at 20/m);
    expect(said).toMatch(/^bob approved 2 operations at 20/m);
    expect(said).toMatch(/^1 operation was written with the people that its terms ask: 2 people$/m);
    expect(said).toMatch(
      /^1 operation was written with the people that its terms ask: 1 person, among them 1 with the role security$/m,
    );
  });

  it('are named with the voice that was lent to them', async () => {
    const findings = await counted(name, decidedForAda({}));
    expect(faults(findings)).toEqual([]);
    expect(approvals(findings)[0]).toMatch(/^bob for ada \(security\) approved 1 operation at 20/);
  });

  it('are counted for the value that they chose, and for an operation of an earlier plan', async () => {
    const chosen = await counted(conflict, choosing(0, ['ada', 'bob']));
    expect(faults(chosen)).toEqual([]);
    expect(approvals(chosen).join('\n')).toMatch(/bob approved a value for 1 conflict at 20/);
    const earlier = await counted(name, decidedBy({ approver: 'ada', change: { plan: 'ab'.repeat(32) } }));
    expect(faults(earlier)).toEqual([]);
    expect(approvals(earlier)[0]).toContain('in an earlier plan; what its signer was shown of deletions there');
  });

  it('are counted for what they named by place, in this plan or an earlier one', async () => {
    const here = await counted(nameAndDepartment, decidedByPlace(['ada', 'bob']));
    expect(faults(here)).toEqual([]);
    expect(approvals(here).join('\n')).toMatch(/^bob approved 2 operations at 20/m);
    const earlier = await counted(nameAndDepartment, decidedByPlace(['ada', 'bob'], { plan: 'ab'.repeat(32) }));
    expect(faults(earlier)).toEqual([]);
    expect(approvals(earlier)[0]).toContain('in an earlier plan; what its signer was shown of deletions there');
  });

  it('hold in the export of a run, where aws really asked them', async () => {
    const findings = await exported(nameAndDepartment, decidedBy(...both));
    expect(faults(findings)).toEqual([]);
  }, 60_000);
});

type Forged = readonly [
  what: string,
  diverge: () => void,
  forge: (scene: Scene) => Promise<ReviewBody> | ReviewBody,
  says: RegExp,
];

const forgeries: readonly Forged[] = [
  [
    'a quorum that is short by one',
    department,
    decidedBy({ approver: 'ada' }),
    /1 operation was written without enough people: it takes 2 people/,
  ],
  ['one person who signed twice', department, decidedBy({ approver: 'ada' }, { approver: 'ada' }), /it takes 2 people/],
  [
    'a person without the role',
    name,
    decidedBy({ approver: 'bob' }),
    /it takes 1 person, among them 1 with the role security/,
  ],
  ['nobody at all', name, everything, /1 operation was written without enough people/],
  [
    'a decision that somebody else turned down',
    name,
    decidedBy({ approver: 'ada' }, { approver: 'bob', kind: 'reject' }),
    /was written without enough people/,
  ],
  [
    'a decision on other operations',
    name,
    decidedBy({ approver: 'ada', only: () => false }),
    /was written without enough people/,
  ],
  [
    'decisions that name other operations by place',
    nameAndDepartment,
    decidedByPlace(['ada', 'bob'], { signed: inventedOf }),
    /names 2 operations by ranges and a root, and those that the plan has there are others/,
  ],
  [
    'operations that nobody named in an earlier plan',
    nameAndDepartment,
    decidedByPlace(['ada', 'bob'], { signed: inventedOf, plan: 'ab'.repeat(32) }),
    /those that its review gives for it are others/,
  ],
  [
    'decisions by place of an earlier plan, and not what stood there',
    nameAndDepartment,
    async (scene) => {
      const { named: _, ...body } = await decidedByPlace(['ada', 'bob'], { plan: 'ab'.repeat(32) })(scene);
      return body;
    },
    /2 operations were written without enough people|1 operation was written without enough people/,
  ],
  [
    'a decision that had expired',
    name,
    decidedBy({ approver: 'ada', change: { expiresAtMs: Date.now() - hourMs } }),
    /had expired at 20/,
  ],
  [
    'a decision for another dataset',
    name,
    decidedBy({ approver: 'ada', change: { dataset: 'other' } }),
    /is for dataset other/,
  ],
  [
    'a decision that binds itself to another plan',
    name,
    decidedBy({ approver: 'ada', change: { plan: 'ab'.repeat(32), binds: 'thisPlan' } }),
    /binds itself to another plan/,
  ],
  [
    'a delegation that was over',
    name,
    decidedForAda({ untilMs: Date.now() - hourMs }),
    /names a delegation of ada that was over at 20/,
  ],
  [
    'a delegation to somebody else',
    name,
    decidedForAda({ from: 'bob', to: 'ada' }, 'bob'),
    /names a delegation to ada/,
  ],
  ['a delegation that the lender did not sign', name, decidedForAda({}, 'bob'), /the lender did not sign/],
  ['a delegation for another dataset', name, decidedForAda({ dataset: 'other' }), /a delegation for dataset other/],
  ['a delegation for deletions only', name, decidedForAda({ kinds: ['delete'] }), /was written without enough people/],
  [
    'a delegation that is longer than allowed',
    name,
    decidedForAda({ untilMs: Date.now() + 100 * 24 * hourMs }),
    /lasts longer than the 90d/,
  ],
  [
    'a delegation that is not here',
    name,
    async (scene) => ({ ...(await decidedForAda({})(scene)), delegations: [] }),
    /names a delegation that is not in the review/,
  ],
  [
    'more than a brake lets one person release',
    names,
    decidedBy({ approver: 'ada' }),
    /4 operations were written, beyond a brake, without enough people: it takes 2 people/,
  ],
  [
    'a choice that nobody signed',
    conflict,
    choosing(0, []),
    /chooses for 1 conflict what the decisions of its people do not give/,
  ],
  [
    'a choice of the other value than people signed',
    conflict,
    choosing(1, ['ada', 'bob']),
    /chooses for 1 conflict what/,
  ],
  ['a choice that one signed where it takes two', conflict, choosing(0, ['bob']), /chooses for 1 conflict what/],
  [
    'an operation that the plan does not have',
    name,
    ({ body }) => ({ ...body, operations: ['cd'.repeat(32)] }),
    /approves 1 operation that the plan does not ask/,
  ],
];

/** aws's review chooses the value of sov; these people signed for it, or for the other one. */
function choosing(signed: 0 | 1, people: readonly string[]) {
  return async (scene: Scene): Promise<ReviewBody> => {
    const [found] = scene.ready.sheets.aws.conflicts.map(({ conflict: one }) => one);
    if (!found) throw new Error('nothing is in conflict');
    const writesHere = ({ operations }: (typeof found.candidates)[number]): boolean =>
      operations.some(({ authority }) => authority === 'aws');
    const ofSov = found.candidates.find(writesHere)?.digest ?? '';
    const ofAws = found.candidates.find((one) => !writesHere(one))?.digest ?? '';
    const choices = { [found.id]: signed === 0 ? ofSov : ofAws };
    const decided = decidedBy(...people.map((approver) => ({ approver, change: { choices } })));
    return { ...(await decided(scene)), choices: { [found.id]: ofSov } };
  };
}

describe('a review that its authority forged', () => {
  it.each(forgeries)('with %s is called wrong', async (_what, diverge, forge, says) => {
    expect(faults(await counted(diverge, forge)).join('\n')).toMatch(says);
  });

  it.each<Forged>([
    ['a quorum that is short by one', department, decidedBy({ approver: 'ada' }), /it takes 2 people/],
    ['a choice that nobody signed', conflict, choosing(0, []), /chooses for 1 conflict what the decisions/],
  ])('with %s is called wrong in an export in which everything else holds', async (_what, diverge, forge, says) => {
    const findings = await exported(diverge, forge);
    expect(findings.hold).toBe(false);
    for (const words of faults(findings))
      expect(words).toMatch(/without enough people|what the decisions of its people/);
    expect(faults(findings).join('\n')).toMatch(says);
    expect(findings.all.filter(({ kind }) => kind === 'agreed')).toHaveLength(1);
  });
});
