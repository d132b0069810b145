/**
 * Which shards of a stream tell what came after a cursor. A shard is closed after some hours, or where its partition was
 * split, and its children go on; a shard and all that it told are gone a day later.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
 *
 * HAZARD: a shard that nobody can connect with those that were read may have told, before it was seen, what nobody read.
 */
export interface Shard {
  readonly id: string;
  /** Null for the first ones of a stream. It may be gone by now. */
  readonly parent: string | null;
  readonly firstSequence: string;
  /** Nothing more is added to it. */
  readonly isClosed: boolean;
}

/** As of the last read. */
export interface ReadShards {
  /** Shards that may tell more: after which sequence number, null from their beginning. */
  readonly open: Readonly<Record<string, string | null>>;
  /** Shards that were read to their end. */
  readonly ended: readonly string[];
}

export interface ShardToRead {
  readonly shard: Shard;
  readonly after: string | null;
}

export type ShardsToRead =
  | { readonly kind: 'shards'; readonly shards: readonly ShardToRead[] }
  /** A shard that had more to tell is gone. */
  | { readonly kind: 'expired' }
  /** There is a shard that comes from none that is known. */
  | { readonly kind: 'broken' };

export function shardsToRead(shards: readonly Shard[], { open, ended }: ReadShards): ShardsToRead {
  const listed = new Map(shards.map((shard) => [shard.id, shard]));
  if (Object.keys(open).some((id) => !listed.has(id))) return { kind: 'expired' };
  const known = new Set([...Object.keys(open), ...ended]);
  const toRead: ShardToRead[] = [];
  for (const shard of shards) {
    if (Object.hasOwn(open, shard.id)) toRead.push({ shard, after: open[shard.id] ?? null });
    else if (!known.has(shard.id)) {
      if (!comesFrom(shard, known, listed)) return { kind: 'broken' };
      toRead.push({ shard, after: null });
    }
  }
  return { kind: 'shards', shards: toRead };
}

function comesFrom(shard: Shard, known: ReadonlySet<string>, listed: ReadonlyMap<string, Shard>): boolean {
  const passed = new Set<string>();
  for (let at: Shard | undefined = shard; at && !passed.has(at.id);) {
    passed.add(at.id);
    if (at.parent === null) return false;
    if (known.has(at.parent)) return true;
    at = listed.get(at.parent);
  }
  return false;
}
