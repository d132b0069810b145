/**
 * Linked objects that no list of a read showed. A list may change while it is paged: an object that is renamed from behind the
 * marker to before it is on no page, and yet it is there. So each is asked for by its own id before its absence counts.
 *
 * HAZARD: a list that ended in order proves no deletion by itself; without this a rename in one cloud could be proposed to
 * all others as a leaver.
 */
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { mapOf } from '../../core/federation/federation.js';
import type { ReadItem, ScopeEnd } from '../connectors/connector.js';
import { byCodeUnit } from '../../core/json.js';
import type { Link } from '../link-buckets.js';
import { loadLinks } from '../links.js';
import type { AuthorityContext } from './context.js';

/** Of each type. Where more are missing, brakes count the deletions that follow; a cloud may list all its names for each. */
const lookedAtMax = 20;

/** What the lists of a read showed, gathered from its pages. */
export interface Listed {
  readonly ids: ReadonlyMap<string, ReadonlySet<string>>;
  /** Native types of which nothing is proven anyway. */
  readonly incomplete: ReadonlySet<string>;
}

export async function listedIn(pages: AsyncIterable<ReadItem>): Promise<Listed & { readonly cursor: string | null }> {
  const ids = new Map<string, Set<string>>();
  const incomplete = new Set<string>();
  let cursor: string | null = null;
  for await (const item of pages) {
    ({ cursor } = item);
    if (item.kind === 'scopeEnd') {
      if (!item.complete) incomplete.add(item.nativeType);
      continue;
    }
    for (const { type, id } of item.objects) ids.set(type, (ids.get(type) ?? new Set<string>()).add(id));
  }
  return { ids, incomplete, cursor };
}

/** An incomplete scope for each linked object that is there though no list showed it. Throws what the connector throws. */
export async function* unlistedScopes(
  context: AuthorityContext,
  dataset: string,
  { ids, incomplete }: Listed,
  signal?: AbortSignal,
): AsyncGenerator<Omit<ScopeEnd, 'cursor'>> {
  const { connector, federation } = context;
  const links = await loadLinks(context.privateStore, dataset, context.linkKey);
  for (const type of federation.datasets[dataset]?.types ?? []) {
    const native = mapOf(federation, context.id, type)?.native;
    if (native === undefined || incomplete.has(native)) continue;
    for (const nativeId of await firstMissing(links.stream(type), ids.get(native))) {
      signal?.throwIfAborted();
      const reason = await whyNotGone(connector, native, nativeId);
      if (reason !== null)
        yield { kind: 'scopeEnd', scope: `${native}/${nativeId}/list`, nativeType: native, complete: false, reason };
    }
  }
}

/** In code unit order. */
async function firstMissing(
  links: AsyncIterable<readonly Link[]>,
  listed: ReadonlySet<string> | undefined,
): Promise<readonly string[]> {
  let missing: string[] = [];
  for await (const some of links) {
    for (const [nativeId] of some) if (listed?.has(nativeId) !== true) missing.push(nativeId);
    if (missing.length > lookedAtMax) missing = missing.sort(byCodeUnit).slice(0, lookedAtMax);
  }
  return missing.sort(byCodeUnit);
}

async function whyNotGone(
  connector: AuthorityContext['connector'],
  native: string,
  nativeId: string,
): Promise<ErrorCode | null> {
  try {
    const object = await connector.readOne(native, nativeId);
    return object === null || connector.isInScope?.(object) === false ? null : 'listChanged';
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'forbidden') return error.code;
    throw error;
  }
}
