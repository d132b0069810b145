/** Where a read stands, as text that a heartbeat can carry. It holds IAM's opaque marker and no name of its own. */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import { accessTypes } from './access/native-types.js';

const marker = z.string().min(1).optional();

const Cursor = z.discriminatedUnion('at', [
  z.strictObject({ at: z.literal('users'), marker }),
  z.strictObject({ at: z.literal('usersEnd') }),
  z.strictObject({ at: z.literal('groups'), marker, usersForbidden: z.boolean() }),
  z.strictObject({ at: z.literal('groupsEnd') }),
  z.strictObject({ at: z.literal('end') }),
  // `after`: an id of AWS or a name of the authority file, and no name of a person
  z.strictObject({ at: z.literal('access'), type: z.enum(accessTypes), after: z.string() }),
  z.strictObject({ at: z.literal('accessEnd'), type: z.enum(accessTypes) }),
]);
export type Cursor = z.infer<typeof Cursor>;
export type AccessPlace = Extract<Cursor, { at: 'access' | 'accessEnd' }>;

export function encodeCursor(cursor: Cursor): string {
  return JSON.stringify(cursor);
}

/** Throws ConcordatError `cursorLost` for a text that `encodeCursor` did not write. */
export function parseCursor(text: string | undefined): Cursor {
  if (text === undefined) return { at: 'users' };
  try {
    return Cursor.parse(JSON.parse(text));
  } catch {
    throw new ConcordatError('cursorLost', 'the cursor is not one of this connector; start from the first page');
  }
}
