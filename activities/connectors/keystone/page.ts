/** One page of a Keystone list, and whether it proves anything. */
import { z } from 'zod';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { KeystoneRecord } from './body.js';
import type { KeystoneClient } from './client.js';
import { replyError } from './http.js';
import { isScopedTo } from './session.js';

export interface Page<Entry = KeystoneRecord> {
  readonly kind: 'page';
  readonly records: readonly Entry[];
  /** The query of the next page; undefined on the last. */
  readonly next: string | undefined;
  /** The cloud cut the list short and names no next page. */
  readonly truncated: boolean;
}

/** `gone`: what the list belongs to does not exist. */
export type PageAnswer<Entry = KeystoneRecord> =
  Page<Entry> | { readonly kind: 'stopped'; readonly reason: ErrorCode } | { readonly kind: 'gone' };

/** A list by its path, by the property that holds it, and by the least that is needed of each entry. */
export interface List<Entry> {
  readonly path: string;
  readonly collection: string;
  readonly entry: z.ZodType<Entry>;
}

export function listOf(path: string, collection: string): List<KeystoneRecord> {
  return { path, collection, entry: KeystoneRecord };
}

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
export async function readPage<Entry>(
  client: KeystoneClient,
  { path, collection, entry }: List<Entry>,
  query: string,
  signal?: AbortSignal,
): Promise<PageAnswer<Entry>> {
  const { reply, token } = await client.read(`${path}${query}`, signal);
  // HAZARD: to a token of another scope Keystone answers 200 with an empty list.
  if (!isScopedTo(token, client.scope)) return { kind: 'stopped', reason: 'wrongAccount' };
  if (reply.status === 403) return { kind: 'stopped', reason: 'forbidden' };
  if ((reply.status === 400 || reply.status === 404) && new URLSearchParams(query).has('marker')) {
    throw replyError('cursorLost', `a later page of GET /v3${path}`, reply);
  }
  if (reply.status === 404) return { kind: 'gone' };
  const envelope = Envelope.safeParse(reply.body);
  const list = z.object({ [collection]: z.array(entry) }).safeParse(reply.body);
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

/** What of a list could be read, and why that is not all of it. */
export interface Seen<Entry> {
  readonly records: readonly Entry[];
  readonly reason?: ErrorCode;
}

/** Every page of a list, or as much of it as the cloud shows; null where what it belongs to does not exist. */
export async function readSeen<Entry>(
  client: KeystoneClient,
  list: List<Entry>,
  query: string,
  signal?: AbortSignal,
): Promise<Seen<Entry> | null> {
  const records: Entry[] = [];
  for (let next: string | undefined = query; next !== undefined;) {
    const page: PageAnswer<Entry> = await readPage(client, list, next, signal);
    if (page.kind === 'gone') return null;
    if (page.kind === 'stopped') return { records, reason: page.reason };
    records.push(...page.records);
    if (page.truncated) return { records, reason: 'truncated' };
    next = page.next;
  }
  return { records };
}

/** Every record of a list, or an error that says why not; null where what it belongs to does not exist. */
export async function readWhole<Entry>(
  client: KeystoneClient,
  list: List<Entry>,
  query: string,
  signal?: AbortSignal,
): Promise<readonly Entry[] | null> {
  const seen = await readSeen(client, list, query, signal);
  if (seen?.reason !== undefined) throw new ConcordatError(seen.reason, `GET /v3${list.path} gave no whole list`);
  return seen && seen.records;
}
