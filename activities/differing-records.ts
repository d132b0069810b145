/** What members and base do not all hold alike, record by record: the views from which correlation and plan are made. */
import type { RecordView } from '../core/compare.js';
import type { DatasetShape, DatasetType } from '../core/federation/federation.js';
import { byCodeUnit } from '../core/json.js';
import type { LongList } from '../core/long-list.js';
import type { Base, SnapshotStatement } from '../core/messages.js';
import { isBaseBehind, migratedFields } from '../core/migrate-base.js';
import type { AuthorityId } from '../core/record.js';
import { sealedGroups, type SealedType } from '../core/sealed.js';
import { isAsAgreed, setFields, takesUnanimous } from '../core/unanimous.js';
import { letOthersRun } from './event-loop.js';
import { xxh64 } from './sealing/key-hash.js';
import type { Differing, WalkOptions } from './sealing/walk-differing.js';
import { GatheredViews, type Views } from './spilling/gathered-views.js';
import type { ObjectStore } from './store.js';
import type { UnanimousByType, UnanimousRecords } from './unanimous.js';
import { walkWide, type WideWalkOptions } from './walking/walk-in-threads.js';

const baseParticipant = '(base)';

/** Whoever waits for a computation: how it is ended, and told how far it is. */
export interface Watched {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CompareProgress) => void;
  /** Only tests give another: of more views of one type than this, all lie in a file. */
  readonly viewsInMemoryMax?: number;
}

export interface CompareProgress {
  /** The type that is being compared. */
  readonly type: string;
  /** Records so far that differ, and that all members show alike and the base lacks. */
  readonly differing: number;
  readonly unanimous: number;
}

/** Where differing records come from: a walk over what is sealed, or what such walks left. */
export type Walk = (options: WideWalkOptions) => AsyncGenerator<Differing>;

/** What is held against each other of one type. */
export interface TypeWalk {
  readonly type: DatasetType;
  readonly walk: Pick<WalkOptions, 'participants' | 'groups' | 'unanimous'>;
  /** Whether only the words of the base differ, so that nothing follows from the record. */
  readonly isAgreed: (differing: Differing) => boolean;
}

export interface Compared {
  /** In the order of the walk, which is that of their hashes. */
  readonly views: Views;
  readonly unanimous: UnanimousByType;
}

export interface CompareSettings {
  /** Records that get a view wherever they are not all equal. */
  readonly named: readonly { readonly type: string; readonly key: string }[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: Watched['onProgress'] | undefined;
  readonly viewsInMemoryMax?: number | undefined;
  readonly walk?: Walk;
}

/** So often somebody is told how far a compare is. */
const recordsPerProgress = 1_000;

export function walksOf(
  shape: DatasetShape,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
  base: Base | null,
  named: CompareSettings['named'],
): readonly TypeWalk[] {
  return shape.types.map((type) => {
    const name = type.taxonomy.type;
    const members = membersOf(type);
    const participants = members.flatMap((member) => {
      const sealed = snapshots[member]?.types.find((one) => one.type === name);
      return sealed ? [{ id: member, sealed }] : [];
    });
    const passes = participants.length === members.length && takesUnanimous(type, shape.types);
    // Without a base an empty one takes part, so that records equal everywhere are seen and can be agreed on.
    participants.push({
      id: baseParticipant,
      sealed: base?.types.find((one) => one.type === name) ?? emptySealed(type),
    });
    const keys = named.flatMap((one) => (one.type === name ? [one.key] : []));
    const asked = new Set(keys);
    const saysOtherwise = passes && !isBaseBehind(base, type.taxonomy) && setFields(type).length > 0;
    return {
      type,
      isAgreed: ({ key, present }) =>
        saysOtherwise && !asked.has(key) && isAsAgreed(present, present[baseParticipant], type),
      walk: {
        participants,
        groups: type.groups,
        ...(passes ? { unanimous: { base: baseParticipant, wanted: new Set(keys.map(xxh64)) } } : {}),
      },
    };
  });
}

/**
 * Per type, every record on which members and base are not all equal: as a view, or, where nothing can follow from it but
 * that the base takes it over, among the unanimous ones. Memory follows neither the views, of which many lie in a file, nor what is stored.
 */
export async function differingRecords(
  shape: DatasetShape,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
  base: Base | null,
  exchange: ObjectStore,
  { named, signal, onProgress, viewsInMemoryMax, walk: walkAll = walkWide }: CompareSettings,
): Promise<Compared> {
  const views: Record<string, LongList<RecordView>> = {};
  const unanimous: Record<string, UnanimousRecords> = {};
  for (const { type, walk, isAgreed } of walksOf(shape, snapshots, base, named)) {
    const name = type.taxonomy.type;
    const members = membersOf(type);
    const found = new GatheredViews(viewsInMemoryMax);
    const isBehind = isBaseBehind(base, type.taxonomy);
    let count = 0;
    const tell = (): void => onProgress?.({ type: name, differing: found.count, unanimous: count });
    for await (const differing of walkAll({
      ...walk,
      store: exchange,
      prefixes: shape.members,
      onUnanimous: (more) => void (count += more),
      ...(signal ? { signal } : {}),
    })) {
      await letOthersRun();
      if (isAgreed(differing)) continue;
      const stored = differing.present[baseParticipant];
      found.put({
        key: differing.key,
        members: Object.fromEntries(members.map((member) => [member, differing.present[member]])),
        ...(isBehind && stored
          ? { base: migratedFields(stored, type.taxonomy), storedBase: stored }
          : { base: stored }),
      });
      if (found.count % recordsPerProgress === 0) tell();
    }
    tell();
    views[name] = await found.finish();
    // What an absent member holds it has not agreed to.
    if (count > 0 && walk.unanimous && type.absent.length === 0)
      unanimous[name] = { type, count, walk: { ...walk, unanimous: walk.unanimous } };
  }
  return { views, unanimous };
}

function membersOf(type: DatasetType): readonly AuthorityId[] {
  return Object.keys(type.held).sort(byCodeUnit);
}

function emptySealed(type: DatasetType): SealedType {
  return {
    format: 1,
    type: type.taxonomy.type,
    count: 0,
    bucketCount: 1,
    groups: sealedGroups(type.groups),
    segments: [],
  };
}
