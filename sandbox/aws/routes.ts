/** Every action of the IAM and STS query protocols that the sandbox knows, by its name. */
import type { Faults } from '../http/faults.js';
import { groupActions, groupXml } from './groups.js';
import type { Input } from './input.js';
import { ownedActions } from './owned.js';
import type { AwsState, IamGroup, IamUser } from './state.js';
import { tagsXml, userActions, userArn, userXml, type Action } from './users.js';
import type { Xml } from './xml.js';

const policiesXml = (policies: Readonly<Record<string, string>>): Xml =>
  Object.entries(policies).map(([name, document]) => ({
    PolicyName: name,
    PolicyDocument: encodeURIComponent(document),
  }));

const attachedXml = (arns: readonly string[]): Xml =>
  arns.map((arn) => ({ PolicyName: arn.split('/').at(-1), PolicyArn: arn }));

type Detail =
  | { readonly kind: 'User'; readonly user: IamUser; readonly key: string }
  | { readonly kind: 'Group'; readonly group: IamGroup; readonly key: string };

/** Users, then groups, in one paged stream; roles and policies are not kept here, so their lists are empty. */
function accountAuthorizationDetails(input: Input, state: AwsState): Xml {
  const filter = input.list('Filter');
  const wanted = (kind: string): boolean => filter.length === 0 || filter.includes(kind);
  const details: Detail[] = [];
  if (wanted('User'))
    for (const user of state.users.all()) details.push({ kind: 'User', user, key: `1/${user.name.toLowerCase()}` });
  if (wanted('Group'))
    for (const group of state.groups.all())
      details.push({ kind: 'Group', group, key: `2/${group.name.toLowerCase()}` });
  const page = input.page(details, (detail) => detail.key);
  const users: Xml[] = [];
  const groups: Xml[] = [];
  for (const detail of page.items) {
    if (detail.kind === 'User') {
      const { user } = detail;
      users.push({
        ...userXml(state, user),
        UserPolicyList: policiesXml(user.policies),
        GroupList: [...user.groups].map((id) => state.groups.get(id)?.name),
        AttachedManagedPolicies: attachedXml(user.owned.attachedPolicies),
        Tags: tagsXml(user),
      });
    } else {
      const { group } = detail;
      groups.push({
        ...groupXml(state, group),
        GroupPolicyList: policiesXml(group.policies),
        AttachedManagedPolicies: attachedXml(group.attachedPolicies),
      });
    }
  }
  return { UserDetailList: users, GroupDetailList: groups, RoleDetailList: [], Policies: [], ...page.result };
}

function callerIdentity(_input: Input, state: AwsState): Xml {
  const caller = state.users.named(state.caller);
  return {
    UserId: caller?.id,
    Account: state.account,
    Arn: caller ? userArn(state, caller) : `arn:aws:iam::${state.account}:root`,
  };
}

export function awsActions(faults: Faults): Readonly<Record<string, Action>> {
  return {
    ...userActions,
    ...groupActions,
    ...ownedActions,
    GetAccountAuthorizationDetails: accountAuthorizationDetails,
    GetCallerIdentity: callerIdentity,
    /** What a standing `forbidden` fault denies is denied here too. */
    SimulatePrincipalPolicy: (input) => ({
      EvaluationResults: input.list('ActionNames').map((action) => ({
        EvalActionName: action,
        EvalResourceName: '*',
        EvalDecision: faults.forbids(action) ? 'implicitDeny' : 'allowed',
        MatchedStatements: [],
        MissingContextValues: [],
      })),
      IsTruncated: false,
    }),
  };
}
