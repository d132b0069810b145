/**
 * Reads and checks what a run's references point to: every message signed by the member it speaks for, of this run, over
 * one configuration and base. The coordinator uses it too, but what protects an authority is that it does this itself.
 */
import type { Hlc } from '../core/clock/hlc.js';
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import { Configuration, shapeOf } from '../core/federation/configuration.js';
import { datasetShape, shapeWithout, type DatasetShape, type Federation } from '../core/federation/federation.js';
import { keysOf } from '../core/federation/keys-of.js';
import { byCodeUnit } from '../core/json.js';
import {
  asOfRun,
  Base,
  Open,
  openType,
  runIdOf,
  SnapshotStatement,
  snapshotType,
  Standing,
  type HeldBase,
  type Ref,
  type RunInputs,
} from '../core/messages.js';
import type { AuthorityId } from '../core/record.js';
import { planAlgorithm } from '../core/plan.js';
import { dutyOf, type BrokenRun, type RunDuty } from '../core/rounds.js';
import { sealedRoot } from '../core/sealed.js';
import { findDocument, getDocument, getMessage } from './exchange.js';
import { membershipOfRun } from './membership.js';
import type { ObjectStore } from './store.js';

/**
 * `own`: the run is live, so its opens must name the configuration of this worker. `opened`: the run is over and a later
 * one finishes it, under the configuration that its own opens named.
 */
export type Terms = 'own' | 'opened';

/** The opens of a run, checked, and what follows from them. */
export interface OpenedMessages {
  /** Without the members that take no part. */
  readonly shape: DatasetShape;
  /** Those taking part, sorted. */
  readonly members: readonly AuthorityId[];
  readonly opens: Readonly<Record<AuthorityId, Open>>;
  readonly run: Digest;
  /** The greatest stamp of the opens. */
  readonly asOf: Hlc;
  readonly duty: RunDuty;
  /** Those to whom the base belongs on which the run stands; null before the first, and where it was not asked for. */
  readonly before: readonly AuthorityId[] | null;
}

export interface RunMessages extends OpenedMessages {
  readonly standings: Readonly<Record<AuthorityId, Standing>>;
  readonly base: Base | null;
  readonly baseDigest: Digest | null;
}

const brokenWords: Readonly<Record<BrokenRun, string>> = {
  differentRounds: 'the opens are of different rounds',
  differentMembers: 'the opens name different members',
  memberMissing: 'the opens are not those of exactly the members that take part',
  noMajority: 'the run has not more than half of the members of the dataset',
  baseForked: 'members hold two different sealed bases of one number',
  noMajorityBefore: 'the run has not more than half of the members of the base before',
};

/** What the opens make together, whatever the run has to do first. Throws where they are not authentic or make no run. */
export async function readOpened(
  federation: Federation,
  exchange: ObjectStore,
  inputs: { readonly dataset: string; readonly opens: readonly Ref[] },
  terms: Terms = 'own',
): Promise<OpenedMessages> {
  const opens: Record<AuthorityId, Open> = {};
  const ids: Digest[] = [];
  for (const ref of inputs.opens) {
    const authority = authorityOfRef(ref);
    const { payload, id } = await getMessage(exchange, ref, {
      typ: openType,
      schema: Open,
      keys: keysOf(federation, authority, 'messages'),
    });
    if (payload.authority !== authority || payload.dataset !== inputs.dataset)
      throw new ConcordatError('wrongRun', `the open under the prefix of ${authority} speaks for somebody else`);
    if (!payload.algorithms.includes(planAlgorithm))
      throw new ConcordatError('configurationDiffers', `${authority} cannot recompute ${planAlgorithm}`);
    opens[authority] = payload;
    ids.push(id);
  }
  const whole = await shapeOfRun(federation, exchange, inputs.dataset, terms, Object.values(opens));
  const { duty, before } = await dutyOn(exchange, Object.values(opens), whole.members, terms);
  if (ids.length !== Object.keys(opens).length)
    throw new ConcordatError('wrongRun', 'the run names two opens of one member');
  const members = Object.keys(opens).sort(byCodeUnit);
  const shape = shapeWithout(
    whole,
    whole.members.filter((member) => opens[member] === undefined),
  );
  return { shape, members, opens, run: runIdOf(ids), asOf: asOfRun(Object.values(opens)), duty, before };
}

/**
 * HAZARD: of a live run the members of before are always asked for. What is over is only made again, and who signed it has
 * asked: there it is looked up where it matters, so that whoever verifies a single run needs no other.
 */
async function dutyOn(
  exchange: ObjectStore,
  opens: readonly Open[],
  all: readonly AuthorityId[],
  terms: Terms,
): Promise<Pick<OpenedMessages, 'duty' | 'before'>> {
  const first = requireRun(dutyOf(opens, all, null));
  if (first.kind === 'catchUp' || !first.base || (terms === 'opened' && first.kind === 'work'))
    return { duty: first, before: null };
  const before = await membershipOfRun(exchange, opens);
  const duty = dutyOf(opens, all, before);
  if (duty === 'noMajorityBefore')
    throw new ConcordatError(
      'membershipNotFollowed',
      `${brokenWords[duty]}, which were ${before.join(', ')}; ${opens.map(({ authority }) => authority).join(', ')} take part`,
    );
  return { duty: requireRun(duty), before };
}

function requireRun(duty: RunDuty | BrokenRun): RunDuty {
  if (typeof duty !== 'string') return duty;
  throw new ConcordatError(duty === 'baseForked' ? 'baseForked' : 'wrongRun', brokenWords[duty]);
}

async function shapeOfRun(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  terms: Terms,
  opens: readonly Open[],
): Promise<DatasetShape> {
  const [first] = opens;
  if (terms === 'own' || !first) {
    const shape = datasetShape(federation, dataset);
    const other = opens.find(({ configuration }) => configuration !== shape.configuration);
    if (other)
      throw new ConcordatError(
        'configurationDiffers',
        `${other.authority} opened with another configuration of dataset ${dataset} than this worker has`,
      );
    return shape;
  }
  if (opens.some(({ configuration }) => configuration !== first.configuration))
    throw new ConcordatError('configurationDiffers', 'the opens of the run to finish name different configurations');
  const prefixes = opens.map(({ authority }) => authority);
  return shapeOf(await findDocument(exchange, prefixes, first.configuration, Configuration));
}

/** A run that does its own work: all its members hold one base, and nothing that may be sealed already waits above it. */
export async function readOpens(
  federation: Federation,
  exchange: ObjectStore,
  inputs: Pick<RunInputs, 'dataset' | 'run' | 'opens'>,
  terms: Terms = 'own',
): Promise<RunMessages> {
  const opened = await readOpened(federation, exchange, inputs, terms);
  const { opens, duty } = opened;
  requireOneDigestKey(opened);
  if (opened.run !== inputs.run) throw new ConcordatError('wrongRun', 'the run id is not made of these opens');
  if (duty.kind === 'catchUp')
    throw new ConcordatError(
      'staleBase',
      `members hold different bases: ${opened.members.map((member) => `${member} at ${opens[member]?.base?.sequence ?? 0}`).join(', ')}`,
    );
  if (duty.kind === 'finish' && !duty.passable)
    throw new ConcordatError(
      'pendingFirst',
      `candidate ${duty.pending.sequence} of an earlier run must be sealed first`,
    );
  const standings: Record<AuthorityId, Standing> = {};
  for (const [authority, open] of Object.entries(opens)) {
    const standing = await getDocument(exchange, open.standing, Standing);
    if (standing.authority !== authority)
      throw new ConcordatError('inputNotAuthentic', `the standing of ${authority} speaks for somebody else`);
    standings[authority] = standing;
  }
  const held = Object.values(opens)[0]?.base ?? null;
  const base = held ? await baseOf(exchange, held) : null;
  return { ...opened, standings, base, baseDigest: held?.digest ?? null };
}

/** Values that were sealed under different keys would all look different. */
function requireOneDigestKey({ shape, opens }: OpenedMessages): void {
  const needed = shape.types.some(({ digests }) => digests.length > 0);
  const keys = Object.entries(opens).map(([authority, { digestKey }]) => ({ authority, digestKey }));
  if (new Set(keys.map(({ digestKey }) => digestKey)).size <= 1 && (!needed || keys[0]?.digestKey)) return;
  throw new ConcordatError(
    'digestKeyDiffers',
    `members seal the digest fields of ${shape.dataset.dataset} under different keys: ${keys.map(({ authority, digestKey }) => `${authority} ${digestKey?.slice(0, 12) ?? 'none'}`).join(', ')}`,
  );
}

/** A base document is known by the digest of its canonical JSON, which is what its Ref hashes to. */
async function baseOf(exchange: ObjectStore, held: HeldBase): Promise<Base> {
  if (held.ref.sha256 !== held.digest)
    throw new ConcordatError('inputNotAuthentic', 'the base is not what the opens name');
  return getDocument(exchange, held.ref, Base);
}

/** The snapshots of all members that take part, each bound to this run. */
export async function readSnapshots(
  federation: Federation,
  exchange: ObjectStore,
  inputs: Pick<RunInputs, 'dataset' | 'run'>,
  refs: readonly Ref[],
  messages: RunMessages,
): Promise<Readonly<Record<AuthorityId, SnapshotStatement>>> {
  const snapshots: Record<AuthorityId, SnapshotStatement> = {};
  for (const ref of refs) {
    const authority = memberOfRef(ref, messages.members);
    const { payload } = await getMessage(exchange, ref, {
      typ: snapshotType,
      schema: SnapshotStatement,
      keys: keysOf(federation, authority, 'messages'),
    });
    if (payload.authority !== authority || payload.dataset !== inputs.dataset || payload.run !== inputs.run)
      throw new ConcordatError('wrongRun', `the snapshot of ${authority} is of another run`);
    if (payload.configuration !== messages.shape.configuration)
      throw new ConcordatError(
        'configurationDiffers',
        `the snapshot of ${authority} was made under another configuration`,
      );
    if (payload.base !== messages.baseDigest)
      throw new ConcordatError('staleBase', `the snapshot of ${authority} was made over another base`);
    if (sealedRoot(payload.types) !== payload.root)
      throw new ConcordatError('inputNotAuthentic', `the root of ${authority}'s snapshot does not cover its segments`);
    if (snapshots[authority] !== undefined)
      throw new ConcordatError('wrongRun', `the run names two snapshots of ${authority}`);
    snapshots[authority] = payload;
  }
  const missing = messages.members.filter((member) => snapshots[member] === undefined);
  if (missing.length > 0) throw new ConcordatError('wrongRun', `the run lacks the snapshots of ${missing.join(', ')}`);
  return snapshots;
}

/** An authority writes under its own prefix only, so the prefix says whose key must have signed. */
export function authorityOfRef(ref: Ref): AuthorityId {
  return ref.ref.slice(0, ref.ref.indexOf('/'));
}

/** Throws wrongRun where the reference is not under the prefix of somebody who takes part. */
export function memberOfRef(ref: Ref, members: readonly AuthorityId[]): AuthorityId {
  const authority = authorityOfRef(ref);
  if (!members.includes(authority))
    throw new ConcordatError('wrongRun', `${ref.ref} is not under the prefix of a member that takes part`);
  return authority;
}
