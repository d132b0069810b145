/**
 * Reads and checks what a run's references point to: every message signed by the member it speaks for, of this run, over
 * this configuration and base. The coordinator uses it too, but what protects an authority is that it does this itself.
 */
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { PublicKey } from '../core/federation/authority.js';
import { datasetShape, type DatasetShape, type Federation } from '../core/federation/federation.js';
import {
  Base,
  Open,
  openType,
  runIdOf,
  SnapshotStatement,
  snapshotType,
  Standing,
  type Ref,
} from '../core/messages.js';
import type { AuthorityId } from '../core/record.js';
import { planAlgorithm } from '../core/plan.js';
import { sealedRoot } from '../core/sealed.js';
import type { RunInputs } from '../workflows/contract.js';
import { getDocument, getMessage } from './exchange.js';
import type { ObjectStore } from './store.js';

export interface RunMessages {
  readonly shape: DatasetShape;
  readonly opens: Readonly<Record<AuthorityId, Open>>;
  readonly standings: Readonly<Record<AuthorityId, Standing>>;
  readonly base: Base | null;
  readonly baseDigest: Digest | null;
}

export function pinnedKey(federation: Federation, authority: AuthorityId): PublicKey {
  const key = federation.file.members.find((member) => member.id === authority)?.key;
  if (!key) throw new ConcordatError('notSigned', `no key of ${authority} is pinned in federation.yaml`);
  return key;
}

export async function readOpens(
  federation: Federation,
  exchange: ObjectStore,
  inputs: Pick<RunInputs, 'dataset' | 'run' | 'opens'>,
): Promise<RunMessages> {
  const shape = datasetShape(federation, inputs.dataset);
  const ids: Digest[] = [];
  const opens: Record<AuthorityId, Open> = {};
  for (const ref of inputs.opens) {
    const authority = authorityOfRef(ref, shape);
    const { payload, id } = await getMessage(exchange, ref, {
      typ: openType,
      schema: Open,
      keys: [pinnedKey(federation, authority)],
    });
    if (payload.authority !== authority || payload.dataset !== inputs.dataset)
      throw new ConcordatError('wrongRun', `the open under the prefix of ${authority} speaks for somebody else`);
    if (payload.configuration !== shape.configuration) {
      throw new ConcordatError(
        'configurationDiffers',
        `${authority} opened with another configuration of dataset ${inputs.dataset} than this worker has`,
      );
    }
    if (!payload.algorithms.includes(planAlgorithm))
      throw new ConcordatError('configurationDiffers', `${authority} cannot recompute ${planAlgorithm}`);
    opens[authority] = payload;
    ids.push(id);
  }
  const missing = shape.members.filter((member) => opens[member] === undefined);
  if (missing.length > 0 || ids.length !== shape.members.length)
    throw new ConcordatError(
      'wrongRun',
      `the run lacks the opens of ${missing.join(', ') || 'nobody, but has others'}`,
    );
  if (runIdOf(ids) !== inputs.run) throw new ConcordatError('wrongRun', 'the run id is not made of these opens');
  const bases = new Set(Object.values(opens).map((open) => open.base?.digest ?? null));
  if (bases.size > 1)
    throw new ConcordatError(
      'staleBase',
      `members hold different bases: ${shape.members.map((member) => `${member} at ${opens[member]?.base?.sequence ?? 0}`).join(', ')}`,
    );
  const standings: Record<AuthorityId, Standing> = {};
  for (const [authority, open] of Object.entries(opens)) {
    const standing = await getDocument(exchange, open.standing, Standing);
    if (standing.authority !== authority)
      throw new ConcordatError('inputNotAuthentic', `the standing of ${authority} speaks for somebody else`);
    standings[authority] = standing;
  }
  const held = Object.values(opens)[0]?.base ?? null;
  const base = held ? await getDocument(exchange, held.ref, Base) : null;
  // A base document is known by the digest of its canonical JSON, which is what its Ref hashes to.
  if (held && held.ref.sha256 !== held.digest)
    throw new ConcordatError('inputNotAuthentic', 'the base is not what the opens name');
  return { shape, opens, standings, base, baseDigest: held?.digest ?? null };
}

/** The snapshots of all members, each bound to this run. */
export async function readSnapshots(
  federation: Federation,
  exchange: ObjectStore,
  inputs: Pick<RunInputs, 'dataset' | 'run'>,
  refs: readonly Ref[],
  messages: RunMessages,
): Promise<Readonly<Record<AuthorityId, SnapshotStatement>>> {
  const snapshots: Record<AuthorityId, SnapshotStatement> = {};
  for (const ref of refs) {
    const authority = authorityOfRef(ref, messages.shape);
    const { payload } = await getMessage(exchange, ref, {
      typ: snapshotType,
      schema: SnapshotStatement,
      keys: [pinnedKey(federation, authority)],
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
  const missing = messages.shape.members.filter((member) => snapshots[member] === undefined);
  if (missing.length > 0) throw new ConcordatError('wrongRun', `the run lacks the snapshots of ${missing.join(', ')}`);
  return snapshots;
}

/** An authority writes under its own prefix only, so the prefix says whose key must have signed. */
export function authorityOfRef(ref: Ref, shape: DatasetShape): AuthorityId {
  const authority = ref.ref.slice(0, ref.ref.indexOf('/'));
  if (!shape.members.includes(authority))
    throw new ConcordatError('wrongRun', `${ref.ref} is not under the prefix of a member`);
  return authority;
}
