/** Where a read of a whole mesh stands, as text that another process can resume from. */
import { z } from 'zod';
import { ConcordatError, isErrorCode, type ErrorCode } from '../../../core/errors.js';

const Reason = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));

/** Members that could not be read and whose scope was not yet ended. */
export const UntoldScope = z.strictObject({ group: z.string(), reason: Reason });
export type UntoldScope = z.infer<typeof UntoldScope>;

/** A part of a collection that could not be read and whose scope was not yet ended. */
export const UntoldPart = z.strictObject({ scope: z.string(), reason: Reason });
export type UntoldPart = z.infer<typeof UntoldPart>;

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
  // Any other collection by its name, in the order of ids.
  z.strictObject({
    at: z.literal('collection'),
    name: z.string(),
    after: z.string().optional(),
    untold: z.array(UntoldPart),
  }),
  z.strictObject({
    at: z.literal('collectionEnd'),
    name: z.string(),
    untold: z.array(UntoldPart),
    reason: Reason.optional(),
  }),
  z.strictObject({ at: z.literal('done') }),
]);
export type Position = z.infer<typeof Position>;
export type PeoplePosition = Extract<Position, { at: 'users' | 'usersEnd' | 'groups' | 'groupsEnd' }>;
export type PositionIn<At extends Position['at']> = Extract<Position, { at: At }>;

export function isAmongPeople(position: Position): position is PeoplePosition {
  return ['users', 'usersEnd', 'groups', 'groupsEnd'].includes(position.at);
}

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
