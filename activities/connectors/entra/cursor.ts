/** Where a read of the whole tenant stands, as text that another process can resume from. */
import { z } from 'zod';
import { canonicalJson } from '../../../core/digest.js';
import { ConcordatError, isErrorCode, type ErrorCode } from '../../../core/errors.js';

const Reason = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));

/** A scope of members that ended incomplete and was not yet told. */
export const UntoldScope = z.strictObject({ group: z.string(), reason: Reason });
export type UntoldScope = z.infer<typeof UntoldScope>;

/**
 * `next` is the nextLink of the page to ask for; absent, the first page. `pending` are the groups of the last page whose
 * members are still to be read: ids and not a place in the page, because a page that is asked for again may have shifted,
 * and a group passed over in silence would read as deleted. At most 999 ids, 40 kB.
 */
export const Position = z.discriminatedUnion('at', [
  z.strictObject({ at: z.literal('users'), next: z.string().optional() }),
  z.strictObject({ at: z.literal('usersEnd'), reason: Reason.optional() }),
  z.strictObject({
    at: z.literal('groups'),
    next: z.string().optional(),
    /** No page after `pending`. */
    last: z.boolean(),
    pending: z.array(z.string()),
    untold: z.array(UntoldScope),
    /** Why the scope of groups cannot be complete any more. */
    reason: Reason.optional(),
  }),
  z.strictObject({ at: z.literal('groupsEnd'), reason: Reason.optional() }),
  z.strictObject({
    at: z.literal('access'),
    /** of access/collections.ts */
    scope: z.string(),
    part: z.int().nonnegative(),
    next: z.string().optional(),
    reason: Reason.optional(),
  }),
  z.strictObject({ at: z.literal('done') }),
]);
export type Position = z.infer<typeof Position>;
export type GroupsPosition = Extract<Position, { at: 'groups' }>;
export type AccessPosition = Extract<Position, { at: 'access' }>;

export function cursorOf(position: Position): string {
  // One text for one position, whether it was reached or resumed from.
  return canonicalJson(position);
}

/** `start` where there is no cursor. Throws `cursorLost` for text that is none of ours. */
export function positionOf(cursor: string | undefined, start: Position): Position {
  if (cursor === undefined) return start;
  try {
    return Position.parse(JSON.parse(cursor));
  } catch (cause) {
    throw new ConcordatError('cursorLost', 'the cursor was not made by the entra connector', { cause });
  }
}
