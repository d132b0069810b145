/**
 * What @azure/identity throws, in Concordat's codes. Its messages may hold more than people should see: only codes pass.
 *
 * The library gives most failures as AuthenticationRequiredError with the text of MSAL, which starts with a code of OAuth
 * (RFC 6749 section 5.2) or of MSAL and names codes of the token service
 * (https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes).
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';

const tenantUnknown = ['AADSTS90002', 'AADSTS900023', 'AADSTS900021'];
const unreachable = ['endpoints_resolution_error', 'network_error', 'request_cannot_be_made', 'openid_config_error'];
const busy = ['AADSTS90033', 'AADSTS50196'];
const refusals = [
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_resource',
  'invalid_scope',
  'invalid_tenant',
  'unauthorized_client',
];

function codeOf(codes: readonly string[], status: number | undefined): ErrorCode {
  const among = (list: readonly string[]): boolean => codes.some((code) => list.includes(code));
  if (among(tenantUnknown)) return 'scopeNotFound';
  if (among(unreachable)) return 'unreachable';
  if (status === 429) return 'throttled';
  const refused = among(refusals) || codes.some((code) => code.startsWith('AADSTS'));
  if (refused && !among(busy) && (status ?? 0) < 500) return 'credentialsRejected';
  // After a fault or 429 of the token service MSAL gives no code, and for a minute throws again without asking.
  return 'providerFault';
}

function isUnavailable(error: Error): boolean {
  return error.name === 'CredentialUnavailableError' && !unreachable.some((code) => error.message.startsWith(code));
}

const inChain = 'the chain of @azure/identity found no credential; name one in the authority file or its environment';

export function tokenFailure(error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  if (!(error instanceof Error)) return new ConcordatError('unexpectedAnswer', '@azure/identity threw no error');
  const { errors, statusCode, code } = error as { errors?: unknown; statusCode?: unknown; code?: unknown };
  if (error.name === 'AggregateAuthenticationError' && Array.isArray(errors)) {
    const tried = errors.filter((each): each is Error => each instanceof Error);
    const decisive = tried.find((each) => !isUnavailable(each));
    return decisive ? tokenFailure(decisive) : new ConcordatError('credentialsMissing', inChain);
  }
  if (isUnavailable(error)) return new ConcordatError('credentialsMissing', inChain);
  if (code === 'REQUEST_SEND_ERROR') return new ConcordatError('unreachable', 'the token service cannot be reached');

  const first = /^[a-z_]{1,60}(?=:|$)/.exec(error.message)?.[0];
  const codes = [...(first === undefined ? [] : [first]), ...new Set(error.message.match(/AADSTS[0-9]{1,9}/g))];
  const status = typeof statusCode === 'number' ? statusCode : undefined;
  const said = [...(status === undefined ? [] : [String(status)]), ...codes].join(' ');
  // MSAL says the same of a service that does not answer and of one that does not know the tenant.
  const either = first === 'endpoints_resolution_error' ? ' (not reached, or it does not know the tenant)' : '';
  const words = `the token service gave no token: ${said === '' ? 'no code' : said}${either}`;
  return new ConcordatError(codeOf(codes, status), words);
}
