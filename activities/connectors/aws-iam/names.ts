/**
 * Which name an unchanging id last had. IAM has no call that finds a user or group by id, so the connector remembers
 * what it saw; everything here is a hint that is verified against the cloud before anything rests on it.
 */
import type { NativeType } from './body.js';

interface Known {
  readonly nameOf: Map<string, string>;
  /** Lower-case name → id, because IAM's names are unique regardless of case. */
  readonly idOf: Map<string, string>;
  /** When everything was listed, on the clock of `now`. */
  listedAtMs: number;
}

export class Names {
  private readonly known: Readonly<Record<NativeType, Known>> = {
    user: { nameOf: new Map(), idOf: new Map(), listedAtMs: Number.NEGATIVE_INFINITY },
    group: { nameOf: new Map(), idOf: new Map(), listedAtMs: Number.NEGATIVE_INFINITY },
  };
  private readonly madeAtMs = new Map<string, number>();
  private readonly deleted = new Set<string>();
  private readonly settleMs: number;
  private readonly now: () => number;

  /** `settleMs`: how long a new object may seem absent. `now`: milliseconds of a clock that never goes back. */
  constructor(settleMs: number, now: () => number = () => performance.now()) {
    this.settleMs = settleMs;
    this.now = now;
  }

  learn(type: NativeType, id: string, name: string): void {
    const { nameOf, idOf } = this.known[type];
    const former = nameOf.get(id)?.toLowerCase();
    if (former !== undefined && idOf.get(former) === id) idOf.delete(former);
    nameOf.set(id, name);
    idOf.set(name.toLowerCase(), id);
  }

  nameOf(type: NativeType, id: string): string | undefined {
    return this.known[type].nameOf.get(id);
  }

  /** The spelling under which IAM knows this name, whatever its case. */
  spellingOf(type: NativeType, name: string): string | undefined {
    const id = this.known[type].idOf.get(name.toLowerCase());
    return id === undefined ? undefined : this.nameOf(type, id);
  }

  /** A whole listing: what it does not show is no longer known, unless it is too new to be shown everywhere. */
  replace(type: NativeType, entries: readonly { readonly id: string; readonly name: string }[]): void {
    const known = this.known[type];
    const settling = [...known.nameOf].filter(([id]) => this.isSettling(id));
    known.nameOf.clear();
    known.idOf.clear();
    for (const [id, name] of settling) this.learn(type, id, name);
    for (const { id, name } of entries) this.learn(type, id, name);
    known.listedAtMs = this.now();
  }

  listingAgeMs(type: NativeType): number {
    return this.now() - this.known[type].listedAtMs;
  }

  noteMade(type: NativeType, id: string, name: string): void {
    this.learn(type, id, name);
    this.madeAtMs.set(id, this.now());
  }

  /** Made by this connector so recently that IAM may still say that it does not exist. */
  isSettling(id: string): boolean {
    const madeAtMs = this.madeAtMs.get(id);
    return madeAtMs !== undefined && !this.deleted.has(id) && this.now() - madeAtMs < this.settleMs;
  }

  /** IAM never gives an id out again, so what was deleted stays deleted. */
  noteDeleted(id: string): void {
    this.deleted.add(id);
  }

  isDeleted(id: string): boolean {
    return this.deleted.has(id);
  }
}
