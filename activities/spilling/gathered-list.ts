/** A list of which nobody knows how long it becomes: an array while it is short, a file without a name from then on. */
import { canonicalJson } from '../../core/digest.js';
import type { LongList } from '../../core/long-list.js';
import { inSlices } from '../event-loop.js';
import { SortedListWriter } from './sorted-list-writer.js';

/** Of operations, receipts and changes of a base, which take half a kilobyte and more. */
export const itemsInMemoryUsually = 25_000;

export class GatheredList<Item extends object> {
  readonly #most: number;
  #items: Item[] = [];
  #file: SortedListWriter<Item> | undefined;
  #length = 0;

  constructor(most = itemsInMemoryUsually) {
    this.#most = most;
  }

  get length(): number {
    return this.#length;
  }

  /** In a file it is kept as canonical JSON, and parsed again. */
  put(item: Item): void {
    this.#length += 1;
    if (!this.#file && this.#length <= this.#most) {
      this.#items.push(item);
      return;
    }
    if (!this.#file) {
      this.#file = new SortedListWriter((text) => JSON.parse(text) as Item);
      for (const one of this.#items) this.#file.put('', canonicalJson(one));
      this.#items = [];
    }
    this.#file.put('', canonicalJson(item));
  }

  /** In the order in which they were put. Nothing is put afterwards. */
  async finish(): Promise<LongList<Item>> {
    return this.#file ? inSlices(this.#file.finish()) : this.#items;
  }
}
