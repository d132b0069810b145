/**
 * A dataset whose members come and go, a hostile coordinator that keeps everything ever signed, and colluding members who
 * make bases among themselves and show them to whoever was away. Members of their own keep to the rules that they are
 * given; what colluders do in runs with others is honest, except that they name candidates of their own as pending.
 */
import {
  dutyOf,
  isMajorityOf,
  refuseOpen,
  refuseWitness,
  witnessed,
  type OpenedState,
  type Pending,
  type RoundState,
} from '../../../core/rounds.js';
import { refuseChain, refuseFirst, type SealLink } from '../../../core/seal-chain.js';

export interface MembershipRules {
  readonly refuseChain: typeof refuseChain;
  readonly refuseFirst: typeof refuseFirst;
  readonly dutyOf: typeof dutyOf;
  /** Whether a candidate of these makers is signed over a base of these members. */
  readonly maySign: typeof isMajorityOf;
}
export const membershipRules: MembershipRules = { refuseChain, refuseFirst, dutyOf, maySign: isMajorityOf };

type Members = readonly string[];
interface Candidate {
  readonly digest: string;
  readonly sequence: number;
  readonly previous: string | null;
  readonly membership: Members;
  readonly makers: Members;
  readonly isForged: boolean;
}
interface Seal {
  readonly link: SealLink;
  readonly below: Seal | null;
}
interface Opened extends OpenedState {
  readonly configuration: Members;
  readonly seal: Seal | null;
}
interface State extends RoundState {
  /** Which of the operator's configurations lies in its folder. */
  readonly version: number;
  readonly seal: Seal | null;
}

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

export class MembershipWorld {
  /** What the operators wrote, one after the other. */
  readonly configurations: Members[];
  readonly colluders: Members;
  readonly states = new Map<string, State>();
  readonly candidates = new Map<string, Candidate>();
  readonly seals: Seal[] = [];
  readonly #opens: Opened[] = [];
  readonly #signers = new Map<string, Set<string>>();
  readonly #held = new Map<number, Set<string>>();
  readonly #rules: MembershipRules;
  readonly #random: () => number;
  readonly #isStepwise: boolean;
  #forgeries = 0;
  isFooled = false;
  returned = 0;

  constructor(random: () => number, isStepwise: boolean, rules: MembershipRules) {
    this.#random = random;
    this.#rules = rules;
    this.#isStepwise = isStepwise;
    this.configurations = [names.slice(0, 2 + Math.floor(random() * 4))];
    const later: Members[] = [...this.configurations];
    for (let change = 0; change < 3; change += 1) later.push(this.#changed(later.at(-1) as Members));
    this.#planned = later.slice(1);
    for (const name of names)
      this.states.set(name, { promised: 0, live: null, pending: null, base: null, version: 0, seal: null });
    if (random() < 0.6) this.#agreeOnFirst();
    this.colluders = names
      .filter(() => random() < 0.4)
      .reduce<Members>((chosen, name) => {
        const more = [...chosen, name];
        const isMinority = later.every((members) =>
          members.every(
            (self) =>
              !isMajorityOf(
                more,
                members.filter((member) => member !== self),
              ) || more.includes(self),
          ),
        );
        return isMinority && later.every((members) => !isMajorityOf(more, members)) ? more : chosen;
      }, []);
  }
  readonly #planned: Members[];

  #changed(members: Members): Members {
    if (!this.#isStepwise && this.#random() < 0.4)
      return names
        .filter(() => this.#random() < 0.5)
        .concat('a', 'g')
        .filter(once);
    const others = names.filter((name) => !members.includes(name));
    const joins = members.length <= 2 || (others.length > 0 && this.#random() < 0.5);
    const leaves = this.#pick(members);
    return joins ? [...members, this.#pick(others) as string] : members.filter((name) => name !== leaves);
  }

  get isForked(): boolean {
    return [...this.#held.values()].some((digests) => digests.size > 1);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  state(member: string): State {
    return this.states.get(member) as State;
  }

  #folder(member: string): Members {
    return this.configurations[this.state(member).version] as Members;
  }

  #open(member: string, round: number, members: Members, lies: boolean): Opened | null {
    const state = this.state(member);
    const configuration = this.#folder(member);
    if (refuseOpen(state.promised, { round, members }, member, configuration) !== null) return null;
    this.states.set(member, { ...state, promised: round, live: { round, members } });
    const { base, seal } = state;
    const invented =
      lies && this.colluders.includes(member) && !state.pending ? this.#invented(base?.digest ?? null) : null;
    const opened = { authority: member, round, members, base, seal, pending: invented ?? state.pending, configuration };
    this.#opens.push(opened);
    return opened;
  }

  #invented(previous: string | null): Pending | null {
    const fitting = [...this.candidates.values()].filter((one) => one.isForged && one.previous === previous);
    const chosen = this.#pick(fitting);
    return chosen ? { round: 1_000 + this.#forgeries, sequence: chosen.sequence, candidate: chosen.digest } : null;
  }

  #before({ seal }: Opened): Members | null {
    return seal?.link.membership ?? null;
  }

  #duty(opens: readonly Opened[]): ReturnType<typeof dutyOf> {
    const [first] = opens;
    if (!first || opens.some(({ configuration }) => configuration !== first.configuration)) return 'differentMembers';
    return this.#rules.dutyOf(opens, first.configuration, this.#before(first));
  }

  #witness(member: string, opens: readonly Opened[], candidate: Candidate): boolean {
    const own = opens.find(({ authority }) => authority === member);
    const duty = this.#duty(opens);
    if (!own || typeof duty === 'string' || own.configuration !== this.#folder(member)) return false;
    const state = this.state(member);
    const before = this.#before(own);
    if (refuseWitness(state, own, duty, candidate) !== null) return false;
    if (!this.#rules.maySign(candidate.makers, before ?? own.configuration)) return false;
    this.states.set(member, {
      ...state,
      ...witnessed(state, { round: own.round, sequence: candidate.sequence, candidate: candidate.digest }),
    });
    this.candidates.set(candidate.digest, candidate);
    const run = `${candidate.digest} | ${this.#nameOf(opens)}`;
    const signers = (this.#signers.get(run) ?? new Set<string>()).add(member);
    this.#signers.set(run, signers);
    if (own.members.every((name) => signers.has(name))) {
      const { digest, sequence, previous, membership, makers } = candidate;
      this.seals.push({
        link: { sequence, base: digest, previous, membership, makers, signers: own.members },
        below: own.seal,
      });
    }
    return true;
  }

  #nameOf(opens: readonly Opened[]): string {
    return opens.map((open) => this.#opens.indexOf(open)).join(' ');
  }

  #candidateOf(opens: readonly Opened[], passes: boolean): Candidate | null {
    const duty = this.#duty(opens);
    const [first] = opens;
    if (typeof duty === 'string' || duty.kind === 'catchUp' || !first) return null;
    if (duty.kind === 'finish' && !(passes && duty.passable))
      return this.candidates.get(duty.pending.candidate) ?? null;
    return {
      digest: `run ${this.#nameOf(opens)}`,
      sequence: (duty.base?.sequence ?? 0) + 1,
      previous: duty.base?.digest ?? null,
      membership: first.configuration,
      makers: first.members,
      isForged: false,
    };
  }

  /** A base that colluders make among themselves on any other, under a configuration that names them alone. */
  #forge(): void {
    if (this.colluders.length === 0) return;
    this.#forgeries += 1;
    const below = this.#random() < 0.2 ? null : (this.#pick(this.seals) ?? null);
    const members = this.colluders;
    const digest = `forged ${this.#forgeries}`;
    const sequence = (below?.link.sequence ?? 0) + 1;
    const previous = below?.link.base ?? null;
    this.candidates.set(digest, { digest, sequence, previous, membership: members, makers: members, isForged: true });
    this.seals.push({
      link: { sequence, base: digest, previous, membership: members, makers: members, signers: members },
      below,
    });
  }

  /** An honest member follows the seals as far as it must, and takes the last one up. */
  show(member: string, seal: Seal): boolean {
    const state = this.state(member);
    if (this.colluders.includes(member) && this.candidates.get(seal.link.base)?.isForged) return false;
    if ((state.base?.sequence ?? 0) >= seal.link.sequence) return false;
    if (state.seal) {
      const links: SealLink[] = [];
      for (let at: Seal | null = seal; at && at.link.sequence > state.seal.link.sequence; at = at.below)
        links.unshift(at.link);
      if (this.#rules.refuseChain(state.seal.link, links) !== null) return false;
      if (links.length > 1) this.returned += 1;
    } else if (
      this.#rules.refuseFirst(member, this.#folder(member), seal.link, state.pending?.candidate === seal.link.base) !==
      null
    )
      return false;
    const { sequence, base: digest } = seal.link;
    this.states.set(member, { ...state, base: { sequence, digest }, seal });
    if (this.candidates.get(digest)?.isForged) this.isFooled = true;
    this.#held.set(sequence, (this.#held.get(sequence) ?? new Set<string>()).add(digest));
    return true;
  }

  #readFolder(member: string): void {
    const state = this.state(member);
    if (state.version + 1 < this.configurations.length)
      this.states.set(member, { ...state, version: state.version + 1 });
  }

  hostileStep(): void {
    const what = this.#random();
    if (what < 0.25) this.#goodRun();
    else if (what < 0.45) {
      const configuration = this.#pick(this.configurations) as Members;
      const chosen = configuration.filter(() => this.#random() < 0.8);
      const highest = Math.max(...chosen.map((member) => this.state(member).promised), 0);
      const round = Math.max(1, highest + Math.floor(this.#random() * 3) - 1);
      for (const member of chosen) if (this.#random() < 0.9) this.#open(member, round, chosen, this.#random() < 0.3);
    } else if (what < 0.72) {
      const seed = this.#pick(this.#opens.slice(-12));
      const opens = seed?.members.flatMap(
        (name) => this.#opens.findLast(({ authority, round }) => authority === name && round === seed.round) ?? [],
      );
      const candidate = opens && this.#candidateOf(opens, this.#random() < 0.4);
      if (!opens || !candidate) return;
      for (const { authority } of opens) if (this.#random() < 0.85) this.#witness(authority, opens, candidate);
    } else if (what < 0.85) {
      const seal = this.#pick(this.seals.slice(-6));
      if (seal) for (const member of names) if (this.#random() < 0.5) this.show(member, seal);
    } else if (what < 0.9) this.#forge();
    else if (what < 0.95) for (const member of names.filter(() => this.#random() < 0.6)) this.#readFolder(member);
    else this.#operatorStep();
  }

  /**
   * Operators who go step by step change members only once the members of before have agreed under the last change; the
   * others at any time after all hold the first base, on which everything else rests.
   */
  #operatorStep(): void {
    const current = this.configurations.at(-1) as Members;
    const isAgreed = this.#isStepwise
      ? this.seals.some(({ link }) => link.membership === current)
      : current.every((member) => this.state(member).base !== null || this.configurations.length > 1);
    const next = isAgreed ? this.#planned[0] : undefined;
    const newcomers = next?.filter((member) => this.state(member).base === null) ?? [];
    // Newcomers who are a majority would begin anew among themselves: nobody there could know of a base.
    if (!next || isMajorityOf(newcomers, next)) return;
    // A step that was not taken is not skipped: the one after it would change several members at once.
    this.#planned.shift();
    this.configurations.push(next);
  }

  #agreeOnFirst(): void {
    const members = this.configurations[0] as Members;
    const first = {
      sequence: 1,
      base: 'first',
      previous: null,
      membership: members,
      makers: members,
      signers: members,
    };
    this.candidates.set('first', { ...first, digest: 'first', isForged: false });
    const seal: Seal = { link: first, below: null };
    this.seals.push(seal);
    for (const member of members)
      this.states.set(member, { ...this.state(member), base: { sequence: 1, digest: 'first' }, seal });
    this.#held.set(1, new Set(['first']));
  }

  /** A run that goes well, of which not all hear. */
  #goodRun(): void {
    const members = this.#folder(this.#pick(this.configurations.at(-1) as Members) as string).filter(
      () => this.#random() < 0.85,
    );
    const round = Math.max(0, ...members.map((member) => this.state(member).promised)) + 1;
    const opens = members.flatMap((member) => this.#open(member, round, members, false) ?? []);
    const candidate = this.#candidateOf(opens, false);
    if (!candidate || !members.every((member) => this.#witness(member, opens, candidate))) return;
    const seal = this.seals.at(-1) as Seal;
    for (const member of members) if (this.#random() < 0.8) this.show(member, seal);
  }

  #isBack(members: Members): boolean {
    if (this.configurations.at(-1) === members) return false;
    this.configurations.push(members);
    return true;
  }

  /** All hold the newest folder, the coordinator is honest, colluders show what they really signed: the base moves. */
  honestRun(): boolean {
    for (const member of names)
      while (this.state(member).version + 1 < this.configurations.length) this.#readFolder(member);
    let members = this.configurations.at(-1) as Members;
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const round = Math.max(...members.map((member) => this.state(member).promised)) + 1;
      const opens = members.flatMap((member) => this.#open(member, round, members, false) ?? []);
      const duty = this.#duty(opens);
      if (duty === 'noMajorityBefore' && opens[0]?.seal) {
        // The error's advice: back to the members of before, and on from there step by step.
        return this.#isBack(opens[0].seal.link.membership) && this.honestRun();
      }
      if (typeof duty === 'string') return false;
      if (duty.kind === 'catchUp') {
        const { seal } = opens.find(({ base }) => base?.digest === duty.to.digest) as Opened;
        const refusing = duty.behind.filter((member) => !seal || !this.show(member, seal));
        // Left out, as the coordinator does.
        members = members.filter((member) => !refusing.includes(member));
        continue;
      }
      const candidate = this.#candidateOf(opens, false);
      if (!candidate) return false;
      const isOfOthers = duty.kind === 'finish' && !duty.base && !this.#rules.maySign(candidate.makers, members);
      // The advice for a first base that was not finished before the members changed: back to those who made it.
      if (isOfOthers) return this.#isBack(candidate.membership) && this.honestRun();
      for (const member of members) if (!this.#witness(member, opens, candidate)) return false;
      const seal = this.seals.at(-1) as Seal;
      for (const member of members) this.show(member, seal);
      if (duty.kind === 'work') return true;
    }
    return false;
  }
}

function once(name: string, at: number, all: readonly string[]): boolean {
  return all.indexOf(name) === at;
}
