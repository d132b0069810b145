/** The bare forms of Graph's answers and addresses, whatever they hold. */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';

/** A text literal of OData: quotes are doubled, then the whole is made fit for an address. */
export function literal(text: string): string {
  return encodeURIComponent(`'${text.replaceAll("'", "''")}'`);
}

/** Graph compares without regard to case, and one that ignored the filter must not widen what this authority governs. */
export function underPrefix(displayName: unknown, groupPrefix: string | undefined): boolean {
  return groupPrefix === undefined || (typeof displayName === 'string' && displayName.startsWith(groupPrefix));
}

const Page = z.object({
  value: z.array(z.record(z.string(), z.unknown())),
  '@odata.nextLink': z.string().optional(),
});

export interface RawPage {
  readonly value: readonly JsonObject[];
  readonly next: string | undefined;
}

export function pageOf(body: JsonObject): RawPage {
  const page = Page.safeParse(body);
  if (!page.success) throw new ConcordatError('unexpectedAnswer', 'a list of Graph has no array `value`');
  return { value: page.data.value as readonly JsonObject[], next: page.data['@odata.nextLink'] };
}

export function idOf(raw: JsonObject): string {
  const { id } = raw;
  if (typeof id !== 'string' || id === '') throw new ConcordatError('unexpectedAnswer', 'an object of Graph has no id');
  return id;
}
