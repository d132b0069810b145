/**
 * What policies let a principal do in AWS, as capabilities: Allow, Deny, NotAction, NotResource, wildcards and the
 * permission boundary, decided exactly over all actions and resources that there could be. Conditions and policy
 * variables are not evaluated: what depends on them is `conditional`.
 *
 * Not seen here: SCPs and RCPs of the organisation, resource and session policies, and which resource types an action knows.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { byCodeUnit } from '../json.js';
import { asciiLower, foldWildcards } from '../iam-policy/words.js';
import { resourceUnits, statementsOf, type NamedPolicy, type Statement, type Statements } from './aws-statements.js';
import type { AwsCapability, Capability } from './capability.js';
import { inOrder, makeEffect, narrowerReach, reachRank, widerReach, type Effect, type Reach } from './effect.js';
import { actionPattern, anyMany, resourcePattern, type Pattern } from './pattern.js';
import { combinationsIn, TooMuchWork, visitCombinations, type Survey, type Work } from './survey.js';

export { namedPolicy, type NamedPolicy } from './aws-statements.js';

/** Steps for one capability: below a second. No document of the corpus of tests, AWS's largest among them, takes a fifth of it. */
const workMax = 1_000_000;

export interface AwsPolicies {
  /** What grants: policies of the principal itself and of its groups. Their Deny counts as well. */
  readonly policies: readonly NamedPolicy[];
  /** Other policies of the principal, of which only the Deny counts. */
  readonly denies?: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy | null;
}

/** Sorted by capability; one that is surely not given has no entry. Does not depend on the order of anything. */
export function effectInAws(
  { policies, denies = [], boundary = null }: AwsPolicies,
  capabilities: readonly Capability[],
): readonly Effect[] {
  const statements = statementsOf([
    ...policies.map((policy) => ({ ...policy, part: 'policy' as const })),
    ...denies.map((policy) => ({ ...policy, part: 'deny' as const })),
    ...(boundary === null ? [] : [{ ...boundary, part: 'boundary' as const }]),
  ]);
  return inOrder(
    capabilities.flatMap(({ capability, aws }): readonly Effect[] => {
      if (aws === undefined) return [];
      const effect = effectOf(capability, aws, { ...statements, isBounded: boundary !== null });
      return effect === undefined ? [] : [effect];
    }),
  );
}

interface Principal extends Statements {
  readonly isBounded: boolean;
}

function effectOf(capability: string, aws: AwsCapability, principal: Principal): Effect | undefined {
  const { unread } = principal;
  const notRead = [...unread.policy, ...unread.deny, ...unread.boundary];
  const allowing = namesOf(principal.statements.filter(grants));
  if (allowing.length === 0 && unread.policy.length === 0) return undefined;
  const question = new Question(aws, principal);
  let reach: Reach | undefined;
  try {
    reach = question.reach();
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error;
    return makeEffect(capability, 'unseen', [...allowing, ...unread.policy], [], [...allowing, ...notRead]);
  }
  if (reach === undefined) return undefined;
  if (reach === 'unseen') return makeEffect(capability, reach, unread.policy, [], notRead);
  return makeEffect(capability, reach, question.through(), reach === 'full' ? [] : question.narrowedBy(), notRead);
}

/** One capability asked of one principal. */
class Question {
  readonly #capability: AwsCapability;
  readonly #principal: Principal;
  readonly #resources: readonly Pattern[];
  readonly #actions: readonly Pattern[];
  readonly #work: Work = { left: workMax };

  constructor(capability: AwsCapability, principal: Principal) {
    this.#capability = capability;
    this.#principal = principal;
    this.#actions = capability.actions.map((text) => actionPattern(foldWildcards(asciiLower(text))));
    this.#resources = (capability.resources ?? ['*']).map((text) => resourcePattern(foldWildcards(text), '2008-10-17'));
  }

  reach(): Reach | undefined {
    let reach: Reach | undefined;
    if (this.#capability.every !== true) {
      this.#someAction(this.#principal.statements, matterForReach, (applying) => {
        reach = widerReach(reach, this.#reachOn(applying));
        return reach === 'full';
      });
      return reach;
    }
    reach = 'full';
    this.#someAction(this.#principal.statements, matterForReach, (applying) => {
      reach = narrowerReach(reach, this.#reachOn(applying));
      return reach === undefined;
    });
    return reach;
  }

  /** Policies that give some of it by themselves, under every Deny and the boundary of the principal. */
  through(): readonly string[] {
    const { statements } = this.#principal;
    return namesOf(statements.filter(grants)).filter((name) =>
      this.#orElse(true, () =>
        this.#someAction(
          statements.filter((statement) => !grants(statement) || statement.name === name),
          matterForReach,
          (applying) => applying.some(grants) && reachRank(this.#reachOn(applying)) > reachRank('unseen'),
        ),
      ),
    );
  }

  /** What takes away of that which the policies allow. */
  narrowedBy(): readonly string[] {
    const { isBounded, statements, unread } = this.#principal;
    const granting = statements.filter(grants);
    const denying = namesOf(statements.filter(denies)).filter((name) =>
      this.#orElse(true, () => {
        const own = statements.filter((statement) => denies(statement) && statement.name === name);
        return this.#someAction([...granting, ...own], matterAlways, (applying) => this.#overlap(applying));
      }),
    );
    if (!isBounded) return denying;
    const ceiling = statements.filter(({ part, effect }) => part === 'boundary' && effect === 'Allow');
    const bounding = this.#orElse(true, () =>
      this.#someAction([...granting, ...ceiling], matterAlways, (applying) => this.#exceeds(applying)),
    );
    return bounding ? [...denying, ...this.#boundaryNames, ...unread.boundary] : denying;
  }

  /** Whether some action that the capability is about has exactly such statements applying to it. */
  #someAction(
    statements: readonly Statement[],
    mattersOf: (statements: readonly Statement[]) => Survey['matters'],
    isEnough: (applying: readonly Statement[]) => boolean,
  ): boolean {
    const matters = mattersOf(statements);
    return visitCombinations(
      {
        guides: this.#actions,
        classes: statements.length,
        units: statements.map(({ action }, of) => ({ of, ...action })),
        ...(matters === undefined ? {} : { matters }),
      },
      this.#work,
      (applies) => isEnough(statements.filter((_, index) => applies[index])),
    );
  }

  /** How far one action reaches to which exactly these statements apply. */
  #reachOn(applying: readonly Statement[]): Reach | undefined {
    const { isBounded, unread } = this.#principal;
    const mayAllow = unread.policy.length > 0;
    if (!mayAllow && !applying.some(grants)) return undefined;
    const combinations = combinationsIn(
      {
        guides: this.#resources,
        classes: classCount,
        units: applying.flatMap((statement) => {
          const [sure, maybe] = classesOf(statement);
          return sure === undefined || maybe === undefined ? [] : resourceUnits(statement, sure, maybe);
        }),
        matters,
      },
      this.#work,
    );
    const mayDeny = mayAllow || unread.deny.length > 0;
    const verdicts = combinations.map((holds): Verdict => {
      if (holds[denied]) return 'no';
      const allowing = holds[allowed] ? 'yes' : holds[perhapsAllowed] ? 'conditional' : mayAllow ? 'unseen' : 'no';
      const ceiling = !isBounded
        ? 'yes'
        : holds[within]
          ? 'yes'
          : holds[perhapsWithin] || unread.boundary.length > 0
            ? 'conditional'
            : 'no';
      if (allowing === 'no' || ceiling === 'no') return 'no';
      if (allowing === 'unseen') return 'unseen';
      return allowing === 'yes' && ceiling === 'yes' && !holds[perhapsDenied] && !mayDeny ? 'yes' : 'conditional';
    });
    if (verdicts.length > 0 && verdicts.every((verdict) => verdict === 'yes')) return 'full';
    if (verdicts.includes('yes')) return 'partial';
    if (verdicts.includes('conditional')) return 'conditional';
    return verdicts.includes('unseen') ? 'unseen' : undefined;
  }

  /** Whether a Deny may apply to a resource for which there may be an Allow. */
  #overlap(applying: readonly Statement[]): boolean {
    const denying = applying.filter(denies);
    if (denying.length === 0 || denying.length === applying.length) return false;
    return this.#found([
      ...applying.filter(grants).flatMap((statement) => resourceUnits(statement, 0, 0)),
      ...denying.flatMap((statement) => resourceUnits(statement, 1, 1)),
    ]).some(([isAllowed, isDenied]) => isAllowed === true && isDenied === true);
  }

  /** Whether there may be an Allow for a resource that is not surely within the boundary. */
  #exceeds(applying: readonly Statement[]): boolean {
    const ceiling = applying.filter(({ part }) => part === 'boundary');
    return this.#found([
      ...applying.filter(grants).flatMap((statement) => resourceUnits(statement, 0, 0)),
      ...ceiling.flatMap((statement) => resourceUnits(statement, 1, 2)),
    ]).some(([isAllowed, isWithin]) => isAllowed === true && isWithin !== true);
  }

  #found(units: readonly { of: number; kind: 'these' | 'but'; patterns: readonly Pattern[] }[]) {
    return combinationsIn({ guides: this.#resources, classes: 3, units }, this.#work);
  }

  get #boundaryNames(): readonly string[] {
    return namesOf(this.#principal.statements.filter(({ part }) => part === 'boundary'));
  }

  /** What only explains the answer must not take it away. */
  #orElse(otherwise: boolean, answer: () => boolean): boolean {
    try {
      return answer();
    } catch (error) {
      if (error instanceof TooMuchWork) return otherwise;
      throw error;
    }
  }
}

type Verdict = 'yes' | 'conditional' | 'unseen' | 'no';

// Classes of resources, for one action.
const [allowed, perhapsAllowed, denied, perhapsDenied, within, perhapsWithin] = [0, 1, 2, 3, 4, 5] as const;
const classCount = 6;

function classesOf(statement: Statement): readonly [number, number] | readonly [] {
  if (statement.effect === 'Deny') return [denied, perhapsDenied];
  if (statement.part === 'boundary') return [within, perhapsWithin];
  return grants(statement) ? [allowed, perhapsAllowed] : [];
}

const matterAlways = (): undefined => undefined;

/** An Allow for everything makes other Allows of its kind superfluous, and a Deny for everything whatever there is. */
function matterForReach(statements: readonly Statement[]): Survey['matters'] {
  const whole = statements.map(isWhole);
  const has = (certain: readonly boolean[], isSuch: (statement: Statement) => boolean): boolean =>
    statements.some((statement, index) => whole[index] === true && certain[index] === true && isSuch(statement));
  return (of, certain) => {
    const statement = statements[of];
    if (statement === undefined || has(certain, denies)) return false;
    if (statement.effect === 'Deny') return true;
    return !has(certain, (other) => other.effect === 'Allow' && other.part === statement.part);
  };
}

function isWhole({ resource: { kind, patterns }, isConditional }: Statement): boolean {
  return (
    !isConditional && kind === 'these' && patterns.some(({ places }) => places.length === 1 && places[0] === anyMany)
  );
}

/** HAZARD: must leave out only what no verdict depends on. */
function matters(of: number, certain: readonly boolean[]): boolean {
  if (certain[denied] === true) return false;
  if (of === perhapsAllowed) return certain[allowed] !== true;
  return of !== perhapsWithin || certain[within] !== true;
}

function grants({ effect, part }: Statement): boolean {
  return effect === 'Allow' && part === 'policy';
}

function denies({ effect }: Statement): boolean {
  return effect === 'Deny';
}

function namesOf(statements: readonly Statement[]): readonly string[] {
  return [...new Set(statements.map(({ name }) => name))].sort(byCodeUnit);
}
