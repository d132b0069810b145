/**
 * A dataset's members and a hostile coordinator, without a network: the coordinator keeps everything that was ever
 * signed and chooses what to ask, of whom, with what, in what order. Members keep to the rules that they are given.
 */
import {
  dutyOf,
  isSealed,
  refuseOpen,
  refuseWitness,
  witnessed,
  type OpenedState,
  type RoundState,
} from '../../../core/rounds.js';

export interface Rules {
  readonly refuseOpen: typeof refuseOpen;
  readonly dutyOf: typeof dutyOf;
  readonly refuseWitness: typeof refuseWitness;
  readonly witnessed: typeof witnessed;
}
export const rules: Rules = { refuseOpen, dutyOf, refuseWitness, witnessed };

interface Candidate {
  readonly digest: string;
  readonly sequence: number;
  readonly previous: string | null;
}
interface Run {
  readonly opens: readonly OpenedState[];
  readonly signers: Map<string, Set<string>>;
}

/** Repeatable randomness (mulberry32, public domain). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class RoundsWorld {
  readonly all: readonly string[];
  readonly states = new Map<string, RoundState>();
  /** Everything that the coordinator ever got. */
  readonly opens: OpenedState[] = [];
  readonly runs = new Map<string, Run>();
  readonly candidates = new Map<string, Candidate>();
  /** Per sequence number, the candidates that all members of one run signed, whether anybody was told or not. */
  readonly sealed = new Map<number, Set<string>>();
  readonly #rules: Rules;
  readonly #random: () => number;
  readonly #numbers = new Map<OpenedState, number>();

  constructor(memberCount: number, random: () => number, chosen: Rules = rules) {
    this.all = ['a', 'b', 'c', 'd', 'e'].slice(0, memberCount);
    this.#random = random;
    this.#rules = chosen;
    for (const member of this.all) this.states.set(member, { promised: 0, live: null, pending: null, base: null });
    if (random() < 0.5) this.#agreeOnFirst();
  }

  /** Candidates that were left unfinished because they could not be sealed. */
  passedOver = 0;

  /** All members, always: what changes them is in membership-world.ts. */
  #before(opens: readonly OpenedState[]): readonly string[] | null {
    return opens[0]?.base ? this.all : null;
  }

  #agreeOnFirst(): void {
    const first = { digest: 'first', sequence: 1, previous: null };
    this.candidates.set(first.digest, first);
    this.sealed.set(1, new Set([first.digest]));
    for (const member of this.all) this.seal(member, first);
  }

  get isForked(): boolean {
    return [...this.sealed.values()].some((digests) => digests.size > 1);
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  state(member: string): RoundState {
    return this.states.get(member) as RoundState;
  }

  open(member: string, round: number, members: readonly string[]): OpenedState | null {
    const state = this.state(member);
    if (this.#rules.refuseOpen(state.promised, { round, members }, member, this.all) !== null) return null;
    this.states.set(member, { ...state, promised: Math.max(round, state.promised), live: { round, members } });
    const opened = { authority: member, round, members, base: state.base, pending: state.pending };
    this.#numbers.set(opened, this.opens.push(opened));
    return opened;
  }

  /** Asks a member to sign; the opens are signed by their authorities, so the coordinator can choose them but not forge. */
  witness(member: string, opens: readonly OpenedState[], candidate: Candidate): boolean {
    const own = opens.find(({ authority }) => authority === member);
    const duty = this.#rules.dutyOf(opens, this.all, this.#before(opens));
    if (!own || typeof duty === 'string') return false;
    const state = this.state(member);
    if (this.#rules.refuseWitness(state, own, duty, candidate) !== null) return false;
    const pending = { round: own.round, sequence: candidate.sequence, candidate: candidate.digest };
    this.states.set(member, this.#rules.witnessed(state, pending));
    this.candidates.set(candidate.digest, candidate);
    const run = this.runOf(opens);
    const signers = run.signers.get(candidate.digest) ?? new Set<string>();
    run.signers.set(candidate.digest, signers.add(member));
    if (isSealed(own.members, [...signers])) {
      const digests = this.sealed.get(candidate.sequence) ?? new Set<string>();
      this.sealed.set(candidate.sequence, digests.add(candidate.digest));
    }
    return true;
  }

  /** Shows a member the signatures of a whole run. */
  seal(member: string, candidate: Candidate): void {
    const state = this.state(member);
    if (!this.sealed.get(candidate.sequence)?.has(candidate.digest)) return;
    if ((state.base?.sequence ?? 0) >= candidate.sequence) return;
    this.states.set(member, { ...state, base: { sequence: candidate.sequence, digest: candidate.digest } });
  }

  runOf(opens: readonly OpenedState[]): Run {
    const name = this.nameOf(opens);
    const known = this.runs.get(name) ?? { opens, signers: new Map<string, Set<string>>() };
    this.runs.set(name, known);
    return known;
  }

  nameOf(opens: readonly OpenedState[]): string {
    return opens
      .map((open) => this.#numbers.get(open) ?? 0)
      .sort((a, b) => a - b)
      .join(' ');
  }

  /** What a run computes; which receipts it was shown is the coordinator's choice, so there are several. */
  candidateOf(opens: readonly OpenedState[], variant: number): Candidate | null {
    const duty = this.#rules.dutyOf(opens, this.all, this.#before(opens));
    if (typeof duty === 'string' || duty.kind === 'catchUp') return null;
    const passes = duty.kind === 'finish' && duty.passable && variant > 0;
    if (passes) this.passedOver += 1;
    if (duty.kind === 'finish' && !passes) return this.candidates.get(duty.pending.candidate) ?? null;
    return {
      // Any text that no two runs share does for a digest here.
      digest: `${this.nameOf(opens)} ${variant}`,
      sequence: (duty.base?.sequence ?? 0) + 1,
      previous: duty.base?.digest ?? null,
    };
  }

  /** A random subset that may be too small, too, so that members have something to refuse. */
  someMembers(): readonly string[] {
    const chosen = this.all.filter(() => this.#random() < 0.7);
    return chosen.length === 0 ? this.all : chosen;
  }

  /** One thing that a hostile coordinator might do next. */
  hostileStep(): void {
    const what = this.#random();
    if (what < 0.4) {
      const members = this.someMembers();
      const highest = Math.max(...this.all.map((member) => this.state(member).promised));
      const round = Math.max(1, highest + Math.floor(this.#random() * 3) - 1);
      for (const member of members) if (this.#random() < 0.85) this.open(member, round, members);
      return;
    }
    if (what < 0.85) {
      const opens = this.anyRun();
      if (!opens) return;
      const candidate = this.candidateOf(opens, this.#random() < 0.8 ? 0 : 1);
      if (!candidate) return;
      for (const { authority } of opens) if (this.#random() < 0.75) this.witness(authority, opens, candidate);
      return;
    }
    const candidate = this.pick([...this.candidates.values()]);
    if (candidate) for (const member of this.all) if (this.#random() < 0.5) this.seal(member, candidate);
  }

  /** Opens from anywhere in the past, mostly of one round. */
  anyRun(): readonly OpenedState[] | null {
    const seed = this.pick(this.opens.slice(-14));
    if (!seed) return null;
    const opens = seed.members.flatMap((member) => {
      const own = this.opens.filter(
        (open) => open.authority === member && (open.round === seed.round || this.#random() < 0.05),
      );
      return this.pick(own) ?? [];
    });
    return typeof this.#rules.dutyOf(opens, this.all, this.#before(opens)) === 'string' ? null : opens;
  }

  /** An honest coordinator with some majority: true once it has moved the base by a run of its own. */
  honestRun(members: readonly string[]): boolean {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const round = Math.max(...members.map((member) => this.state(member).promised)) + 1;
      const opens = members.flatMap((member) => this.open(member, round, members) ?? []);
      const duty = this.#rules.dutyOf(opens, this.all, this.#before(opens));
      if (typeof duty === 'string') return false;
      if (duty.kind === 'catchUp') {
        const to = this.candidates.get(duty.to.digest);
        if (to) for (const member of duty.behind) this.seal(member, to);
        continue;
      }
      const candidate = this.candidateOf(opens, 0);
      if (!candidate) return false;
      for (const member of members) if (!this.witness(member, opens, candidate)) return false;
      for (const member of members) this.seal(member, candidate);
      if (duty.kind === 'work') return members.every((member) => this.state(member).base?.digest === candidate.digest);
    }
    return false;
  }
}
