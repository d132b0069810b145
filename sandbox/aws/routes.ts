/** Every action of the IAM and STS query protocols that the sandbox knows, by its name. */
import type { Faults } from '../http/faults.js';
import { accountAuthorizationDetails } from './details.js';
import { groupActions } from './groups.js';
import type { Input } from './input.js';
import { ownedActions } from './owned.js';
import { policyActions } from './policies.js';
import { providerActions } from './providers.js';
import { roleActions } from './roles.js';
import type { AwsState } from './state.js';
import { userActions, userArn, type Action } from './users.js';
import type { Xml } from './xml.js';

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
    ...policyActions,
    ...roleActions,
    ...providerActions,
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
