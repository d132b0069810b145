/** Whose account it is, and what its answers say. */
import { expect, test } from 'vitest';
import { answerOf, answerWords, certainCode, readFailure, storageAccount } from '../../activities/azure-storage.js';

const mesh = { account: 'harbour', connectionFrom: 'CONNECTION' };
const accountOf = (CONNECTION?: string, endpoint?: string) =>
  storageAccount({ ...mesh, ...(endpoint === undefined ? {} : { endpoint }) }, { CONNECTION }, 'table');

test('an account is reached by its connection string, or by its name and the standard chain', () => {
  expect(accountOf()).toMatchObject({
    endpoint: 'https://harbour.table.core.windows.net',
    credential: { kind: 'chain' },
  });
  const secret = 'EndpointSuffix=core.example;AccountName=harbour;AccountKey=a2V5==;DefaultEndpointsProtocol=https';
  expect(accountOf(secret)).toEqual({
    account: 'harbour',
    endpoint: 'https://harbour.table.core.example',
    credential: { kind: 'key', key: 'a2V5==' },
  });
  expect(accountOf('TableEndpoint=https://t.example/;SharedAccessSignature=?sv=1&sig=a%3D')).toEqual({
    account: 'harbour',
    endpoint: 'https://t.example',
    credential: { kind: 'signature', signature: 'sv=1&sig=a%3D' },
  });
  expect(accountOf(secret, 'http://127.0.0.1:1/harbour/').endpoint).toBe('http://127.0.0.1:1/harbour');
});

test('another account, and a text that is no connection string, are refused without a word of it', () => {
  const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
  expect(() => accountOf('AccountName=other;AccountKey=c2VjcmV0')).toThrow(code('wrongAccount'));
  expect(() => accountOf('c2VjcmV0')).toThrow(code('credentialsRejected'));
  expect(() => accountOf('c2VjcmV0')).not.toThrow(/c2VjcmV0/);
});

const headers = { get: (name: string) => ({ 'x-ms-error-code': 'ServerBusy', 'x-ms-request-id': '1f-2' })[name] };

test.each([
  ['throttled', { statusCode: 503, response: { headers } }, 'GetBlob answered ServerBusy (request 1f-2)'],
  ['providerFault', { statusCode: 503, code: 'InternalError', message: 'row a' }, 'GetBlob answered InternalError'],
  ['credentialsRejected', { statusCode: 403, code: 'AuthenticationFailed' }, 'GetBlob answered AuthenticationFailed'],
  [
    'forbidden',
    { statusCode: 403, details: { errorCode: 'AuthorizationFailure' } },
    'GetBlob answered AuthorizationFailure',
  ],
  [
    'scopeNotFound',
    { statusCode: 404, details: { odataError: { code: 'TableNotFound' } } },
    'GetBlob answered TableNotFound',
  ],
  ['unreachable', { code: 'ECONNREFUSED' }, 'GetBlob answered ECONNREFUSED without a status'],
  ['unreachable', { code: 'REQUEST_SEND_ERROR' }, 'GetBlob answered REQUEST_SEND_ERROR without a status'],
  [
    'credentialsMissing',
    { name: 'CredentialUnavailableError' },
    'GetBlob answered CredentialUnavailableError without a status',
  ],
  ['unexpectedAnswer', new TypeError('row a'), 'GetBlob answered TypeError without a status'],
] as const)('a failed read is %s', (code, error, words) => {
  expect(readFailure('GetBlob', error)).toMatchObject({ code, message: words });
});

test('a request that was never sent had no effect; one whose answer was lost may have had one', () => {
  expect(certainCode(answerOf({ code: 'ECONNREFUSED' }))).toBe('unreachable');
  expect(certainCode(answerOf({ code: 'ECONNRESET' }))).toBeUndefined();
  expect(certainCode(answerOf({ statusCode: 500, code: 'OperationTimedOut' }))).toBeUndefined();
  expect(answerWords('PutBlob', answerOf({ name: 'what: a row' }))).toBe('PutBlob answered unnamed without a status');
});
