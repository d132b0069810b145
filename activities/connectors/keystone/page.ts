/** One page of a Keystone list, and whether it proves anything. */
import { z } from 'zod';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { KeystoneRecord } from './body.js';
import type { KeystoneClient } from './client.js';
import { replyError } from './http.js';

export interface Page {
  readonly kind: 'page';
  readonly records: readonly KeystoneRecord[];
  /** The query of the next page; undefined on the last. */
  readonly next: string | undefined;
  /** The cloud cut the list short and names no next page. */
  readonly truncated: boolean;
}

/** `gone`: what the list belongs to does not exist. */
export type PageAnswer = Page | { readonly kind: 'stopped'; readonly reason: ErrorCode } | { readonly kind: 'gone' };

const Envelope = z.object({
  links: z.object({ next: z.string().nullish() }).optional(),
  truncated: z.boolean().optional(),
});

/** Keystone 22 ignores `limit` and answers with everything; newer versions page and give `links.next`. */
export const pageLength = 500;

/** Only to parse links that leave the host out. */
const anyHost = 'http://keystone.invalid/';

/**
 * Throws what `KeystoneClient.read` throws, and cursorLost where the marker of a page is no more.
 *
 * HAZARD: of a link only its query is used. Its host is what the cloud believes itself to be called; following it
 * could carry the token elsewhere.
 */
export async function readPage(
  client: KeystoneClient,
  domain: string,
  path: string,
  collection: 'users' | 'groups',
  query: string,
  signal?: AbortSignal,
): Promise<PageAnswer> {
  const { reply, token } = await client.read(`${path}${query}`, signal);
  // HAZARD: to a token of another scope Keystone answers 200 with an empty list.
  if (token.domain !== domain) return { kind: 'stopped', reason: 'wrongAccount' };
  if (reply.status === 403) return { kind: 'stopped', reason: 'forbidden' };
  if ((reply.status === 400 || reply.status === 404) && new URLSearchParams(query).has('marker')) {
    throw replyError('cursorLost', `a later page of GET /v3${path}`, reply);
  }
  if (reply.status === 404) return { kind: 'gone' };
  const envelope = Envelope.safeParse(reply.body);
  const list = z.object({ [collection]: z.array(KeystoneRecord) }).safeParse(reply.body);
  if (reply.status !== 200 || !envelope.success || !list.success)
    return { kind: 'stopped', reason: 'unexpectedAnswer' };
  const link = envelope.data.links?.next;
  if (link && !URL.canParse(link, anyHost)) return { kind: 'stopped', reason: 'unexpectedAnswer' };
  const next = link ? new URL(link, anyHost).search : undefined;
  // A page that names itself as the next would be read for ever.
  if (next === query) return { kind: 'stopped', reason: 'unexpectedAnswer' };
  return {
    kind: 'page',
    records: list.data[collection] ?? [],
    next,
    truncated: envelope.data.truncated === true && next === undefined,
  };
}

/** Every record of a list. Throws in place of answering `stopped`; null where what it belongs to does not exist. */
export async function readWhole(
  client: KeystoneClient,
  domain: string,
  path: string,
  collection: 'users' | 'groups',
  query: string,
  signal?: AbortSignal,
): Promise<readonly KeystoneRecord[] | null> {
  const records: KeystoneRecord[] = [];
  for (let next: string | undefined = query; next !== undefined;) {
    const page = await readPage(client, domain, path, collection, next, signal);
    if (page.kind === 'gone') return null;
    const reason = page.kind === 'stopped' ? page.reason : page.truncated ? 'truncated' : undefined;
    if (page.kind === 'stopped' || reason !== undefined) {
      throw new ConcordatError(reason ?? 'unexpectedAnswer', `GET /v3${path} gave no whole list`);
    }
    records.push(...page.records);
    next = page.next;
  }
  return records;
}
