/** A person's signed word that a file of the federation is theirs: whoever signs a document is its author (docs/approval.md). */
import { z } from 'zod';
import { Digest } from '../digest.js';
import { PublicKey } from '../public-key.js';
import { AuthorityId } from '../record.js';

export const authorStatementType = 'concordat-author+jws';

export const AuthorStatement = z.strictObject({
  federation: z.string(),
  /** The file without its ending: `maps/aws.person`, `datasets/workforce`. */
  document: z.string(),
  /** Of the document as it enters a Configuration, and not of its text: a comment changes nothing. */
  digest: Digest,
  /** Who lists the approver under this name. */
  authority: AuthorityId,
  approver: z.string(),
  /** The key that signed: it tells the person also where another authority lists them under another name. */
  key: PublicKey,
  issuedAtMs: z.int(),
});
export type AuthorStatement = z.infer<typeof AuthorStatement>;
