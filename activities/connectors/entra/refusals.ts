/** What a refusal of Graph says about the effect of a write (https://learn.microsoft.com/en-us/graph/errors). */
import { assertNever } from '../../../core/json.js';
import type { WriteAnswer } from '../connector.js';
import { refusalWords, type Reply } from './client.js';

/** Graph answers most of these with 400 and no code of their own: a user or group, an app role, a directory role, a credential that is there already. */
const taken = [
  /ObjectConflict|another object with the same value/i,
  /Permission being assigned already exists|EntitlementGrant entry already exists/i,
  /A conflicting object with one or more|RoleAssignmentExists/i,
  /combination of issuer and subject must be unique/i,
];

/** What an answer of Graph that is not a success says about the effect of one call. */
export function refusalAnswer(reply: Reply): Exclude<WriteAnswer, { kind: 'applied' }> {
  switch (reply.kind) {
    case 'notSent':
      return { kind: 'refused', code: reply.failure.code, detail: reply.failure.message };
    case 'lost':
      return { kind: 'unknown', code: 'effectUnknown', detail: `the answer of Graph was lost: ${reply.detail}` };
    case 'answered':
      break;
    default:
      return assertNever(reply);
  }
  const { status, refusal } = reply;
  const message = refusal?.message ?? '';
  const detail = refusalWords(reply);
  const nameTaken = taken.some((words) => words.test(`${refusal?.code ?? ''} ${message}`));
  if (status === 409 || (status === 400 && nameTaken)) {
    // Two writers at once, which Graph also answers with 409: the object is not as it was.
    const raced = /Concurrency/i.test(refusal?.code ?? '') && !nameTaken;
    return { kind: 'conflict', code: raced ? 'expectationFailed' : 'nameTaken', detail };
  }
  if (status === 404 || status === 412) return { kind: 'conflict', code: 'expectationFailed', detail };
  if (/on-premises mastered|synchronized from your on-premises/i.test(message))
    return { kind: 'refused', code: 'readOnlyObject', detail };
  if (status === 401) return { kind: 'refused', code: 'credentialsRejected', detail };
  if (status === 403) return { kind: 'refused', code: 'forbidden', detail };
  if (status === 429) return { kind: 'refused', code: 'throttled', detail };
  // 408 says nothing of the effect, nor does a redirect or a fault of Graph's own.
  if (status >= 400 && status < 500 && status !== 408) return { kind: 'refused', code: 'refusedByCloud', detail };
  return { kind: 'unknown', code: 'effectUnknown', detail };
}
