/** Seals the match tokens of a snapshot: beside the records, so that no digest of a record depends on a rule. */
import type { DatasetType } from '../../core/federation/federation.js';
import type { Dataset, MatchRule } from '../../core/federation/dataset.js';
import { tokenField, tokenRules } from '../../core/match-tokens.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import type { SealedType } from '../../core/sealed.js';
import { createSealer, type Sealer } from '../sealing/sealer.js';
import type { ObjectStore } from '../store.js';
import type { FieldDigests } from '../surface/field-digests.js';

export interface MatchSealOptions {
  readonly store: ObjectStore;
  readonly authority: AuthorityId;
  readonly dataset: Pick<Dataset, 'correlation'>;
  readonly type: DatasetType;
  /** Null where nothing is sealed in this run; then there is nothing to match by either. */
  readonly digests: FieldDigests | null;
  readonly expectedCount: number;
}

/** Undefined where no rule of the type needs tokens. */
export function createMatchSeal(options: MatchSealOptions): MatchSeal | undefined {
  const { digests, type, dataset } = options;
  const rules = tokenRules(dataset.correlation[type.taxonomy.type] ?? [], type.digests);
  return digests && rules.length > 0 ? new MatchSeal(options, digests, rules) : undefined;
}

export class MatchSeal {
  readonly #type: string;
  readonly #digests: FieldDigests;
  readonly #rules: readonly MatchRule[];
  readonly #sealer: Sealer;

  constructor(
    { store, authority, type, expectedCount }: MatchSealOptions,
    digests: FieldDigests,
    rules: readonly MatchRule[],
  ) {
    this.#type = type.taxonomy.type;
    this.#digests = digests;
    this.#rules = rules;
    this.#sealer = createSealer({
      store,
      prefix: authority,
      type: this.#type,
      groups: [{ id: 'tokens', fields: rules.map(tokenField), members: [authority] }],
      expectedCount,
    });
  }

  /** `fields` in clear, as the surface lets them out. */
  add(key: string, fields: Fields): void {
    const tokens = this.#digests.matchTokens(this.#type, this.#rules, fields);
    if (Object.keys(tokens).length > 0) this.#sealer.add({ type: this.#type, key, fields: tokens });
  }

  finish(): Promise<SealedType> {
    return this.#sealer.finish();
  }

  discard(): void {
    this.#sealer.discard();
  }
}
