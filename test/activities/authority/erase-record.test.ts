/**
 * A record's history erased at two authorities and at the coordinator: who may ask, what must be gone, what must go on, and
 * what anybody can still verify afterwards.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAgreement } from '../../../activities/authority/agreements.js';
import { findObjects } from '../../../activities/erasure/find-objects.js';
import { Base, Proposal, Seal } from '../../../core/messages.js';
import { Plan } from '../../../core/plan.js';
import { getDocument, putDocument } from '../../../activities/exchange.js';
import { eraseRecord } from '../../../activities/authority/erase-record.js';
import { logObserver } from '../../../activities/authority/log-observer.js';
import { readReviewState } from '../../../activities/authority/review-state.js';
import type { Exported } from '../../../activities/lineage/export-file.js';
import type { Findings } from '../../../activities/lineage/findings.js';
import { exportAttempt, exportRecord, exportRun, type RunExport } from '../../../activities/lineage/make-export.js';
import { ownTable } from '../../../activities/lineage/run-hops.js';
import { tableId } from '../../../activities/lineage/record-table.js';
import { keysOfFederation, type TrustedKeys } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { readOwnLog } from '../../../activities/log/own-log.js';
import { ErasureReceipt, erasureReceiptType, erasureSubject } from '../../../core/lineage/erasure.js';
import { LogEntry } from '../../../core/lineage/hop.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import type { EraseResult } from '../../../workflows/contract.js';
import { awsUser, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { dyingStore } from '../log/log-world.js';
import { baseRecords } from '../lineage/agreed-world.js';
import { departedWorld, erase, settle, signRequest, type DepartedWorld } from './erasure-support.js';
import type { GateWorld, Member } from './gate-world.js';

const deathsEvery = Number(process.env['CONCORDAT_ERASURE_DEATHS_EVERY'] ?? 29);

let made: DepartedWorld;
let keys: TrustedKeys;
/** Exports that were made while the record was still there. */
let earlier: { readonly record: Exported; readonly run: RunExport };
let salt: Uint8Array;
let provisional: readonly string[];
/** The world after both members and the coordinator have erased. */
let after: GateWorld;
let receipts: Readonly<Record<Member, EraseResult>>;

beforeAll(async () => {
  made = await departedWorld();
  keys = keysOfFederation(made.ground.federation);
  const head = await exportRecord(made.world.exchange, keys, made.name);
  if (!head?.lineage.record) throw new Error('the record has no lineage');
  salt = Buffer.from(head.lineage.record.salt, 'hex');
  provisional = head.lineage.chains.flatMap(({ hops }) =>
    hops.map(({ body }) => `~${(JSON.parse(body) as { native: string }).native}`),
  );
  earlier = { record: { head, objects: new Map() }, run: await exportRun(made.world.exchange, keys, dataset, 2) };
  after = made.world.copy();
  receipts = { aws: await erase(after, made.name, 'aws'), sov: await erase(after, made.name, 'sov') };
  expect(await after.coordinator.eraseCopies(made.name)).toMatchObject({ kind: 'erased' });
});
afterAll(() => made?.ground.stop());

function* everything(world: GateWorld): Generator<readonly [name: string, bytes: Buffer]> {
  for (const store of [world.exchange, world.stores.aws, world.stores.sov]) {
    for (const [name, bytes] of store.objects) yield [name, Buffer.from(bytes)];
    for (const [name, { bytes }] of store.heads) yield [name, Buffer.from(bytes)];
  }
}

/** In clear, and in base64 at each of the three places where a value can begin in it. */
function spellings(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].reduce<Buffer[]>(
    (found, shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
      const inner = text.slice(shift === 0 ? 0 : shift + 1, -4);
      return [...found, Buffer.from(inner), Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_'))];
    },
    [bytes],
  );
}

function placesOf(world: GateWorld, needles: readonly Buffer[]): readonly string[] {
  return [...everything(world)].flatMap(([name, bytes]) =>
    needles.some((needle) => bytes.includes(needle) || Buffer.from(name).includes(needle)) ? [name] : [],
  );
}

const receiptOf = (result: EraseResult): ErasureReceipt => {
  if (result.kind !== 'erased') throw new Error('it was not erased');
  return ErasureReceipt.parse(readUnverified(result.receipt, { typ: erasureReceiptType }).payload);
};

const faults = ({ all }: Findings): readonly string[] =>
  all.flatMap(({ kind, words }) => (kind === 'wrong' || kind === 'missing' ? [`${kind} ${words}`] : []));

describe('after an erasure', () => {
  it('no store holds the key, the salt, a name that the record had before, or one of its values', () => {
    const { displayName, mail, employeeId } = seededPerson(3);
    const values = [displayName, mail, employeeId, made.name.key, ...provisional];
    const raw = [Buffer.from(salt), tableId(made.name)];
    for (const needles of [...values.map(spellings), ...raw.map((one) => [one])]) {
      expect(placesOf(made.world, needles), 'it was there before').not.toEqual([]);
      expect(placesOf(after, needles)).toEqual([]);
    }
  });

  it('each member has signed a receipt that names no record, says what is out of reach, and stands in its log', async () => {
    const [aws, sov] = [receiptOf(receipts.aws), receiptOf(receipts.sov)];
    expect(aws.record).toBe(sov.record);
    expect(aws.record).toMatch(/^[0-9a-f]{64}$/);
    expect(aws.removed).toMatchObject({ salt: 1, salts: 1, reviews: 2, receipts: 2, decisions: 2 });
    expect(aws.removed['segments']).toBeGreaterThan(0);
    expect(aws.outOfReach).toContainEqual({ kind: 'member', who: 'sov' });
    expect(sov.outOfReach.map(({ kind }) => kind)).not.toContain('member');
    expect(sov.outOfReach.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['exports', 'storeBackups']));
    for (const id of ['aws', 'sov'] as const) {
      const { size, reader } = await readOwnLog(after.contexts[id]);
      const entry = LogEntry.parse(JSON.parse(new TextDecoder().decode(await reader.entryAt(size - 1))));
      expect(entry).toEqual({
        kind: 'erasure',
        dataset,
        record: aws.record,
        message: readUnverified(jwsOf(receipts[id]), { typ: erasureReceiptType }).id,
      });
    }
  });

  it('the chains still verify, without the salt, and say who erased the record and when', async () => {
    const head = await exportRecord(after.exchange, keys, made.name);
    if (!head) throw new Error('nothing is left of the lineage');
    expect(head.lineage.record).toBeNull();
    expect(head.lineage.chains.map(({ hops }) => hops.length)).toEqual([3, 3]);
    const findings = await verifyExport({ head, objects: new Map() }, keys);
    expect(faults(findings)).toEqual([]);
    const erased = findings.all
      .filter(({ kind }) => kind === 'erased')
      .map(({ authority, words }) => `${authority} ${words}`);
    expect(erased).toContainEqual(expect.stringMatching(/^aws removed .*1 salt.* at 20.*Z, as ada asked$/));
    expect(erased).toContainEqual(expect.stringMatching(/^sov removed .*1 salt.* at 20.*Z, as ada asked$/));
    expect(erased).toContainEqual(expect.stringMatching(/^aws base 2: decision [0-9a-f]{12} is not here$/));
  });

  it('a receipt that is not in the log that it names is refused with the export that holds it', async () => {
    const head = await exportRecord(after.exchange, keys, made.name);
    if (!head) throw new Error('nothing is left of the lineage');
    const moved = head.erasures.map((one) => ({ ...one, log: one.log && { ...one.log, position: 0 } }));
    const findings = await verifyExport({ head: { ...head, erasures: moved }, objects: new Map() }, keys);
    expect(faults(findings)).toContain('wrong its log does not hold its receipt of the erasure');
    const forged = [{ receipt: `${jwsOf(receipts.aws).slice(0, -8)}AAAAAAAA`, log: null }];
    const other = await verifyExport({ head: { ...head, erasures: forged }, objects: new Map() }, keys);
    expect(faults(other).join()).toContain('a receipt of an erasure does not verify');
  });

  it('an export from before still verifies, and says that the salt was erased where the receipt is known', async () => {
    const unaware = await verifyExport(earlier.record, keys);
    expect([faults(unaware), unaware.hasErased]).toEqual([[], false]);
    const aware = await verifyExport(earlier.record, keys, [jwsOf(receipts.aws)]);
    expect(faults(aware)).toEqual([]);
    expect(aware.all.filter(({ kind }) => kind === 'erased')).toMatchObject([{ authority: 'aws' }]);
    const run: Exported = { head: earlier.run.head, objects: new Map(earlier.run.objects) };
    expect(faults(await verifyExport(run, keys))).toEqual([]);
  });

  it('a run export says what is gone and not that it is wrong; without the receipts it says that it is missing', async () => {
    const { head, objects, findings } = await exportRun(after.exchange, keys, dataset, 2);
    expect(faults(findings)).toEqual([]);
    const verified = await verifyExport({ head, objects: new Map(objects) }, keys);
    expect(faults(verified)).toEqual([]);
    const words = verified.all.map(({ kind, words: text }) => `${kind} ${text}`);
    expect(words).toContainEqual(
      expect.stringMatching(/^erased the plan cannot be made again: aws erased a record at /),
    );
    expect(words).toContainEqual(expect.stringMatching(/^agreed base 2 .* signed by aws, sov; not made again here$/));
    expect(words).toContain('logged signed 1 hop of base 2');
    const silent = await verifyExport({ head: { ...head, erasures: [] }, objects: new Map(objects) }, keys);
    expect(faults(silent).join()).toContain('missing the plan');
    const spared = new Map([...objects].filter(([name]) => !name.includes('/messages/') || !name.startsWith('sov')));
    expect(faults(await verifyExport({ head, objects: spared }, keys))).not.toEqual([]);
  });

  it('an export of the same run as one that moved no base says what is gone too, and only with the receipts', async () => {
    const { head: sealed } = await exportRun(after.exchange, keys, dataset, 2);
    const { proposal } = await getDocument(after.exchange, sealed.seal, Seal);
    const { inputs, plan, reviews, permit, receipts: written } = await getDocument(after.exchange, proposal, Proposal);
    const evidence = { dataset, inputs, plan, reviews, permit, receipts: written };
    const { head, objects, findings } = await exportAttempt(after.exchange, keys, evidence);
    expect(findings.hasErased).toBe(true);
    const verified = await verifyExport({ head, objects: new Map(objects) }, keys);
    expect(faults(verified)).toEqual([]);
    expect(verified.all.filter(({ kind }) => kind === 'erased')).not.toEqual([]);
    const silent = await verifyExport({ head: { ...head, erasures: [] }, objects: new Map(objects) }, keys);
    expect(silent.all.filter(({ kind }) => kind === 'missing')).not.toEqual([]);
  });

  it('the next run agrees, asks nothing anew, and knows what it knew of other records', async () => {
    const world = after.copy();
    const sandbox = made.ground.sandbox;
    const saved = { aws: sandbox.aws.server.state.save(), sov: sandbox.keystone.server.state.save() };
    const quiet = await world.planned();
    expect(quiet.plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0, baseMoves: false });
    keystoneUser(sandbox, 4).extra['department'] = 'Orchard';
    await settle(world);
    expect(awsUser(sandbox, 4).tags.find(({ key }) => key === 'department')?.value).toBe('Orchard');
    expect((await baseRecords(world)).filter(({ fields }) => fields['department'] === 'Orchard')).toHaveLength(1);
    const observed = JSON.parse(
      Buffer.from(world.stores.sov.heads.get(`observations/${dataset}`)?.bytes ?? []).toString(),
    ) as { current: { round: number; versions: { since: number }[] } };
    expect(
      observed.current.versions.every(({ since }) => since < observed.current.round),
      'no first observation',
    ).toBe(true);
    sandbox.aws.server.state.restore(saved.aws);
    sandbox.keystone.server.state.restore(saved.sov);
  });

  it('it is done once: asked again, each answers with the same receipt and removes nothing', async () => {
    const before = [...after.exchange.objects.keys()];
    expect(await erase(after, made.name, 'aws')).toEqual(receipts.aws);
    expect([...after.exchange.objects.keys()]).toEqual(before);
  });
});

describe('while only one has erased', () => {
  it('the other goes on with it, and the coordinator keeps what it has until all have signed', async () => {
    const world = made.world.copy();
    await erase(world, made.name, 'sov');
    expect(await world.coordinator.eraseCopies(made.name)).toEqual({ kind: 'waiting', missing: ['aws'] });
    expect((await world.planned()).plan).toMatchObject({ divergences: 0, operations: 0, baseMoves: false });
    const row = await (await ownTable(logObserver(world.contexts.aws), dataset)).rowOf(tableId(made.name));
    expect(row, 'sov cannot erase what aws holds').not.toBeNull();
    const findings = await verifyExport(
      { head: (await exportRecord(world.exchange, keys, made.name)) as Exported['head'], objects: new Map() },
      keys,
    );
    expect(faults(findings)).toEqual([]);
    expect(findings.all.filter(({ kind }) => kind === 'erased').map(({ authority }) => authority)).toEqual(['sov']);
    expect(await erase(world, made.name, 'aws')).toMatchObject({ kind: 'erased' });
  });

  it('a member whose past lay with a peer alone begins to observe anew instead of failing', async () => {
    const world = made.world.copy();
    await erase(world, made.name, 'aws');
    // As where sov had been away when the old base was agreed: it kept no segment of its own.
    const past = new Set(
      ['documents', 'segments'].flatMap((folder) =>
        [...made.world.exchange.objects.keys()].filter((name) => name.startsWith(`aws/${folder}/`)),
      ),
    );
    for (const name of past)
      if (!world.exchange.objects.has(name)) world.exchange.objects.delete(name.replace(/^aws/, 'sov'));
    expect((await world.planned()).plan).toMatchObject({ divergences: 0, operations: 0 });
  });
});

it('removes nothing of another record because a coordinator made up a plan or a correlation', async () => {
  const world = made.world.copy();
  const records = await baseRecords(world);
  const other = records.find(({ type, key }) => type === 'person' && key !== made.name.key);
  const planned = [...world.exchange.objects].flatMap(([name, bytes]) => {
    const text = name.startsWith('federation/documents/') ? Buffer.from(bytes).toString() : '';
    return text.includes('"algorithm"') && text.includes(made.name.key) ? [Plan.parse(JSON.parse(text))] : [];
  });
  const [plan] = planned;
  const [operation] = plan?.operations ?? [];
  if (!plan || !operation || !other) throw new Error('there is no plan to falsify');
  const spent = 'ab'.repeat(32);
  const lie = { ...plan, operations: [{ ...operation, id: spent, key: made.name.key }], conflicts: [] };
  const native = '12'.repeat(32);
  await putDocument(world.exchange, 'federation', lie);
  await putDocument(world.exchange, 'federation', {
    assignments: [{ authority: 'aws', type: 'person', from: `~${native}`, key: made.name.key }],
    cases: [],
    held: [],
  });
  await world.stores.aws.putIfAbsent(`journal/${'cd'.repeat(32)}/${spent}/receipt`, Buffer.from('{}'));
  const body = await putDocument(world.exchange, 'aws', { links: [], rejections: [], about: `~${native}` });
  await erase(world, made.name, 'aws');
  expect(world.stores.aws.objects.has(`journal/${'cd'.repeat(32)}/${spent}/receipt`)).toBe(true);
  expect(world.exchange.objects.has(body.ref)).toBe(true);
});

describe('an erasure is refused', () => {
  const attempt = (world: GateWorld, jws: string, change: object = {}) =>
    eraseRecord(world.contexts.aws, { ...made.name, jws, ...change });

  it.each<[string, () => Promise<string>, string]>([
    ['that another authority was asked for', () => signRequest(made.world, made.name, 'sov'), 'decisionForOtherPlan'],
    [
      'of another record',
      () => signRequest(made.world, { ...made.name, key: 'ab'.repeat(32) }, 'aws'),
      'decisionForOtherPlan',
    ],
    [
      'that has run out',
      () => signRequest(made.world, made.name, 'aws', { expiresAtMs: made.world.clockMs }),
      'decisionExpired',
    ],
    [
      'of another federation',
      () => signRequest(made.world, made.name, 'aws', { federation: 'x' }),
      'decisionForOtherPlan',
    ],
  ])('%s', async (_, sign, code) => {
    await expect(attempt(made.world.copy(), await sign())).rejects.toMatchObject({ code });
  });

  it('that nobody of the authority signed, in whose name ever', async () => {
    const world = made.world.copy();
    const jws = await signRequest(world, made.name, 'aws');
    world.change('aws', { federation: withApprovers(world, 'aws', ({ id }) => id !== 'ada') });
    await expect(attempt(world, jws)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });

  it('of a record that the base still holds, or names in another record, with nothing removed', async () => {
    const world = made.world.copy();
    const records = await baseRecords(world);
    const held = records.find(({ type }) => type === 'person');
    const name = { dataset, type: 'person', key: held?.key ?? '' };
    const before = [...world.exchange.objects.keys()];
    await expect(erase(world, name, 'aws')).rejects.toMatchObject({ code: 'recordStillAgreed' });
    const { agreement } = await readAgreement(world.contexts.aws, dataset);
    const bytes = world.exchange.objects.get(agreement?.ref.ref ?? '');
    const teams = Base.parse(JSON.parse(Buffer.from(bytes ?? []).toString())).types.filter(
      ({ type }) => type === 'team',
    );
    const member = records.find(({ type }) => type === 'team')?.fields['members'] as readonly string[];
    const inTeam = { dataset, type: 'person', key: member[0] ?? '' };
    const looking = findObjects({
      exchange: world.exchange,
      prefix: 'aws',
      marks: { name: inTeam, provisional: [], salt: null },
      tableId: tableId(inTeam),
      operations: new Set(),
      needed: teams.flatMap(({ segments }) => segments),
      heartbeat: () => undefined,
    });
    await expect(looking).rejects.toMatchObject({ code: 'recordStillAgreed' });
    expect([...world.exchange.objects.keys()]).toEqual(before);
  });

  it('while a plan is being written, while a candidate waits, and before all have taken up the base', async () => {
    const writing = made.world.copy();
    await writing.open();
    const state = writing.stores.aws.heads.get(`live-run/${dataset}`);
    const live = JSON.parse(Buffer.from(state?.bytes ?? []).toString()) as { live: object; pending: unknown };
    const put = (world: GateWorld, value: object): void => {
      world.stores.aws.heads.set(`live-run/${dataset}`, { version: 9, bytes: Buffer.from(JSON.stringify(value)) });
    };
    const reservedFor = { plan: 'ab'.repeat(32), untilMs: writing.clockMs + 1_000 };
    put(writing, { ...live, live: { ...live.live, reservedFor } });
    await expect(erase(writing, made.name, 'aws')).rejects.toMatchObject({ code: 'erasureTooEarly' });
    const proposal = { ref: 'aws/documents/x', sha256: 'ab'.repeat(32) };
    put(writing, { ...live, pending: { round: 9, sequence: 4, candidate: 'ab'.repeat(32), proposal } });
    await expect(erase(writing, made.name, 'aws')).rejects.toMatchObject({ code: 'erasureTooEarly' });
    const behind = made.world.copy();
    behind.exchange.objects.delete(`sov/lineage/${dataset}/sealed/0000000003`);
    await expect(erase(behind, made.name, 'aws')).rejects.toMatchObject({ code: 'erasureTooEarly' });
  });

  it('with words that name the kind of object and not the record, where something still holds it', async () => {
    const world = made.world.copy();
    world.stores.aws.objects.set('forgotten/place', Buffer.from(`a note about ${made.name.key}`));
    const refused = await erase(world, made.name, 'aws').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'erasureIncomplete' });
    expect(String(refused)).toContain('forgotten/place');
    world.stores.aws.objects.delete('forgotten/place');
    expect(await erase(world, made.name, 'aws')).toMatchObject({ kind: 'erased' });
  });
});

it('waits for as many people as the authority wants for a deletion, each of them once', async () => {
  const world = made.world.copy();
  const authority = made.ground.federation.authorities['aws'];
  if (!authority) throw new Error('no authority aws');
  const quorums = [{ for: { kind: 'delete' as const }, need: { any: 2 } }];
  const federation = {
    ...made.ground.federation,
    authorities: {
      ...made.ground.federation.authorities,
      aws: { ...authority, approval: { ...authority.approval, quorums } },
    },
  };
  world.change('aws', { federation });
  const waits = { kind: 'waiting', missing: 1, approvers: ['ada'] };
  expect(await erase(world, made.name, 'aws')).toMatchObject(waits);
  expect(await erase(world, made.name, 'aws')).toMatchObject(waits);
  expect(placesOf(world, [Buffer.from(salt)]), 'nothing was removed').toEqual(
    placesOf(made.world, [Buffer.from(salt)]),
  );
  const jws = await signRequest(world, made.name, 'aws', { approver: 'bob' });
  const done = await eraseRecord(world.contexts.aws, { ...made.name, jws });
  expect(receiptOf(done).requests).toHaveLength(2);
});

it('ends the review and the run that were open without a word of the record left in them', async () => {
  const world = made.world.copy();
  keystoneUser(made.ground.sandbox, 5).extra['department'] = 'Belfry';
  const { inputs } = await world.planned();
  expect(await readReviewState(world.contexts.aws, dataset)).not.toBeNull();
  await erase(world, made.name, 'aws');
  const state = await readReviewState(world.contexts.aws, dataset);
  expect(JSON.stringify(state)).not.toContain(made.name.key);
  expect(inputs.run).toMatch(/^[0-9a-f]{64}$/);
  keystoneUser(made.ground.sandbox, 5).extra['department'] = 'Umbrology';
});

it('is finished by the next worker wherever one dies, with the receipt that the first would have signed', async () => {
  let deaths = 0;
  for (const isAfter of [false, true])
    for (let at = 1; ; at += deathsEvery) {
      const world = made.world.copy();
      const jws = await signRequest(world, made.name, 'aws');
      const dies = { at, after: isAfter };
      const { exchange, privateStore } = world.contexts.aws;
      const dying = { exchange: dyingStore(exchange, dies), privateStore: dyingStore(privateStore, dies) };
      let died = false;
      try {
        await eraseRecord({ ...world.contexts.aws, ...dying }, { ...made.name, jws });
      } catch (error) {
        expect(String(error)).toContain('the process has died');
        died = true;
      }
      const begun = receiptIn(world);
      world.clockMs += 60_000;
      const finished = await eraseRecord(world.contexts.aws, { ...made.name, jws });
      if (finished.kind !== 'erased') throw new Error('it was not finished');
      if (begun) expect(finished.receipt).toBe(begun);
      expect(receiptOf(finished).removed).toEqual(receiptOf(receipts.aws).removed);
      expect(placesIn(world, 'aws', Buffer.from(made.name.key))).toEqual([]);
      expect(placesIn(world, 'aws', salt)).toEqual([]);
      const { size } = await readOwnLog(world.contexts.aws);
      expect(size, 'one entry for the erasure').toBe((await readOwnLog(made.world.contexts.aws)).size + 1);
      if (!died) break;
      deaths += 1;
    }
  expect(deaths).toBeGreaterThan(3);
});

function receiptIn(world: GateWorld): string | null {
  const bytes = world.stores.aws.objects.get(`erasures/${dataset}/${erasureSubject(made.name)}/receipt`);
  return bytes ? Buffer.from(bytes).toString() : null;
}

/** In what the member can reach: its own store, and what it has published. */
function placesIn(world: GateWorld, id: Member, needle: Uint8Array): readonly string[] {
  const published = [...world.exchange.objects].filter(([name]) => !/^(sov|federation)\//.test(name));
  return [...published, ...world.stores[id].objects].flatMap(([name, bytes]) =>
    [Buffer.from(bytes), Buffer.from(name)].some((held) => held.includes(Buffer.from(needle))) ? [name] : [],
  );
}

function jwsOf(result: EraseResult): string {
  if (result.kind !== 'erased') throw new Error('it was not erased');
  return result.receipt;
}

function withApprovers(world: GateWorld, id: Member, stays: (approver: { readonly id: string }) => boolean) {
  const { federation } = world.ground;
  const authority = federation.authorities[id];
  if (!authority) throw new Error(`no authority ${id}`);
  return {
    ...federation,
    authorities: { ...federation.authorities, [id]: { ...authority, approvers: authority.approvers.filter(stays) } },
  };
}
