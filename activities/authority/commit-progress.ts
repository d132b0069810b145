/** How far a commit is, as its heartbeats tell it. Counts and times: it lands in the server of the authority. */

export interface CommitProgress {
  readonly done: number;
  readonly of: number;
  /** When the first operation of this attempt began, by the clock of the worker. */
  readonly begunMs: number;
}

export function progressOf(done: number, of: number, begunMs: number): CommitProgress {
  return { done, of, begunMs };
}
