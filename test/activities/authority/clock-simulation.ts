/**
 * Authorities whose machines believe in different times, on the real clock of clock.ts over a store in memory: skewed by up
 * to ten minutes, drifting, jumping, set back, killed before and after a write, with one or two workers, among them
 * one whose stamps lie. Everything follows from the seed. A planted fault takes one rule away.
 */
import { createAuthorityClock, type AuthorityClock, type ClaimedStamp } from '../../../activities/authority/clock.js';
import { setBack } from '../../../activities/authority/clock-reset.js';
import type { Head, ObjectStore } from '../../../activities/store.js';
import { aheadMs, compareHlc, counterMax, firstHlc, hlcOf, type Hlc } from '../../../core/clock/hlc.js';
import { ConcordatError } from '../../../core/errors.js';

/**
 * lostWrites: a reservation is acknowledged and not durable. noBound: every stamp is believed. receiveIgnored: a clock does
 * not take up what it was told. ownStretch: a worker does not look whether another one has taken the clock over.
 */
export type Fault = 'lostWrites' | 'noBound' | 'receiveIgnored' | 'ownStretch';

export interface Outcome {
  readonly stamps: number;
  readonly refused: number;
  readonly resets: number;
  readonly restarts: number;
  /** What went wrong, in words; empty where all held. */
  readonly faults: readonly string[];
}

const maxAheadMs = 60_000;
const startMs = 1_790_000_000_000;
const eventsPerSchedule = 48;

class Killed extends Error {}

/** The heads of one authority's private store. `kill` makes the next write die, before or after it took effect. */
class HeadStore {
  readonly #versions: Uint8Array[] = [];
  kill: 'before' | 'after' | null = null;

  async readHead(): Promise<Head | null> {
    const bytes = this.#versions.at(-1);
    return bytes ? { version: this.#versions.length, bytes } : null;
  }

  async compareAndSetHead(_name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    const { kill } = this;
    this.kill = null;
    if (kill === 'before') throw new Killed();
    const moved = fromVersion === this.#versions.length;
    if (moved) this.#versions.push(bytes);
    if (kill === 'after') throw new Killed();
    return moved;
  }

  loseLast(): void {
    this.#versions.pop();
  }
}

/** What a worker sees that never looks again while its own writes succeed. */
class StaleHeads extends HeadStore {
  readonly #store: HeadStore;
  #seen: Head | null | undefined;

  constructor(store: HeadStore) {
    super();
    this.#store = store;
  }

  override async readHead(): Promise<Head | null> {
    this.#seen ??= await this.#store.readHead();
    return this.#seen;
  }

  override async compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    const moved = await this.#store.compareAndSetHead(name, fromVersion, bytes);
    this.#seen = moved ? { version: fromVersion + 1, bytes } : undefined;
    return moved;
  }
}

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

class Member {
  readonly store = new HeadStore();
  readonly name: string;
  readonly workers: AuthorityClock[];
  readonly #fault: Fault | undefined;
  readonly #trueMs: () => number;
  readonly #driftPerMille: number;
  offsetMs: number;
  /** The greatest stamp among the causes of whatever happens here next. */
  causes: Hlc = firstHlc;
  /** Since the last reset: two must never be the same. */
  readonly given = new Set<Hlc>();

  constructor(
    name: string,
    workers: number,
    offsetMs: number,
    driftPerMille: number,
    trueMs: () => number,
    fault: Fault | undefined,
  ) {
    this.name = name;
    this.offsetMs = offsetMs;
    this.#driftPerMille = driftPerMille;
    this.#trueMs = trueMs;
    this.#fault = fault;
    this.workers = Array.from({ length: workers }, () => this.#start());
  }

  physicalMs(): number {
    const trueMs = this.#trueMs();
    return trueMs + this.offsetMs + Math.trunc(((trueMs - startMs) * this.#driftPerMille) / 1000);
  }

  restart(worker: number): void {
    if (this.#fault === 'lostWrites') this.store.loseLast();
    this.workers[worker] = this.#start();
  }

  worker(random: (below: number) => number): { readonly clock: AuthorityClock; readonly number: number } {
    const number = random(this.workers.length);
    return { clock: this.workers[number] as AuthorityClock, number };
  }

  #start(): AuthorityClock {
    const heads = this.#fault === 'ownStretch' ? new StaleHeads(this.store) : this.store;
    const clock = createAuthorityClock({
      privateStore: heads as unknown as ObjectStore,
      physicalMs: () => this.physicalMs(),
      maxAheadMs: this.#fault === 'noBound' ? Number.MAX_SAFE_INTEGER : maxAheadMs,
      reserveMs: 2_000,
    });
    return this.#fault === 'receiveIgnored' ? { stamp: () => clock.stamp(), receive: () => Promise.resolve() } : clock;
  }
}

export async function simulate(seed: number, fault?: Fault): Promise<Outcome> {
  const random = randomOf(seed);
  const counts = { stamps: 0, refused: 0, resets: 0, restarts: 0 };
  const faults: string[] = [];
  let trueMs = startMs;
  // Half of the schedules have members ten minutes apart; in the others most statements are accepted.
  const skewMs = random(2) === 0 ? 600_000 : 25_000;
  const members = Array.from(
    { length: 2 + random(4) },
    (_, index) =>
      new Member(`m${index}`, 1 + random(2), random(2 * skewMs + 1) - skewMs, random(5) - 2, () => trueMs, fault),
  );
  const statements: ClaimedStamp[] = [];

  const check = (member: Member, hlc: Hlc, causes: Hlc): void => {
    counts.stamps += 1;
    if (compareHlc(hlc, causes) <= 0) faults.push(`${member.name} stamped ${hlc} although its cause has ${causes}`);
    if (member.given.has(hlc)) faults.push(`${member.name} gave ${hlc} twice`);
    member.given.add(hlc);
    if (aheadMs(hlc, member.physicalMs()) > maxAheadMs)
      faults.push(`${member.name} stamped ${hlc}, ${aheadMs(hlc, member.physicalMs())} ms ahead of its machine`);
  };
  /** Undefined where the clock refused, or the worker died. */
  const attempt = async <Result>(
    member: Member,
    worker: number,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Killed) {
        counts.restarts += 1;
        member.restart(worker);
      } else if (error instanceof ConcordatError && error.code === 'clockUntrusted') counts.refused += 1;
      else throw error;
      return undefined;
    }
  };
  const stamp = async (member: Member): Promise<Hlc | undefined> => {
    const { clock, number } = member.worker(random);
    const hlc = await attempt(member, number, () => clock.stamp());
    if (hlc === undefined) return undefined;
    check(member, hlc, member.causes);
    member.causes = hlc;
    return hlc;
  };
  const reset = async (member: Member): Promise<void> => {
    member.store.kill = null;
    try {
      const { restart } = await setBack(
        { privateStore: member.store as unknown as ObjectStore, physicalMs: member.physicalMs(), maxAheadMs },
        async (_abandoned, from) => ({ ref: { ref: 'reset', sha256: '0'.repeat(64) }, restart: from }),
      );
      counts.resets += 1;
      // What it abandons is what the reset says: nothing that was at or below the new start.
      if (compareHlc(member.causes, restart) > 0) member.causes = restart;
      for (const hlc of member.given) if (compareHlc(hlc, restart) > 0) member.given.delete(hlc);
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code !== 'usage') throw error;
    }
  };

  for (let event = 0; event < eventsPerSchedule; event += 1) {
    trueMs += random(10) === 0 ? random(300_000) : random(20) * random(50);
    const member = members[random(members.length)] as Member;
    const { clock, number } = member.worker(random);
    switch (random(16)) {
      case 0:
        // The machine's time jumps, by seconds or by an hour, either way.
        member.offsetMs += (random(2) === 0 ? 1 : -1) * random(random(2) === 0 ? 20_000 : 3_600_000);
        break;
      case 1:
        // Somebody sets it right.
        member.offsetMs = random(2_001) - 1_000;
        break;
      case 2:
        counts.restarts += 1;
        member.restart(number);
        break;
      case 3:
        member.store.kill = random(2) === 0 ? 'before' : 'after';
        break;
      case 4:
        await reset(member);
        break;
      case 5:
        // A liar's: right at the bound, beyond it, its counters used up.
        statements.push({
          authority: 'liar',
          hlc: hlcOf({
            ms: member.physicalMs() + [maxAheadMs, maxAheadMs + 1, 3_600_000, 0][random(4)]!,
            counter: random(2) === 0 ? counterMax : random(counterMax),
          }),
        });
        break;
      case 6: {
        // Two workers at once: whatever comes between them, neither falls behind what was known before.
        const before = member.causes;
        member.store.kill = null;
        const both = await Promise.all(
          member.workers.map((worker, position) => attempt(member, position, () => worker.stamp())),
        );
        for (const hlc of both) {
          if (hlc === undefined) continue;
          check(member, hlc, before);
          if (compareHlc(hlc, member.causes) > 0) member.causes = hlc;
        }
        break;
      }
      case 7:
      case 8:
      case 9: {
        const hlc = await stamp(member);
        if (hlc !== undefined) statements.push({ authority: member.name, hlc });
        break;
      }
      case 10:
      case 11:
      case 12:
      case 13:
      case 14: {
        const told = statements[statements.length - 1 - random(Math.min(6, statements.length || 1))];
        if (!told || told.authority === member.name) break;
        const accepted = await attempt(member, number, async () => {
          await clock.receive([told]);
          return true;
        });
        if (accepted && compareHlc(told.hlc, member.causes) > 0) member.causes = told.hlc;
        // Deeds follow words: what was taken up is the cause of a stamp right after it, often by another worker.
        if (accepted && random(2) === 0) await stamp(member);
        break;
      }
      default:
        await stamp(member);
    }
  }
  return { ...counts, faults };
}
