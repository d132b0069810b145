/** How the next base takes over what all members show alike: the segments of one member, or its records one after another. */
import { canonicalJson } from '../core/digest.js';
import type { Fields } from '../core/record.js';
import { sealedGroups, type SealedSegment, type SealedType } from '../core/sealed.js';
import { agreedAsShown, setFields } from '../core/unanimous.js';
import { letOthersRun } from './event-loop.js';
import { federationPrefix } from './federation-prefix.js';
import type { OpenBody } from './sealing/body.js';
import { sealUnanimous } from './sealing/seal-unanimous.js';
import type { SegmentReader } from './sealing/segment-reader.js';
import { unanimousRecords } from './sealing/walk-unanimous.js';
import type { ObjectStore } from './store.js';
import { showingAll, type UnanimousRecords } from './unanimous.js';

export interface TakingOver {
  readonly unanimous: UnanimousRecords;
  readonly reader: SegmentReader;
  readonly store: ObjectStore;
  /** Of who makes the base: a member, the coordinator, or somebody who verifies. */
  readonly prefix: string;
  /** Members keep all of the base under their own prefix. */
  readonly isMember: boolean;
  readonly heartbeat: (() => void) | undefined;
}

/** A base of these records and no others. Null where no member shows all of each, or their number asks for other buckets. */
export async function sealFirst(taking: TakingOver, puts: ReadonlyMap<string, Fields>): Promise<SealedType | null> {
  const { unanimous, reader, store, prefix, isMember, heartbeat } = taking;
  const [source, ...others] = showingAll(unanimous, prefix);
  if (source === undefined || others.length > 0) return null;
  return sealUnanimous({
    walk: { ...unanimous.walk, reader },
    source,
    count: unanimous.count,
    puts,
    isTrusted: source === prefix ? () => true : prefix === federationPrefix ? sameEverywhere(unanimous) : () => false,
    setFields: setFields(unanimous.type),
    normalised: (fields) => agreedAsShown(fields, unanimous.type),
    store,
    prefix,
    keepsCopies: isMember,
    ...(heartbeat ? { heartbeat } : {}),
  });
}

/**
 * HAZARD: a member could seal bodies that are not what its index says. Who holds all groups has made its own; other members
 * read what they take over. Of the coordinator this is asked only where two made it differently, so that the right one is
 * blamed: what it proposes all members make again.
 */
function sameEverywhere({ type, walk }: UnanimousRecords): (segment: SealedSegment) => boolean {
  const groups = canonicalJson(sealedGroups(type.groups));
  const whole = walk.participants.filter(
    ({ id, sealed }) => id !== walk.unanimous.base && canonicalJson(sealed.groups) === groups,
  );
  const names = whole.map(({ sealed }) => new Map(sealed.segments.map((segment) => [segment.bucket, segment.body])));
  return ({ bucket, body }) => whole.length > 1 && names.every((bodies) => bodies.get(bucket) === body);
}

/** One after another, as the base says them. */
export async function* recordsTakenOver({
  unanimous,
  reader,
  prefix,
  heartbeat,
}: TakingOver): AsyncGenerator<OpenBody> {
  for await (const records of unanimousRecords({ ...unanimous.walk, reader }, showingAll(unanimous, prefix))) {
    await letOthersRun();
    heartbeat?.();
    for (const { key, fields } of records) yield { key, fields: agreedAsShown(fields, unanimous.type) };
  }
}
