/**
 * The inline policy that suspends a user (suspension.ts). By itself, because effects are worked out from it in processes that
 * never speak to AWS and should not load its SDK.
 */
import { samePolicy } from '../../../core/iam-policy/canonical.js';
import { parsePolicy, parsePolicyJson } from '../../../core/iam-policy/parse.js';

export const denyPolicyName = 'concordat-suspended';

export const denied = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'ConcordatSuspended', Effect: 'Deny', Action: '*', Resource: '*' }],
};

/** Whether an inline policy is the one of a suspension: by its name and by what it says. `document`: as IAM shows it. */
export function isDenyPolicy(name: string, document: string): boolean {
  if (name !== denyPolicyName) return false;
  const [found, ours] = [parsePolicy(document), parsePolicyJson(denied)];
  return found.kind === 'document' && ours.kind === 'document' && samePolicy(found.document, ours.document);
}
