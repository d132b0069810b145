/** One record by its path, with everything that an answer about it may mean. */
import type { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { KeystoneClient } from './client.js';
import { replyError } from './http.js';
import { isScopedTo } from './session.js';

/** Throws ConcordatError; null where the cloud says that it does not exist. */
export async function fetchOne<Answer>(
  client: KeystoneClient,
  path: string,
  what: string,
  schema: z.ZodType<Answer>,
): Promise<Answer | null> {
  const { reply, token } = await client.read(path);
  if (!isScopedTo(token, client.scope)) throw new ConcordatError('wrongAccount', 'the token has another scope');
  if (reply.status === 404) return null;
  if (reply.status === 403) throw replyError('forbidden', what, reply);
  const answer = schema.safeParse(reply.body);
  if (reply.status !== 200 || !answer.success) throw replyError('unexpectedAnswer', what, reply);
  return answer.data;
}

/** Whether something exists: Keystone answers 204 or 404 to a question after a grant. Throws ConcordatError. */
export async function exists(client: KeystoneClient, path: string, what: string): Promise<boolean> {
  const { reply, token } = await client.read(path);
  if (!isScopedTo(token, client.scope)) throw new ConcordatError('wrongAccount', 'the token has another scope');
  if (reply.status === 404) return false;
  if (reply.status === 403) throw replyError('forbidden', what, reply);
  if (reply.status !== 204 && reply.status !== 200) throw replyError('unexpectedAnswer', what, reply);
  return true;
}
