/** Where lists of a document lie that may be too long for memory: ids as bytes, all else in a file without a name. */
import { GatheredIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { inSlices } from '../event-loop.js';
import { SortedListWriter } from '../spilling/sorted-list-writer.js';
import type { ListPlace } from './read-in-parts.js';

/** Gives Ids. */
export function idsAsBytes(): ListPlace {
  const ids = new GatheredIds();
  return { put: (id) => ids.put(id as Digest), finish: () => ids.finish() };
}

/** Gives a SortedList of what was put, in the order in which it came. */
export function inFile<Element>(): ListPlace {
  const writer = new SortedListWriter((text) => JSON.parse(text) as Element);
  return { put: (_element, text) => writer.put('', text), finish: () => inSlices(writer.finish()) };
}

/** Gives an empty array: for what has to have its shape, and is not asked for. */
export function letGo(): ListPlace {
  return { put: () => undefined, finish: () => [] };
}
