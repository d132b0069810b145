/**
 * A list that may have no place in memory: whoever loops over it holds one item at a time, and what it is asked to give back
 * as an array is held by whoever asks. An array is such a list; one that is none is read anew by each loop.
 */
import { canonicalJson } from './digest.js';
import type { Json } from './json.js';

export interface LongList<Item> extends Iterable<Item> {
  readonly length: number;
  some(is: (item: Item) => boolean): boolean;
  every(is: (item: Item) => boolean): boolean;
  find(is: (item: Item) => boolean): Item | undefined;
  filter(is: (item: Item) => boolean): Item[];
  map<Made>(make: (item: Item, at: number) => Made): Made[];
  flatMap<Made>(make: (item: Item) => Made | readonly Made[]): Made[];
  /** From the first to before the second, both counted from 0. Copies nothing where the list is none in memory. */
  slice(from: number, to?: number): LongList<Item>;
}

/** A list that lies somewhere else as the canonical JSON of each item. */
export interface WrittenList extends Iterable<unknown> {
  /** In the order of the list. */
  canonicalTexts(): Iterable<string>;
}

export function isWrittenList(value: object): value is WrittenList {
  return 'canonicalTexts' in value && typeof value.canonicalTexts === 'function';
}

/** The canonical JSON of each item. */
export function* canonicalTextsOf(items: Iterable<Json | object>): Generator<string> {
  if (isWrittenList(items)) yield* items.canonicalTexts();
  else for (const item of items) yield canonicalJson(item);
}

export function countWhere<Item>(items: Iterable<Item>, is: (item: Item) => boolean): number {
  let count = 0;
  for (const item of items) if (is(item)) count += 1;
  return count;
}
