/**
 * Native records that are nobody's: accounts without an owner, service accounts. Their authority's people said so, under
 * the keyed digest of the native id, so it ends by itself where the native object is another one. An ignored record is
 * joined with nothing, becomes no new record, and is neither written nor deleted; every plan lists it.
 */
import { z } from 'zod';
import { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import { AuthorityId } from './record.js';

export const IgnoreStatement = z.strictObject({
  kind: z.literal('ignore'),
  authority: AuthorityId,
  type: z.string().max(200),
  /** Its provisional key. */
  record: z.string().regex(/^~[0-9a-f]{64}$/),
  reason: z.string().min(1).max(500),
});
export type IgnoreStatement = z.infer<typeof IgnoreStatement>;

/** As it stands: `id` is the digest of what was signed. */
export const StandingIgnore = z.strictObject({
  ...IgnoreStatement.omit({ kind: true }).shape,
  id: Digest,
  approver: z.string(),
});
export type StandingIgnore = z.infer<typeof StandingIgnore>;

/** As a plan shows it. */
export const IgnoredRecord = z.strictObject({
  authority: AuthorityId,
  type: z.string(),
  /** Provisional; of an edge that belongs to an ignored record, the key under which it is shown. */
  key: z.string(),
  reason: z.string(),
  approver: z.string(),
});
export type IgnoredRecord = z.infer<typeof IgnoredRecord>;

/** Found by type and provisional key; of several statements about one record the first by its id speaks. */
export class IgnoredIndex {
  readonly #byRecord = new Map<string, StandingIgnore>();

  constructor(standing: readonly StandingIgnore[]) {
    for (const ignore of [...standing].sort((a, b) => byCodeUnit(a.id, b.id))) {
      const name = `${ignore.type} ${ignore.record}`;
      if (!this.#byRecord.has(name)) this.#byRecord.set(name, ignore);
    }
  }

  get size(): number {
    return this.#byRecord.size;
  }

  /** HAZARD: only where the one who said so is the one who shows it; nobody speaks for another's records. */
  of(type: string, key: string, holders: readonly AuthorityId[]): StandingIgnore | undefined {
    const found = this.#byRecord.get(`${type} ${key}`);
    return found && holders.length === 1 && holders[0] === found.authority ? found : undefined;
  }
}
