/** Where a read of the whole domain stands, as text that another process can resume from. */
import { z } from 'zod';
import { ConcordatError, isErrorCode, type ErrorCode } from '../../../core/errors.js';

const Reason = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));

/** Members that could not be read and whose scope was not yet ended. */
export const UntoldScope = z.strictObject({ group: z.string(), reason: Reason });
export type UntoldScope = z.infer<typeof UntoldScope>;

/** `page` is the query of the page to ask for. In groups, `after` is the last id of that page that is done with. */
export const Position = z.discriminatedUnion('at', [
  z.strictObject({ at: z.literal('users'), page: z.string() }),
  z.strictObject({ at: z.literal('usersEnd'), reason: Reason.optional() }),
  z.strictObject({
    at: z.literal('groups'),
    page: z.string(),
    after: z.string().optional(),
    untold: z.array(UntoldScope),
  }),
  z.strictObject({ at: z.literal('groupsEnd'), untold: z.array(UntoldScope), reason: Reason.optional() }),
  z.strictObject({ at: z.literal('done') }),
]);
export type Position = z.infer<typeof Position>;
export type PositionIn<At extends Position['at']> = Extract<Position, { at: At }>;

export function cursorOf(position: Position): string {
  return JSON.stringify(position);
}

/** Throws `cursorLost` for text that is none of ours. */
export function positionOf(cursor: string): Position {
  try {
    return Position.parse(JSON.parse(cursor));
  } catch (cause) {
    throw new ConcordatError('cursorLost', 'the cursor was not made by the keystone connector', { cause });
  }
}
