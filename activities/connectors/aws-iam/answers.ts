/** What an answer of IAM means for a write; what it means for a read is the same for every service of AWS. */
import type { ErrorCode } from '../../../core/errors.js';
import { answerWords, certainCode, isRefusal, type AwsAnswer } from '../../aws-answers.js';
import type { WriteAnswer } from '../connector.js';

export { answerOf, didNothingYet, isRefusal, readFailure } from '../../aws-answers.js';

const notRepresentableCodes: ReadonlySet<string> = new Set([
  'ValidationError',
  'Validation',
  'InvalidInput',
  'InvalidParameterValue',
  'MalformedPolicyDocument',
]);

/** What a failed write means. Everything that is not known to have had no effect is `unknown`. */
export function writeAnswerFor(action: string, answer: AwsAnswer): Exclude<WriteAnswer, { kind: 'applied' }> {
  const detail = answerWords(action, answer);
  const refused = (code: ErrorCode) => ({ kind: 'refused', code, detail }) as const;
  const conflict = (code: ErrorCode) => ({ kind: 'conflict', code, detail }) as const;
  const certain = certainCode(answer);
  if (certain !== undefined) return refused(certain);
  if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
  switch (answer.code) {
    case 'EntityAlreadyExists':
      return conflict('nameTaken');
    case 'NoSuchEntity':
    case 'ConcurrentModification':
      return conflict('expectationFailed');
    case 'DeleteConflict':
      return refused('deletionBlocked');
    case 'UnmodifiableEntity':
      return refused('readOnlyObject');
    default:
      return refused(notRepresentableCodes.has(answer.code) ? 'valueNotRepresentable' : 'refusedByCloud');
  }
}
