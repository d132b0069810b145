/**
 * Base agreement under a hostile coordinator: no fork, no deadlock, and an honest run always gets through. The planted
 * simplifications show that the simulation can see what it looks for.
 */
import { describe, expect, it } from 'vitest';
import { dutyOf, isMajority } from '../../core/rounds.js';
import { randomOf, rules, RoundsWorld, type Rules } from './support/rounds-world.js';

const schedules = Number(process.env['CONCORDAT_ROUND_SCHEDULES'] ?? 5_000);
const stepsMax = 26;

interface Findings {
  forks: number;
  stuck: number;
  sealedBases: number;
  finished: number;
  passedOver: number;
  firstSeed: number | null;
}

function simulate(memberCounts: readonly number[], count: number, chosen: Rules = rules): Findings {
  const findings: Findings = { forks: 0, stuck: 0, sealedBases: 0, finished: 0, passedOver: 0, firstSeed: null };
  for (let seed = 1; seed <= count; seed += 1) {
    const random = randomOf(seed);
    const world = new RoundsWorld(memberCounts[seed % memberCounts.length] as number, random, chosen);
    const steps = 4 + Math.floor(random() * stepsMax);
    for (let step = 0; step < steps && !world.isForked; step += 1) world.hostileStep();
    findings.sealedBases += world.sealed.size;
    findings.passedOver += world.passedOver;
    if ([...world.states.values()].some(({ pending }) => pending !== null)) findings.finished += 1;
    const majorities = [world.all, world.all.slice(0, Math.floor(world.all.length / 2) + 1)];
    const through = world.isForked || majorities.every((members) => world.honestRun(members));
    if (world.isForked) findings.forks += 1;
    else if (!through) findings.stuck += 1;
    if ((world.isForked || !through) && findings.firstSeed === null) findings.firstSeed = seed;
  }
  return findings;
}

describe('base agreement with a hostile coordinator', () => {
  it(`never forks and never gets stuck in ${schedules} schedules of two to five members`, { timeout: 300_000 }, () => {
    const findings = simulate([2, 3, 4, 5], schedules);
    expect(findings).toMatchObject({ forks: 0, stuck: 0, firstSeed: null });
    // A coordinator that never got anything sealed, or left nothing to finish, would have tried nothing.
    expect(findings.sealedBases).toBeGreaterThan(schedules / 4);
    expect(findings.finished).toBeGreaterThan(schedules / 4);
    expect(findings.passedOver).toBeGreaterThan(schedules / 500);
  });

  it('forks where an authority opens for any round and signs for all of its opens', () => {
    const findings = simulate([2, 3, 4, 5], 2_000, {
      ...rules,
      refuseOpen: (_promised, asked, self, all) => rules.refuseOpen(0, asked, self, all),
      refuseWitness: (state, run, duty, candidate) =>
        rules.refuseWitness({ ...state, live: run }, run, duty, candidate),
    });
    expect(findings.forks).toBeGreaterThan(0);
  });

  it('forks where fewer than a majority may seal', () => {
    const findings = simulate([3, 4, 5], 2_000, {
      ...rules,
      refuseOpen: (promised, asked, self) => rules.refuseOpen(promised, asked, self, asked.members),
      dutyOf: (opens) => dutyOf(opens, opens[0]?.members ?? [], null),
    });
    expect(findings.forks).toBeGreaterThan(0);
  });

  it('forks where what is pending need not be finished', () => {
    const findings = simulate([2, 3, 4, 5], 2_000, {
      ...rules,
      dutyOf: (opens, all, before) => {
        const duty = dutyOf(opens, all, before);
        return typeof duty !== 'string' && duty.kind === 'finish' ? { kind: 'work', base: duty.base } : duty;
      },
    });
    expect(findings.forks).toBeGreaterThan(0);
  });

  it('forks where what is pending is passed over although it may be sealed', () => {
    const findings = simulate([2, 3, 4, 5], 2_000, {
      ...rules,
      dutyOf: (opens, all, before) => {
        const duty = dutyOf(opens, all, before);
        return typeof duty !== 'string' && duty.kind === 'finish' ? { ...duty, passable: true } : duty;
      },
    });
    expect(findings.forks).toBeGreaterThan(0);
  });

  it('gets stuck where an authority signs one candidate for each sequence number and no other', () => {
    const findings = simulate([2, 3, 4, 5], 2_000, {
      ...rules,
      dutyOf: (opens, all, before) => {
        const duty = dutyOf(opens, all, before);
        return typeof duty !== 'string' && duty.kind === 'finish' ? { kind: 'work', base: duty.base } : duty;
      },
      refuseWitness: (state, run, duty, candidate) => {
        const signed = (state as { pending?: { sequence: number; candidate: string } | null }).pending;
        if (signed && signed.sequence === candidate.sequence && signed.candidate !== candidate.digest)
          return 'finishFirst';
        return rules.refuseWitness(state, run, duty, candidate);
      },
    });
    expect(findings.stuck).toBeGreaterThan(0);
    expect(findings.forks).toBe(0);
  });

  it('counts a majority of two as both', () => {
    expect([isMajority(1, 2), isMajority(2, 2), isMajority(2, 3), isMajority(2, 4), isMajority(3, 4)]).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
  });
});
