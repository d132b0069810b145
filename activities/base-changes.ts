/** The changes of a base as they are computed: an array while they are few, a file in order of their records from then on. */
import { canonicalJson } from '../core/digest.js';
import type { LongList } from '../core/long-list.js';
import { eachBaseChange, type BaseChange, type NextBaseInput } from '../core/next-base.js';
import { inSlices, isSliceOver, letOthersRun } from './event-loop.js';
import { SortedListWriter } from './spilling/sorted-list-writer.js';

const changesInMemoryUsually = 25_000;

export async function gatheredBaseChanges(
  input: NextBaseInput,
  most = changesInMemoryUsually,
): Promise<LongList<BaseChange>> {
  let few: BaseChange[] = [];
  let file: SortedListWriter<BaseChange> | undefined;
  for (const change of eachBaseChange(input)) {
    if (isSliceOver()) await letOthersRun();
    if (!change) continue;
    if (!file && few.length < most) {
      few.push(change);
      continue;
    }
    if (!file) {
      file = new SortedListWriter((text) => JSON.parse(text) as BaseChange);
      for (const one of few) file.put(placeOf(one), canonicalJson(one));
      few = [];
    }
    file.put(placeOf(change), canonicalJson(change));
  }
  return file ? inSlices(file.finish()) : few;
}

/** Whether anything moves at all. */
export async function hasBaseChange(input: NextBaseInput, signal?: AbortSignal): Promise<boolean> {
  for (const change of eachBaseChange(input)) {
    if (change) return true;
    if (!isSliceOver()) continue;
    await letOthersRun();
    signal?.throwIfAborted();
  }
  return false;
}

function placeOf({ type, key }: { readonly type: string; readonly key: string }): string {
  return `${type} ${key}`;
}
