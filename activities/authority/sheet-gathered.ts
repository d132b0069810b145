/** What a review sheet says of its operations: each of them, or, where there are too many, counts and the first of each sort. */
import type { Digest } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import { PlanCensus } from '../../core/report/plan-census.js';
import type { ReviewScope } from '../../core/review.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { sheetRefusedMax, sheetSamples, type ReviewSheet, type SheetOperation } from './review-sheet.js';

export class SheetGathered {
  readonly #isLarge: boolean;
  readonly #samplesMax: number;
  readonly #entries: SheetOperation[] = [];
  readonly #refused = new Map<Digest, string>();
  readonly #consequences: Record<string, number> = {};
  #asked = 0;

  /** `listedMax`: beyond so many operations it counts. */
  constructor(isLarge: boolean, listedMax: number) {
    this.#isLarge = isLarge;
    this.#samplesMax = Math.min(sheetSamples, listedMax);
  }

  add(entry: SheetOperation): void {
    const { operation, refused, consequences } = entry;
    if (refused) this.#refused.set(operation.id, refused.code);
    else this.#asked += 1;
    for (const words of consequences) this.#consequences[words] = (this.#consequences[words] ?? 0) + 1;
    if (!this.#isLarge || (refused ? this.#refused.size <= sheetRefusedMax : this.#asked <= this.#samplesMax))
      this.#entries.push(entry);
  }

  get refusedIds(): Pick<ReadonlySet<Digest>, 'has' | 'size'> {
    return this.#refused;
  }

  /** In the order in which they were looked at. */
  get entries(): readonly SheetOperation[] {
    return this.#entries;
  }

  /** What of it the sheet shows. */
  shown(scope: ReviewScope): ReviewScope {
    if (!this.#isLarge) return scope;
    return { operations: this.#entries.map(({ operation }) => operation), conflicts: scope.conflicts };
  }

  refused(): { operation: Digest; code: string }[] {
    return [...this.#refused].map(([operation, code]) => ({ operation, code }));
  }

  /** Of what is asked. */
  async counts({ operations, conflicts }: ReviewScope): Promise<NonNullable<ReviewSheet['large']>> {
    const census = new PlanCensus();
    for (const operation of operations) {
      if (isSliceOver()) await letOthersRun();
      census.addOperation(operation);
    }
    for (const _ of conflicts) census.addConflict();
    const refused: Record<string, number> = {};
    for (const code of this.#refused.values()) refused[code] = (refused[code] ?? 0) + 1;
    const { operationsBy, causes, oneCause } = census.result();
    return {
      operations: operations.length,
      refused,
      consequences: this.#consequences,
      counts: { operationsBy, causes, oneCause } as unknown as Record<string, Json>,
    };
  }
}
