/**
 * The change feed of a container, in the mode that tells all versions and deletions. It needs continuous backup of the account
 * and tells as far back as that reaches. https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes
 *
 * HAZARD: the mode that every account has (latest version) tells no deletion at all. It is never asked for.
 */
import { ChangeFeedMode, ChangeFeedStartFrom, type ChangeFeedIteratorResponse } from '@azure/cosmos';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import { isJsonObject, type JsonObject } from '../../../core/json.js';
import type { UntoldReason } from '../connector.js';
import { answerOf, answerWords, type CosmosAnswer } from './answers.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf, type ContainerMesh } from './config.js';
import { itemOf } from './read.js';
import { rowId } from './row-id.js';

export interface Untold {
  readonly why: UntoldReason;
  readonly detail: string;
}

export function isUntold(value: object): value is Untold {
  return 'why' in value;
}

/** By native id: the ETag that the last change of an item left, null where it was deleted. */
export type LastTold = Map<string, string | null>;

/** What the token of the SDK must have. HAZARD: a range without a place would be read from nowhere in particular. */
const Token = z.object({
  rid: z.string().min(1),
  Continuation: z
    .array(
      z.object({ minInclusive: z.string(), maxExclusive: z.string().min(1), continuationToken: z.string().min(1) }),
    )
    .min(1),
});

const Change = z.object({
  current: z.record(z.string(), z.unknown()).nullish(),
  previous: z.record(z.string(), z.unknown()).nullish(),
  metadata: z.object({
    operationType: z.enum(['create', 'replace', 'delete']),
    id: z.string().nullish(),
    partitionKey: z.record(z.string(), z.unknown()).nullish(),
  }),
});

/** Without a change and without an end: of a service that never says that it has no more. */
const emptyPagesMax = 1_000;

const unnamed: Untold = { why: 'doubtful', detail: 'the change feed tells a change without saying of which item' };

/** To its end of now, into `told`. `from` null: from here on. Throws ConcordatError where the service cannot be asked. */
export async function readFeed(
  client: CosmosRecordsClient,
  type: string,
  from: string | null,
  told: LastTold,
  limits: { readonly changesMax: number; readonly pageSize: number },
  signal?: AbortSignal,
): Promise<{ readonly token: string } | Untold> {
  const container = containerOf(client.mesh, type);
  let token: string | null = from;
  let emptyPages = 0;
  for (let changes = 0; ;) {
    const page = await pageOf(client, type, token, limits.pageSize, signal);
    if (isUntold(page)) return page;
    for (const change of page.changes) {
      const named = nameIn(container, type, change);
      if (named === null) return unnamed;
      told.set(named.id, named.etag);
    }
    token = page.token;
    changes += page.changes.length;
    if (changes > limits.changesMax)
      return { why: 'many', detail: 'the change feed tells more changes than are looked at' };
    // HAZARD: only where each range had nothing more does each have a place to go on from.
    if (!page.isEnd) {
      emptyPages += page.changes.length === 0 ? 1 : 0;
      if (emptyPages > emptyPagesMax) return { why: 'doubtful', detail: 'the change feed does not come to an end' };
      continue;
    }
    if (token !== null && isPlace(token)) return { token };
    return { why: 'doubtful', detail: 'the change feed gave no place to go on from' };
  }
}

function isPlace(token: string): boolean {
  try {
    return Token.safeParse(JSON.parse(token)).success;
  } catch {
    return false;
  }
}

interface Page {
  readonly changes: readonly unknown[];
  readonly token: string;
  readonly isEnd: boolean;
}

const notModified = 304;

async function pageOf(
  client: CosmosRecordsClient,
  type: string,
  from: string | null,
  pageSize: number,
  signal: AbortSignal | undefined,
): Promise<Page | Untold> {
  return client.read(
    type,
    'ReadChangeFeed',
    async (container) => {
      const iterator = container.items.getChangeFeedIterator<unknown>({
        changeFeedMode: ChangeFeedMode.AllVersionsAndDeletes,
        changeFeedStartFrom: from === null ? ChangeFeedStartFrom.Now() : ChangeFeedStartFrom.Continuation(from),
        maxItemCount: pageSize,
      });
      let answer: ChangeFeedIteratorResponse<readonly unknown[]>;
      try {
        answer = (await iterator.readNext()) as unknown as typeof answer;
      } catch (error) {
        const refusal = refusedBecause(answerOf(error), from === null);
        if (refusal) return refusal;
        throw error;
      }
      const isEnd = (answer.statusCode as number) === notModified;
      return { changes: isEnd ? [] : (answer.result ?? []), token: answer.continuationToken, isEnd };
    },
    signal,
  );
}

function refusedBecause(answer: CosmosAnswer, isFirst: boolean): Untold | undefined {
  const words = answerWords('ReadChangeFeed', answer);
  if (answer.status === 403) return { why: 'notOffered', detail: words };
  if (answer.status !== 400) return undefined;
  // https://learn.microsoft.com/dotnet/api/microsoft.azure.cosmos.changefeedmode.allversionsanddeletes
  return isFirst
    ? { why: 'notOffered', detail: `${words}: deletions are told to accounts with continuous backup` }
    : { why: 'expired', detail: `${words}: the feed reaches as far back as the continuous backup does` };
}

/** Which item a change is of; null where it does not say. */
function nameIn(
  container: ContainerMesh,
  type: string,
  change: unknown,
): { readonly id: string; readonly etag: string | null } | null {
  const parsed = Change.safeParse(change);
  if (!parsed.success) return null;
  const { current, previous, metadata } = parsed.data;
  if (metadata.operationType !== 'delete') {
    const item = isJsonObject(current as JsonObject) ? itemOf(container, type, current as JsonObject) : null;
    return item && { id: item.object.id, etag: item.etag };
  }
  const [first = 'id'] = container.key;
  const id = metadata.id ?? previous?.['id'];
  const body = container.key.length === 1 ? {} : { [first]: metadata.partitionKey?.[first] ?? previous?.[first] };
  const named = rowId({ ...body, [container.key.at(-1) ?? 'id']: id ?? null } as JsonObject, container.key);
  return named === null ? null : { id: named, etag: null };
}

/** Which container it is: one that was made anew under the same name is another. Throws scopeNotFound. */
export async function ridOf(client: CosmosRecordsClient, type: string, signal?: AbortSignal): Promise<string> {
  const rid = await client.read(
    type,
    'ReadContainer',
    async (container, abortSignal) => (await container.read({ abortSignal })).resource?._rid,
    signal,
  );
  if (rid === undefined) throw new ConcordatError('unexpectedAnswer', 'ReadContainer answered without a container');
  return rid;
}
