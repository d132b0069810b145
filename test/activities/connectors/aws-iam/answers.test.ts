import { IAMServiceException } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { answerOf, readFailure, writeAnswerFor } from '../../../../activities/connectors/aws-iam/answers.js';

const secretName = 'ada.lovelace@example.org';

function failure(name: string, status: number): Error {
  return new IAMServiceException({
    name,
    $fault: status < 500 ? 'client' : 'server',
    message: `User with name ${secretName} already exists.`,
    $metadata: { httpStatusCode: status, requestId: 'f0e1d2c3-0000-4000-8000-123456789abc' },
  });
}

function written(error: unknown): { kind: string; code: string } {
  const { kind, code } = writeAnswerFor('iam:CreateUser', answerOf(error));
  return { kind, code };
}

describe('what a failed write means', () => {
  it.each([
    ['EntityAlreadyExistsException', 409, 'conflict', 'nameTaken'],
    ['EntityAlreadyExists', 409, 'conflict', 'nameTaken'],
    ['NoSuchEntityException', 404, 'conflict', 'expectationFailed'],
    ['ConcurrentModificationException', 409, 'conflict', 'expectationFailed'],
    ['DeleteConflictException', 409, 'refused', 'deletionBlocked'],
    ['AccessDenied', 403, 'refused', 'forbidden'],
    ['InvalidInputException', 400, 'refused', 'valueNotRepresentable'],
    ['ValidationError', 400, 'refused', 'valueNotRepresentable'],
    ['LimitExceededException', 409, 'refused', 'refusedByCloud'],
    ['UnmodifiableEntityException', 400, 'refused', 'readOnlyObject'],
    ['ExpiredToken', 403, 'refused', 'credentialsRejected'],
    ['Throttling', 400, 'refused', 'throttled'],
    ['TooManyRequestsException', 429, 'refused', 'throttled'],
    ['NeverHeardOfThis', 418, 'refused', 'refusedByCloud'],
    ['ServiceFailureException', 500, 'unknown', 'effectUnknown'],
    ['ServiceUnavailable', 503, 'unknown', 'effectUnknown'],
    ['EntityAlreadyExistsException', 500, 'unknown', 'effectUnknown'],
    ['RequestTimeout', 400, 'unknown', 'effectUnknown'],
    ['SyntaxError', 200, 'unknown', 'effectUnknown'],
  ])('%s under %i is %s %s', (name, status, kind, code) => {
    expect(written(failure(name, status))).toEqual({ kind, code });
  });

  it('is unknown for a connection that ended after the request went out', () => {
    expect(written(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))).toMatchObject({
      kind: 'unknown',
    });
    expect(written(Object.assign(new Error('no reply'), { name: 'TimeoutError' }))).toMatchObject({ kind: 'unknown' });
    expect(written('not even an error')).toMatchObject({ kind: 'unknown' });
  });

  it('is a refusal without effect for a connection that never was', () => {
    const refusal = { kind: 'refused', code: 'unreachable' };
    expect(written(Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' }))).toEqual(refusal);
    expect(written(Object.assign(new Error('late'), { code: 'ETIMEDOUT', syscall: 'connect' }))).toEqual(refusal);
  });

  it('holds the code and the request id of AWS and nothing of its message', () => {
    const { detail } = writeAnswerFor('iam:CreateUser', answerOf(failure('EntityAlreadyExistsException', 409)));
    expect(detail).toBe('iam:CreateUser answered EntityAlreadyExists (request f0e1d2c3-0000-4000-8000-123456789abc)');
  });

  it('does not repeat a name that came back in the place of a code', () => {
    const { detail } = writeAnswerFor(
      'iam:CreateUser',
      answerOf({ name: secretName, $metadata: { httpStatusCode: 400 } }),
    );
    expect(detail).not.toContain('ada');
  });
});

describe('what a failed read means', () => {
  it.each([
    ['AccessDenied', 403, 'forbidden'],
    ['InvalidClientTokenId', 403, 'credentialsRejected'],
    ['Throttling', 400, 'throttled'],
    ['ServiceFailure', 500, 'providerFault'],
    ['ServiceUnavailable', 503, 'providerFault'],
    ['SyntaxError', 200, 'unexpectedAnswer'],
    ['ValidationError', 400, 'refusedByCloud'],
  ])('%s under %i is %s', (name, status, code) => {
    expect(readFailure('iam:GetUser', failure(name, status)).code).toBe(code);
  });

  it('carries nothing of the message of AWS, not even as its cause', () => {
    const error = readFailure('iam:GetUser', failure('AccessDenied', 403));
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain(secretName);
    expect(error.cause).toBeUndefined();
  });
});
