/** What an open says of logs: the authority's own checkpoint, and the highest one of each peer that it has cosigned. */
import { z } from 'zod';
import { AuthorityId } from '../record.js';

/** A signed note (core/log/note.ts) as text. */
export const NoteText = z.string().min(1).max(16_384);

export const OpenLog = z.strictObject({
  checkpoint: NoteText,
  /** Each under the signature of the log's own authority, which is what makes it evidence, and this one's cosignature. */
  seen: z.record(AuthorityId, NoteText),
});
export type OpenLog = z.infer<typeof OpenLog>;
