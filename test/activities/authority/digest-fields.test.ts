/**
 * A field that leaves only as a keyed digest, end to end over sandbox clouds: it diverges, is found, decided and written,
 * and its value stands in clear nowhere that the coordinator or a third party could read. Then those who lie about it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DigestKeyStatement, digestKeyType, rotateDigestKey } from '../../../activities/authority/digest-key.js';
import { disclose, DisclosureStatement, disclosureType } from '../../../activities/authority/disclosure.js';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { readSheet } from '../../../activities/authority/review-sheet.js';
import { putDocument, putMessage } from '../../../activities/exchange.js';
import { generatePrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { encryptFor, encryptionKeyOf } from '../../../activities/surface/encrypt.js';
import { datasetShape } from '../../../core/federation/federation.js';
import { Ref, type RunInputs } from '../../../core/messages.js';
import { Plan } from '../../../core/plan.js';
import { isSealedValue } from '../../../core/sealed-value.js';
import type { PlanSummary } from '../../../workflows/messages.js';
import { awsTag, awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { documentOf } from './gate-scene.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Ready } from './gate-world.js';

const people = 6;
const fromSov = 'Plumbago Cartography';
const otherFromSov = 'Zephyrine Accounts';
const otherFromAws = 'Marginalia Office';
const seeded = 'Umbrology';
/** What stands in clear must be found by nobody: the values of the field, before and after. */
const secrets = [fromSov, otherFromSov, otherFromAws, seeded];

let ground: Ground;
let agreed: GateWorld;
let clouds: { aws: string; sov: string };

function edit(file: string, text: string): string {
  if (file !== 'authorities/aws.yaml') return text;
  return text
    .replace(
      'person: [displayName, mail, employeeId, department]',
      'person: { fields: { displayName: clear, mail: clear, employeeId: clear, department: digest } }',
    )
    .replace('protected: []', `protected: [{ type: person, where: { department: Sacrosanct }, reason: founders }]`)
    .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }');
}

function restore(): void {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
}

/** sov changed one department; both changed another one, differently. */
function diverge(): void {
  restore();
  keystoneUser(ground.sandbox, 1).extra['department'] = fromSov;
  keystoneUser(ground.sandbox, 2).extra['department'] = otherFromSov;
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 2), 'department', otherFromAws);
}

async function ready(world: GateWorld): Promise<Ready> {
  return world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [{ approver: 'ada', choose: 0 }] });
}

function textOf(world: GateWorld): string {
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return [
    ...[...world.exchange.objects].map(([name, bytes]) => `${name}\n${decode(bytes)}`),
    ...[...world.exchange.heads].map(([name, { bytes }]) => `${name}\n${decode(bytes)}`),
  ].join('\n');
}

beforeAll(async () => {
  ground = await layGround(edit);
  agreed = await GateWorld.agreed(ground, people);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

describe('a digest field', () => {
  it('that agrees gives no divergence: every member seals the same value to the same digest', async () => {
    restore();
    const { plan } = await agreed.copy().planned();
    expect(plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0, disclosers: [] });
  });

  it('diverges, is approved and written, and stands in clear in nothing that leaves an authority', async () => {
    diverge();
    const world = agreed.copy();
    const told = await ready(world);
    const plan = await documentOf(world, told.plan.plan, Plan);
    const own = plan.operations.filter(({ type }) => type === 'person');
    expect(own).toHaveLength(1);
    expect(own[0]).toMatchObject({ authority: 'aws', changes: [{ field: 'department' }] });
    expect(own[0]?.changes.every((change) => change.kind === 'value' && isSealedValue(change.after))).toBe(true);
    expect(plan.conflicts).toMatchObject([{ field: 'department' }]);
    expect(told.plan.disclosers).toEqual(['aws', 'sov']);

    // aws's people read what would be written to their mesh, and their own value; of sov's others nothing.
    const readable = Object.values(told.sheets.aws.clear);
    expect(new Set(readable)).toEqual(new Set([fromSov, seeded, otherFromSov, otherFromAws]));
    expect(JSON.stringify(told.sheets.aws.operations)).toContain(fromSov.split(' ')[0]);

    const results = [await world.apply('aws', told.commit), await world.apply('sov', told.commit)];
    expect(results).toMatchObject([
      { kind: 'done', complete: true },
      { kind: 'done', complete: true },
    ]);
    expect(awsTag(ground.sandbox, 1, 'department')).toBe(fromSov);
    const taken = awsTag(ground.sandbox, 2, 'department');
    expect([otherFromAws, otherFromSov]).toContain(taken);
    expect(keystoneUser(ground.sandbox, 2).extra['department']).toBe(taken);
    await world.agree(
      told,
      results.flatMap((result) => (result.receipts ? [result.receipts] : [])),
    );
    const next = await world.planned();
    expect(next.plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0, baseMoves: false });

    const leaves = `${textOf(world)}\n${JSON.stringify([told.inputs, told.plan, told.commit, results, next])}`;
    expect(leaves.length).toBeGreaterThan(10_000);
    for (const secret of secrets)
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64url')])
        expect(leaves.includes(form), form).toBe(false);
    // The scan can find: another field of the same records stands there in clear.
    expect(leaves).toContain('Quillan Vexworth 1');
    for (const id of ['aws', 'sov'] as const) {
      const secretKey = [...world.stores[id].objects].find(([name]) => name.includes('/held/'))?.[1];
      if (!secretKey) throw new Error(`${id} holds no digest key`);
      for (const form of ['hex', 'base64url', 'base64', 'latin1'] as const)
        expect(leaves.includes(Buffer.from(secretKey).toString(form))).toBe(false);
    }
  });

  it('protects records by values of the field, which the gate sees only as digests', async () => {
    restore();
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 3), 'department', 'Sacrosanct');
    keystoneUser(ground.sandbox, 3).extra['display_name'] = 'Quillan Other';
    const world = agreed.copy();
    const { sheets } = await world.ready({ aws: [], sov: [] });
    expect(sheets.aws.operations).toMatchObject([{ refused: { code: 'protectedRecord' } }]);
  });
});

async function digestKeyOf(world: GateWorld, { opens }: RunInputs): Promise<unknown> {
  const bytes = await world.exchange.get(opens[0]?.ref ?? '');
  return readUnverified(new TextDecoder().decode(bytes ?? new Uint8Array()), { typ: 'concordat-open+jws' }).payload[
    'digestKey'
  ];
}

describe('the key for digest fields', () => {
  it('reaches a newcomer without a ceremony, as soon as one who holds it opens', async () => {
    restore();
    const world = agreed.copy();
    for (const name of world.stores.sov.objects.keys())
      if (name.startsWith('digest-keys/')) world.stores.sov.objects.delete(name);
    world.stores.sov.heads.delete(`digest-key-known/${dataset}`);
    // As it was before sov came: aws encrypted the key to itself alone.
    const name = `aws/digest-keys/${dataset}`;
    const { ref } = Ref.parse(JSON.parse(new TextDecoder().decode(world.exchange.heads.get(name)?.bytes)));
    const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(ref)), {
      typ: digestKeyType,
    });
    const statement = DigestKeyStatement.parse(payload);
    const envelopes = statement.envelopes.filter(({ to }) => to === 'aws');
    const jws = await signCompact({ ...statement, envelopes }, { typ: digestKeyType, key: ground.keys.aws });
    const alone = new TextEncoder().encode(JSON.stringify(await putMessage(world.exchange, 'aws', jws)));
    world.exchange.heads.set(name, { version: 1, bytes: alone });
    expect((await world.planned()).plan).toMatchObject({ divergences: 0 });
  });

  it('is asked for in clear words by who cannot open it', async () => {
    restore();
    const world = new GateWorld(ground);
    world.change('sov', { encryptionKeys: [await generatePrivateKey('ES256')] });
    await expect(world.open()).rejects.toMatchObject({
      code: 'digestKeyMissing',
      message: expect.stringContaining('to an encryption key of sov'),
    });
  });

  it('must be one in a run: an open that names another is refused by all', async () => {
    restore();
    const world = agreed.copy();
    const inputs = await world.openAnyway();
    await rotateDigestKey(world.contexts.aws, datasetShape(ground.federation, dataset));
    const later = await world.openAnyway();
    expect(await digestKeyOf(world, later)).not.toBe(await digestKeyOf(world, inputs));
    const own = inputs.opens[1] as Ref;
    const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(own.ref)), {
      typ: 'concordat-open+jws',
    });
    const forged = await signCompact(
      { ...payload, digestKey: 'f'.repeat(32) },
      {
        typ: 'concordat-open+jws',
        key: ground.keys.sov,
      },
    );
    const mixed = [inputs.opens[0] as Ref, await putMessage(world.exchange, 'sov', forged)];
    await expect(
      world.coordinator.compareAndPlan(await runOf(world, { ...inputs, opens: mixed })),
    ).rejects.toMatchObject({
      code: 'digestKeyDiffers',
    });
  });
});

async function runOf(world: GateWorld, inputs: RunInputs): Promise<RunInputs> {
  const judged = await world.coordinator.judgeOpens(inputs);
  return judged.kind === 'work' ? { ...inputs, run: judged.run } : inputs;
}

/** A statement of sov with other contents, as sov itself could sign it. */
async function disclosedBySov(
  world: GateWorld,
  change: (statement: DisclosureStatement) => Promise<DisclosureStatement>,
  honest: readonly Ref[],
): Promise<readonly Ref[]> {
  const own = honest.find(({ ref }) => ref.startsWith('sov/')) as Ref;
  const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(own.ref)), {
    typ: disclosureType,
  });
  const jws = await signCompact(await change(DisclosureStatement.parse(payload)), {
    typ: disclosureType,
    key: ground.keys.sov,
  });
  return [...honest.filter((ref) => ref !== own), await putMessage(world.exchange, 'sov', jws)];
}

interface Prepared {
  readonly world: GateWorld;
  readonly ready: Ready;
  readonly honest: readonly Ref[];
}

/** Everything signed and approved with honest values; the lie comes between review and commit. */
async function prepared(): Promise<Prepared> {
  diverge();
  const world = agreed.copy();
  const told = await ready(world);
  forgetCalls(ground.sandbox);
  return { world, ready: told, honest: told.commit.disclosures ?? [] };
}

/** What sov would send if it wanted aws to write something else than was approved. */
async function falseValue(
  { world, ready: { plan } }: Prepared,
  as: 'aws' | 'sov',
): Promise<DisclosureStatement['envelopes']> {
  const made = await documentOf(world, plan.plan, Plan);
  const values = made.operations.flatMap(({ type, key, changes }) =>
    changes.flatMap((change) =>
      change.kind === 'value' && isSealedValue(change.after)
        ? [{ type, key, field: change.field, hmac: change.after.hmac, value: 'Trojan Department' }]
        : [],
    ),
  );
  const state = encryptionKeyOf(ground.federation, as, world.clockMs);
  const jwe = await encryptFor(state, 'concordat-disclosure+jwe', {
    from: 'sov',
    to: 'aws',
    dataset,
    plan: plan.planDigest,
    values,
  });
  return [{ to: 'aws', document: await putDocument(world.exchange, 'sov', { jwe }) }];
}

type Lie = (given: Prepared) => Promise<readonly Ref[]>;

const lies: readonly (readonly [what: string, code: string, lie: Lie])[] = [
  [
    'a value that does not match its digest',
    'disclosedValueDiffers',
    async (given) =>
      disclosedBySov(
        given.world,
        async (statement) => ({ ...statement, envelopes: await falseValue(given, 'aws') }),
        given.honest,
      ),
  ],
  [
    'a JWE that is encrypted to another receiver',
    'valueNotDisclosed',
    async (given) =>
      disclosedBySov(
        given.world,
        async (statement) => ({ ...statement, envelopes: await falseValue(given, 'sov') }),
        given.honest,
      ),
  ],
  [
    'an envelope that was altered on its way',
    'valueNotDisclosed',
    async (given) =>
      disclosedBySov(
        given.world,
        async (statement) => ({
          ...statement,
          envelopes: [
            {
              to: 'aws',
              document: await putDocument(given.world.exchange, 'sov', { jwe: 'eyJhbGciOiJkaXIifQ..a.b.c' }),
            },
          ],
        }),
        given.honest,
      ),
  ],
  ['no reference at all', 'valueNotDisclosed', () => Promise.resolve([])],
  [
    'only what the other member disclosed',
    'valueNotDisclosed',
    ({ honest }) => Promise.resolve(honest.filter(({ ref }) => ref.startsWith('aws/'))),
  ],
];

describe('a value on its way', () => {
  it.each(lies)('%s: nothing of it is written (%s)', async (_what, code, lie) => {
    const given = await prepared();
    const before = awsTag(ground.sandbox, 1, 'department');
    const result = await given.world.apply('aws', { ...given.ready.commit, disclosures: await lie(given) });
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 0 } });
    expect(awsTag(ground.sandbox, 1, 'department')).toBe(before);
    expect(writeCalls(ground.sandbox)).toEqual({});
    const journal = [...given.world.stores.aws.objects].map(([, bytes]) => new TextDecoder().decode(bytes)).join('\n');
    expect(journal).toContain(code);
  });

  it('is refused whole where the coordinator swaps the references of two members or two plans', async () => {
    const given = await prepared();
    const [first] = given.honest as readonly [Ref];
    const swapped: Ref = { ref: first.ref.replace('aws/', 'sov/'), sha256: first.sha256 };
    expect(await given.world.apply('aws', { ...given.ready.commit, disclosures: [swapped] })).toMatchObject({
      kind: 'refused',
      code: 'inputNotAuthentic',
    });
    const other = await disclosedBySov(
      given.world,
      (statement) => Promise.resolve({ ...statement, plan: '0'.repeat(64) }),
      given.honest,
    );
    expect(await given.world.apply('aws', { ...given.ready.commit, disclosures: other })).toMatchObject({
      kind: 'refused',
      code: 'wrongRun',
    });
    expect(writeCalls(ground.sandbox)).toEqual({});
  });

  it('is not sent for a plan that the coordinator made up', async () => {
    const given = await prepared();
    const plan: PlanSummary = { ...given.ready.plan, planDigest: '0'.repeat(64) };
    await expect(
      disclose(given.world.contexts.sov, {
        inputs: given.ready.inputs,
        plan: plan.plan,
        planDigest: plan.planDigest,
      }),
    ).rejects.toMatchObject({ code: 'planNotReproduced' });
  });

  it('that did not arrive is asked of nobody, and the review says so', async () => {
    diverge();
    const world = agreed.copy();
    const { inputs, plan } = await world.planned();
    await prepareReview(
      world.contexts.aws,
      { inputs, plan: plan.plan, planDigest: plan.planDigest },
      { replaced: () => Promise.resolve() },
    );
    const sheet = await readSheet(world.contexts.aws.privateStore, dataset, plan.planDigest);
    expect(sheet?.operations.map(({ refused }) => refused?.code)).toEqual(['valueNotDisclosed', 'valueNotDisclosed']);
    expect(Object.values(sheet?.clear ?? {})).not.toContain(fromSov);
  });

  it('goes to who would write it and to nobody else', async () => {
    const { world, ready: told, honest } = await prepared();
    for (const ref of honest) {
      const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(ref.ref)), {
        typ: disclosureType,
      });
      const { envelopes, authority } = DisclosureStatement.parse(payload);
      expect(envelopes.map(({ to }) => to)).toEqual([authority === 'aws' ? 'sov' : 'aws']);
    }
    // What sov would not write it does not get: aws's department of a person whom only sov changed.
    expect(Object.values(told.sheets.sov.clear)).not.toContain(seeded);
  });
});
