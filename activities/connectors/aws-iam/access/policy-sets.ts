/**
 * Which roles for people somebody holds, as sets of managed policies. Pure.
 *
 * A set that the authority file declares is held where every policy of it is attached; of sets within one another only
 * the largest counts. A managed policy that no set names is a set of its own, under its ARN.
 */
import { byCodeUnit } from '../../../../core/json.js';

export interface PolicySet {
  /** The name in the authority file, or the ARN. */
  readonly id: string;
  /** Sorted. */
  readonly arns: readonly string[];
}

export interface HeldSets {
  readonly whole: readonly PolicySet[];
  /** Of the policies that no whole set accounts for, the sets that they are a part of. */
  readonly part: readonly { readonly set: PolicySet; readonly attached: number }[];
}

export class PolicySets {
  private readonly declared: readonly PolicySet[];
  private readonly named: ReadonlySet<string>;

  constructor(policySets: Readonly<Record<string, readonly string[]>> | undefined) {
    this.declared = Object.entries(policySets ?? {})
      .map(([id, arns]) => ({ id, arns: sorted(arns) }))
      .sort((left, right) => byCodeUnit(left.id, right.id));
    this.named = new Set(this.declared.flatMap(({ arns }) => arns));
  }

  /** The declared sets, and one for each of these policies that none of them names. */
  all(arns: Iterable<string>): readonly PolicySet[] {
    return [
      ...this.declared,
      ...sorted(arns)
        .filter((arn) => !this.named.has(arn))
        .map(ownSet),
    ];
  }

  /** A declared name, or the ARN of a policy that no set names; undefined for anything else. */
  byId(id: string): PolicySet | undefined {
    const declared = this.declared.find((set) => set.id === id);
    if (declared !== undefined || this.named.has(id) || !id.startsWith('arn:')) return declared;
    return ownSet(id);
  }

  held(attached: readonly string[]): HeldSets {
    const arns = new Set(attached);
    const full = this.declared.filter((set) => set.arns.every((arn) => arns.has(arn)));
    const whole = full.filter((set) => !full.some((other) => other !== set && isWithin(set, other)));
    const accounted = new Set(whole.flatMap((set) => set.arns));
    const part = this.declared.flatMap((set) => {
      const some = set.arns.filter((arn) => arns.has(arn));
      const left = some.filter((arn) => !accounted.has(arn));
      return left.length === 0 ? [] : [{ set, attached: some.length }];
    });
    return {
      whole: [
        ...whole,
        ...sorted(arns)
          .filter((arn) => !this.named.has(arn))
          .map(ownSet),
      ],
      part,
    };
  }

  /** Policies of the set that nothing else that is held needs. */
  neededByNoOther(set: PolicySet, attached: readonly string[]): readonly string[] {
    const others = this.held(attached).whole.filter((other) => other.id !== set.id);
    const needed = new Set(others.flatMap((other) => other.arns));
    return set.arns.filter((arn) => !needed.has(arn));
  }

  /** A larger set that is held and holds this one: then this one cannot be told apart. */
  hiddenBy(set: PolicySet, attached: readonly string[]): PolicySet | undefined {
    const after = [...attached, ...set.arns];
    return this.held(after).whole.find((other) => other.id !== set.id && isWithin(set, other));
  }
}

function ownSet(arn: string): PolicySet {
  return { id: arn, arns: [arn] };
}

function isWithin(part: PolicySet, whole: PolicySet): boolean {
  return part.arns.every((arn) => whole.arns.includes(arn));
}

function sorted(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].sort(byCodeUnit);
}
