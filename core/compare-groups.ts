/**
 * Into how many groups of buckets a compare is parted among the coordinator's workers. It follows from the counts of the
 * snapshots alone, so that a history has as many events at ten million records as this formula says, and no more.
 */

/** Records of all members together that one group takes: a second of work where little differs, half a minute where all does. */
export const recordsPerGroupUsually = 2_000_000;
export const groupsMax = 16;

/**
 * The smallest power of two that leaves each group no more than `recordsPerGroup`, at most 16: powers of two nest with buckets,
 * so each group is whole buckets of every member. One means that nothing is parted.
 */
export function compareGroupCount(records: number, recordsPerGroup: number): number {
  let groups = 1;
  while (groups < groupsMax && records > groups * recordsPerGroup) groups *= 2;
  return groups;
}

export interface BucketRanges {
  readonly from: number;
  /** The first that is not in it. */
  readonly to: number;
}

/** Which of the ranges of key hashes of one type a group takes: the groups take each range once, in order. */
export function rangesOfGroup(ranges: number, group: number, groups: number): BucketRanges {
  return { from: Math.floor((group * ranges) / groups), to: Math.floor(((group + 1) * ranges) / groups) };
}
