/** Sealed records, taken beside something else that comes in their order: by the hash of the key, and by the key where hashes are equal. */
import type { FederatedRecord, Fields } from '../../core/record.js';
import { xxh64 } from './key-hash.js';

interface Next {
  readonly record: FederatedRecord;
  readonly hash: bigint;
}

export class RecordsInOrder {
  readonly #records: AsyncIterator<FederatedRecord>;
  #next: Next | null | undefined;

  constructor(records: AsyncIterable<FederatedRecord>) {
    this.#records = records[Symbol.asyncIterator]();
  }

  /** Those that stand before the key and were not taken yet. */
  async *before(key: string): AsyncGenerator<FederatedRecord> {
    const hash = xxh64(key);
    for (let next = await this.#peek(); next && isBefore(next, hash, key); next = await this.#peek()) {
      this.#next = undefined;
      yield next.record;
    }
  }

  /** The fields of the record, where there is one. Whoever asks has taken all before it. */
  async take(key: string): Promise<Fields | undefined> {
    const next = await this.#peek();
    if (next?.record.key !== key) return undefined;
    this.#next = undefined;
    return next.record.fields;
  }

  /** HAZARD: what is sealed is held to its digests to the end, also where nobody asks for more of it. */
  async *rest(): AsyncGenerator<FederatedRecord> {
    for (let next = await this.#peek(); next; next = await this.#peek()) {
      this.#next = undefined;
      yield next.record;
    }
  }

  async #peek(): Promise<Next | null> {
    if (this.#next !== undefined) return this.#next;
    const { done, value } = await this.#records.next();
    return (this.#next = done === true ? null : { record: value, hash: xxh64(value.key) });
  }
}

function isBefore({ hash, record }: Next, otherHash: bigint, otherKey: string): boolean {
  return hash < otherHash || (hash === otherHash && record.key < otherKey);
}
