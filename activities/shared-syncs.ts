/**
 * Makes many entries of one folder durable with few syncs: of all who wait while one goes on, the next serves each. A table of
 * records is written as hundreds of objects side by side, and a sync of their folder costs as much as one of an object.
 */
export class SharedSyncs {
  readonly #sync: (folder: string) => Promise<void>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(sync: (folder: string) => Promise<void>) {
    this.#sync = sync;
  }

  /**
   * Ends when a sync has ended that began after this was called.
   *
   * HAZARD: one that goes on already may have missed what was linked since: only one that has not begun is shared.
   */
  of(folder: string): Promise<void> {
    const next = this.#next.get(folder);
    if (next) return next;
    const running = this.#running.get(folder);
    if (!running) return this.#begin(folder);
    const begin = (): Promise<void> => {
      this.#next.delete(folder);
      return this.#begin(folder);
    };
    const after = running.then(begin, begin);
    this.#next.set(folder, after);
    return after;
  }

  #begin(folder: string): Promise<void> {
    const sync = this.#sync(folder).finally(() => {
      this.#running.delete(folder);
    });
    this.#running.set(folder, sync);
    return sync;
  }
}
