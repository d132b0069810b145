/** Views as a compare finds them: an array while they are few, a file when they are more than memory should hold. */
import type { RecordView } from '../../core/compare.js';
import type { LongList } from '../../core/long-list.js';
import { inSlices, letOthersRun } from '../event-loop.js';
import { SortedList } from './sorted-list.js';
import { SortedListWriter } from './sorted-list-writer.js';
import { viewLine, viewOfLine } from './view-line.js';

/** A record that differs takes some 1.6 kB with its part of the plan. */
export const viewsInMemoryUsually = 25_000;
/** UTF-16 units: views come in order of their hashes, so what waits is a stretch to be merged. */
const waitingUnits = 16 * 1024 * 1024;

export type Views = Readonly<Record<string, LongList<RecordView>>>;

export class GatheredViews {
  readonly #most: number;
  #views: RecordView[] = [];
  #file: SortedListWriter<RecordView> | undefined;
  count = 0;

  constructor(most = viewsInMemoryUsually) {
    this.#most = most;
  }

  put(view: RecordView): void {
    this.count += 1;
    if (!this.#file && this.count <= this.#most) {
      this.#views.push(view);
      return;
    }
    this.#file ??= this.#begun();
    this.#file.put('', viewLine(view));
  }

  #begun(): SortedListWriter<RecordView> {
    const file = new SortedListWriter(viewOfLine);
    for (const view of this.#views) file.put('', viewLine(view));
    this.#views = [];
    return file;
  }

  /** In the order in which they came. */
  async finish(): Promise<LongList<RecordView>> {
    return this.#file ? inSlices(this.#file.finish()) : this.#views;
  }
}

/** Whether they lie in a file. */
export function areInFile(views: LongList<RecordView>): views is SortedList<RecordView> {
  return views instanceof SortedList;
}

/** The view of a key; undefined where there is none. */
export function viewsByKey(views: LongList<RecordView>): (key: string) => RecordView | undefined {
  if (areInFile(views)) return (key) => views.withKey(key);
  const byKey = new Map(views.map((view) => [view.key, view]));
  return (key) => byKey.get(key);
}

/** What `make` makes of each, in order of keys. The file that they came in is given back. */
export async function rewritten(
  views: SortedList<RecordView>,
  make: (view: RecordView) => RecordView | Promise<RecordView>,
): Promise<SortedList<RecordView>> {
  const writer = new SortedListWriter(viewOfLine, waitingUnits);
  for (const view of views) {
    await letOthersRun();
    const made = make(view);
    const given = made instanceof Promise ? await made : made;
    writer.put(given.key, viewLine(given));
  }
  views.discard();
  return inSlices(writer.finish());
}
