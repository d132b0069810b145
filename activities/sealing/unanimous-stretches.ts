/** Where a walk passed over what all members hold alike and the base does not have: which entries of each those are. */
export interface UnanimousStretch {
  /** Per participant its first entry; of no meaning for the base, which has none of them. */
  readonly starts: readonly number[];
  readonly count: number;
}

export class UnanimousStretches {
  /** Of all that were added. */
  count = 0;
  readonly #members: readonly number[];
  #stretches: { readonly starts: readonly number[]; count: number }[] = [];

  /** Positions of the members among the participants. */
  constructor(members: readonly number[]) {
    this.#members = members;
  }

  add(starts: readonly number[], count: number): void {
    this.count += count;
    const last = this.#stretches.at(-1);
    if (last && this.#members.every((index) => (last.starts[index] ?? 0) + last.count === starts[index]))
      last.count += count;
    else this.#stretches.push({ starts, count });
  }

  /** What was added since they were taken last. */
  take(): readonly UnanimousStretch[] {
    const taken = this.#stretches;
    this.#stretches = [];
    return taken;
  }
}
