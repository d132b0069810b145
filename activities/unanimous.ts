/** Records that all members show alike and the base lacks, as a comparison found them: counted, and read where they are needed. */
import type { DatasetType } from '../core/federation/federation.js';
import type { AuthorityId } from '../core/record.js';
import { sealedGroups } from '../core/sealed.js';
import type { SegmentReader } from './sealing/segment-reader.js';
import type { Participant, Unanimous } from './sealing/walk-differing.js';
import { walkUnanimous } from './sealing/walk-unanimous.js';
import { hashBytes } from './sealing/entry-buffer.js';

export interface UnanimousRecords {
  readonly type: DatasetType;
  /** At least one. */
  readonly count: number;
  /** What found them, and finds them again: members and base, and the records that were looked at even so. */
  readonly walk: {
    readonly participants: readonly Participant[];
    readonly groups: DatasetType['groups'];
    readonly unanimous: Unanimous;
  };
}

/** Only types that have some. */
export type UnanimousByType = Readonly<Record<string, UnanimousRecords>>;

export function hasUnanimous(unanimous: UnanimousByType): boolean {
  return Object.keys(unanimous).length > 0;
}

/** Members whose seals together show every field: `preferred` alone, or one other alone, where it shows all. */
export function showingAll({ type, walk }: UnanimousRecords, preferred: AuthorityId): readonly AuthorityId[] {
  const members = walk.participants.filter(({ id }) => id !== walk.unanimous.base);
  const groups = sealedGroups(type.groups).map(({ id }) => id);
  const shows = ({ sealed }: Participant, group: string): boolean => sealed.groups.some(({ id }) => id === group);
  const whole = members.filter((member) => groups.every((group) => shows(member, group))).map(({ id }) => id);
  const [first] = whole;
  if (first !== undefined) return [whole.includes(preferred) ? preferred : first];
  const chosen: AuthorityId[] = [];
  const missing = new Set(groups);
  for (const member of members) {
    if (![...missing].some((group) => shows(member, group))) continue;
    chosen.push(member.id);
    for (const group of groups) if (shows(member, group)) missing.delete(group);
  }
  return chosen;
}

/** Tells by a key's hash whether a record that this member shows is one of them. Eight bytes a record. */
export async function unanimousHashes(
  { count, walk }: UnanimousRecords,
  member: AuthorityId,
  reader: SegmentReader,
): Promise<(hash: bigint) => boolean> {
  const hashes = new BigUint64Array(count);
  let at = 0;
  for await (const { columns, stretches } of walkUnanimous({ ...walk, reader }, [member])) {
    const keys = await columns[0]?.loadKeys();
    for (const { from, to } of stretches[0] ?? [])
      for (let entry = from; entry < to; entry += 1) hashes[at++] = keys?.readBigUInt64BE(entry * hashBytes) ?? 0n;
  }
  return (hash) => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((hashes[middle] ?? 0n) < hash) low = middle + 1;
      else high = middle;
    }
    return hashes[low] === hash;
  };
}
