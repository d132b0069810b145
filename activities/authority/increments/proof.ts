/**
 * Whether a full read shows what the last one and the changes since had told. What changed while all was read is left
 * out: it may be in one and not yet in the other, and the next proof counts it.
 *
 * Held against each other is what is told to peers, by the digests of two seals, and what changes said of single objects,
 * by their bodies.
 */
import { canonicalJson } from '../../../core/digest.js';
import type { FieldGroup } from '../../../core/federation/federation.js';
import type { NativeObject } from '../../../core/record.js';
import type { SealedType } from '../../../core/sealed.js';
import type { SegmentReader } from '../../sealing/segment-reader.js';
import { walkDiffering } from '../../sealing/walk-differing.js';
import type { Increment } from './read-plan.js';

export class ChangesHeldAgainstAll {
  readonly #increment: Increment['objects'];
  readonly #meanwhile: ReadonlySet<string>;
  /** What changes said of an object and all that was read does not show. */
  readonly #missed = new Set<string>();
  readonly #seen = new Set<string>();

  constructor({ objects }: Increment, meanwhile: readonly string[]) {
    this.#increment = objects;
    this.#meanwhile = new Set(meanwhile);
  }

  /** Each object of the full read. */
  visit(object: NativeObject): void {
    const told = this.#increment.get(object.id);
    if (told === undefined || this.#meanwhile.has(object.id)) return;
    this.#seen.add(object.id);
    if (told === null || canonicalJson(told.body) !== canonicalJson(object.body)) this.#missed.add(object.id);
  }

  /** Objects that changes named, before or while all was read. */
  ids(): ReadonlySet<string> {
    return new Set([...this.#increment.keys(), ...this.#meanwhile]);
  }

  /** How many objects or records the changes were wrong about. `explained`: keys of those that changes named. */
  async missed(given: {
    readonly before: SealedType;
    readonly now: SealedType;
    readonly groups: readonly FieldGroup[];
    readonly explained: ReadonlySet<string>;
    readonly reader: SegmentReader;
  }): Promise<number> {
    for (const [id, told] of this.#increment)
      if (told !== null && !this.#seen.has(id) && !this.#meanwhile.has(id)) this.#missed.add(id);
    let count = this.#missed.size;
    const { before, now, groups, explained, reader } = given;
    const participants = [
      { id: '(before)', sealed: before },
      { id: '(now)', sealed: now },
    ];
    for await (const { key, present } of walkDiffering({ participants, groups, reader })) {
      if (explained.has(key)) continue;
      if (canonicalJson(present['(before)'] ?? null) !== canonicalJson(present['(now)'] ?? null)) count += 1;
    }
    return count;
  }
}
