/**
 * "May assume role R": an IAM user or group whose policy allows sts:AssumeRole on the role, and the trust of the role in
 * them. Both halves make the grant; one alone is shown with what is missing. Pure.
 *
 * Only a policy that names the role itself counts. What a wildcard allows (`sts:*` on `*`) is effect and no grant.
 */
import type { PolicyDocument } from '../../../../core/iam-policy/document.js';
import { parsePolicy } from '../../../../core/iam-policy/parse.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Holder, InlinePolicy, Role } from './inventory.js';
import { trustIn } from './objects.js';

const assume = 'sts:assumerole';

/** The roles that a policy allows to be assumed, and whether it says nothing else. */
export interface AssumePolicy {
  readonly roleArns: readonly string[];
  readonly alone: boolean;
}

export function assumePolicyIn(text: string): AssumePolicy {
  const read = parsePolicy(text);
  if (read.kind === 'fault') return { roleArns: [], alone: false };
  const { statements } = read.document;
  const allowing = statements.filter(allowsNamedRoles);
  return {
    roleArns: [...new Set(allowing.flatMap(({ resource }) => resource?.patterns ?? []))],
    alone:
      statements.length > 0 &&
      allowing.length === statements.length &&
      allowing.every(({ action }) => action.patterns.every((pattern) => pattern === assume)),
  };
}

function allowsNamedRoles({ effect, action, resource, conditions }: PolicyDocument['statements'][number]): boolean {
  return (
    effect === 'Allow' &&
    conditions.length === 0 &&
    action.kind === 'these' &&
    action.patterns.includes(assume) &&
    resource?.kind === 'these' &&
    resource.patterns.every((pattern) => pattern.includes(':role/') && !/[*?$]/.test(pattern))
  );
}

/** The inline policy that allows this role and nothing else: the half that belongs to the grant alone. */
export function ownPolicies(holder: Holder, roleArn: string): readonly InlinePolicy[] {
  return holder.inline.filter(({ document }) => {
    const { roleArns, alone } = assumePolicyIn(document);
    return alone && roleArns.length === 1 && roleArns[0] === roleArn;
  });
}

/** Whether the inline policy is nothing but a half of a grant on one of these roles. */
export function isHalfOfGrant(policy: InlinePolicy, roleArns: ReadonlySet<string>): boolean {
  const { roleArns: allowed, alone } = assumePolicyIn(policy.document);
  return alone && allowed.length === 1 && roleArns.has(allowed[0] ?? '');
}

export function rootArn(roleArn: string): string {
  return `${roleArn.slice(0, roleArn.indexOf(':role/'))}:root`;
}

/** What the trust of a role must name for this holder: a group is no principal, so the account is. */
export function principalArn(holder: Holder, role: Role): string {
  return holder.kind === 'user' ? holder.arn : rootArn(role.arn);
}

/** `documents`: of managed policies, by ARN. `holders`: users and groups. */
export function assumptionObjects(
  holders: readonly Holder[],
  roles: readonly Role[],
  documents: ReadonlyMap<string, string | null>,
  account: string,
): readonly NativeObject[] {
  const trusts = roles.map((role) => ({ role, trust: trustIn(role) }));
  const managed = new Map(
    [...documents].map(([arn, document]) => [arn, document === null ? [] : assumePolicyIn(document).roleArns]),
  );
  return holders.flatMap((holder) => {
    const inline = new Set(holder.inline.flatMap(({ document }) => assumePolicyIn(document).roleArns));
    const attached = new Set(holder.attached.flatMap((arn) => managed.get(arn) ?? []));
    return trusts.flatMap(({ role, trust }): readonly NativeObject[] => {
      const allowed = inline.has(role.arn) || attached.has(role.arn);
      const named = trust.kind === 'principals' && trust.arns.includes(holder.arn);
      const trusted = named || (trust.kind === 'principals' && trust.arns.includes(rootArn(role.arn)));
      if (!allowed && !named) return [];
      const own = ownPolicies(holder, role.arn).length > 0;
      const opaque = !allowed
        ? 'the trust is there, the policy is missing'
        : trust.kind !== 'principals'
          ? 'the policy is there, the trust of the role has a shape of its own'
          : !trusted
            ? 'the policy is there, the trust in the role is missing'
            : !own || attached.has(role.arn)
              ? 'the policy that allows it says more than that'
              : undefined;
      const principal = `${holder.kind}/${holder.id}`;
      return [
        {
          type: 'assumption',
          id: `${principal}/${role.id}`,
          body: { Principal: principal, Role: `assumableRole/${role.id}`, Account: `account/${account}` },
          ...(opaque === undefined ? {} : { opaque }),
        },
      ];
    });
  });
}
