/** What a deletion on one side leads to elsewhere, as the dataset declares it for the type. */
import { compareHlc, firstHlc, hlcParts, type Hlc } from '../clock/hlc.js';
import type { RecordView } from '../compare.js';
import { durationMs } from '../duration.js';
import type { SuspendFirst, TypePolicy } from '../federation/resolution.js';
import type { Json } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import type { AuthorityId, Fields } from '../record.js';

/** Of each member in the run, the stamp of its open: its own clock, signed by itself. */
export type OpenedAt = Readonly<Record<AuthorityId, Hlc>>;

export type DeletionStep = 'delete' | 'suspend' | 'wait';

/** Whether a value says that the record was suspended on the way to its deletion. */
export function isSuspension(policy: TypePolicy | undefined, field: string, value: Json): boolean {
  const deletion = policy?.deletion;
  return deletion?.kind === 'suspendFirst' && deletion.field === field && sameJson(deletion.value, value);
}

/**
 * What comes next at a member that still holds a record which others deleted. The delay counts from the first
 * observation of the suspension to the open of this run, both signed by that member and given by its own clock; no
 * clock of another machine enters, so no peer and no coordinator can shorten it. Where it stood suspended when it was
 * last agreed on, nobody signed since when: then it counts from the deletion, by the clock of who deleted it.
 */
export function nextStep(
  policy: SuspendFirst,
  member: AuthorityId,
  by: readonly AuthorityId[],
  view: RecordView,
  base: Fields,
  openedAt: OpenedAt,
): DeletionStep {
  const { field, value } = policy;
  // What could not be read is not written over.
  if (view.members[member]?.[field] === undefined) return 'wait';
  if (!sameJson(view.members[member]?.[field], value)) return 'suspend';
  const afterMs = durationMs(policy.after);
  const stands = view.versions?.[member]?.times?.[field]?.stands;
  if (stands !== undefined) return hasPassed(stands, openedAt[member], afterMs) ? 'delete' : 'wait';
  if (!sameJson(base[field], value)) return 'wait';
  const isOver = by.some((deleter) => {
    const gone = view.versions?.[deleter]?.gone;
    return gone !== undefined && hasPassed(gone, openedAt[deleter], afterMs);
  });
  return isOver ? 'delete' : 'wait';
}

function hasPassed(since: Hlc, opened: Hlc | undefined, afterMs: number): boolean {
  if (opened === undefined || compareHlc(since, firstHlc) <= 0) return false;
  return hlcParts(opened).ms - hlcParts(since).ms >= afterMs;
}
