/**
 * The right to move a base while members come, go and come back, and some of them collude: nobody takes up a base that
 * colluders made among themselves, and no two bases of one number are held. The planted simplifications show that the
 * simulation can see what it looks for.
 */
import { describe, expect, it } from 'vitest';
import { MembershipWorld, membershipRules, type MembershipRules } from './support/membership-world.js';
import { randomOf } from './support/rounds-world.js';

const schedules = Number(process.env['CONCORDAT_MEMBERSHIP_SCHEDULES'] ?? 500);
const stepsMax = 90;

interface Findings {
  forks: number;
  fooled: number;
  stuck: number;
  returned: number;
  firstSeed: number | null;
}

function simulate(count: number, isStepwise: boolean, rules: MembershipRules = membershipRules): Findings {
  const findings: Findings = { forks: 0, fooled: 0, stuck: 0, returned: 0, firstSeed: null };
  for (let seed = 1; seed <= count; seed += 1) {
    const random = randomOf(seed);
    const world = new MembershipWorld(random, isStepwise, rules);
    const steps = 20 + Math.floor(random() * stepsMax);
    for (let step = 0; step < steps && !world.isForked && !world.isFooled; step += 1) world.hostileStep();
    findings.returned += world.returned;
    const through = !isStepwise || world.isForked || world.isFooled || world.honestRun();
    if (world.isForked) findings.forks += 1;
    if (world.isFooled) findings.fooled += 1;
    if (!through) findings.stuck += 1;
    if ((world.isForked || world.isFooled || !through) && findings.firstSeed === null) findings.firstSeed = seed;
  }
  return findings;
}

describe('the right to move a base, with a hostile coordinator and colluding members', () => {
  it(
    `stays with the members of before in ${schedules} schedules, and a run always gets through`,
    { timeout: 900_000 },
    () => {
      const findings = simulate(schedules, true);
      expect(findings).toMatchObject({ forks: 0, fooled: 0, stuck: 0, firstSeed: null });
      // Where nobody came back over more than one seal, the chain was never followed.
      expect(findings.returned).toBeGreaterThan(schedules / 20);
    },
  );

  it(`does not fork in ${schedules} schedules where members are changed by many at once`, { timeout: 900_000 }, () => {
    expect(simulate(schedules, false)).toMatchObject({ forks: 0, fooled: 0, firstSeed: null });
  });

  const count = 1_000;
  it('is lost where whoever comes back takes every seal that verifies', () => {
    expect(simulate(count, true, { ...membershipRules, refuseChain: () => null }).fooled).toBeGreaterThan(0);
  });

  it('is lost where a newcomer takes every seal that verifies', () => {
    expect(simulate(count, true, { ...membershipRules, refuseFirst: () => null }).fooled).toBeGreaterThan(0);
  });

  it('is lost where a candidate is finished that colluders made among themselves', () => {
    expect(simulate(count, true, { ...membershipRules, maySign: () => true }).fooled).toBeGreaterThan(0);
  });

  it('forks where a run asks only for a majority of its own configuration', () => {
    const found = simulate(count, false, {
      ...membershipRules,
      dutyOf: (opens, all) => membershipRules.dutyOf(opens, all, null),
      refuseChain: () => null,
      refuseFirst: () => null,
    });
    expect(found.forks).toBeGreaterThan(0);
  });
});
