/** The token endpoint of Entra (client credentials) and the metadata that @azure/identity reads first. */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { SandboxAnswer } from '../http/service.js';
import { GraphProblem, type Call } from './call.js';

const key = randomBytes(32);
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const signatureOf = (text: string): Buffer => createHmac('sha256', key).update(text).digest();

const plain = (status: number, value: unknown): SandboxAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  body: JSON.stringify(value),
});

function refused(status: number, error: string, number: number, text: string): SandboxAnswer {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = new Date().toISOString().replace('T', ' ').slice(0, 19);
  return plain(status, {
    error,
    error_description: `AADSTS${number}: ${text} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}Z`,
    error_codes: [number],
    timestamp: `${timestamp}Z`,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  });
}

const unknownTenant = (tenant: string): SandboxAnswer =>
  refused(
    400,
    'invalid_tenant',
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
  );

export function openIdMetadata(call: Call): SandboxAnswer {
  const [tenant = ''] = call.parameters;
  const { state } = call;
  if (tenant !== state.tenant && !state.domains.includes(tenant)) return unknownTenant(tenant);
  const base = `${call.request.url.origin}/${state.tenant}`;
  return plain(200, {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
    msgraph_host: 'graph.microsoft.com',
  });
}

export function issueToken(call: Call): SandboxAnswer {
  const [tenant = ''] = call.parameters;
  const { state } = call;
  const { application } = state;
  if (tenant !== state.tenant && !state.domains.includes(tenant)) return unknownTenant(tenant);
  const form = new URLSearchParams(call.request.body);
  if (form.get('grant_type') !== 'client_credentials')
    return refused(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${form.get('grant_type')}'.`,
    );
  if (form.get('client_id') !== application.clientId)
    return refused(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${form.get('client_id')}' was not found in the directory.`,
    );
  if (form.get('client_secret') !== application.secret)
    return refused(
      401,
      'invalid_client',
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${application.clientId}'.`,
    );
  if (!(form.get('scope') ?? '').endsWith('/.default'))
    return refused(400, 'invalid_scope', 1002012, 'The provided value for scope is not valid.');
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode({
    aud: 'https://graph.microsoft.com',
    iss: `https://sts.windows.net/${state.tenant}/`,
    iat: now,
    nbf: now,
    exp: now + 3599,
    appid: application.clientId,
    app_displayname: 'Concordat',
    idtyp: 'app',
    oid: servicePrincipalId,
    roles: application.roles,
    tid: state.tenant,
    jti: randomUUID(),
  })}`;
  return plain(200, {
    token_type: 'Bearer',
    expires_in: 3599,
    ext_expires_in: 3599,
    access_token: `${text}.${signatureOf(text).toString('base64url')}`,
  });
}

/** The object id of the application's service principal. */
export const servicePrincipalId = '3f6c0d9e-6a4b-4c0e-9a55-0f5f6f1d2b11';

/** The permissions that the token grants; throws 401 where Graph would not accept it. */
export function rolesOf(call: Call): readonly string[] {
  const invalid = (text: string): GraphProblem => new GraphProblem(401, 'InvalidAuthenticationToken', text);
  const found = /^Bearer ([^.]+\.[^.]+)\.([^.]+)$/.exec(call.request.headers.authorization ?? '');
  if (!found) throw invalid('Access token is empty.');
  const [, text = '', signature = ''] = found;
  const expected = signatureOf(text);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw invalid('Access token validation failure. Invalid signature.');
  const claims = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
    exp: number;
    roles: string[];
  };
  if (claims.exp * 1000 <= Date.now()) throw invalid('Lifetime validation failed, the token is expired.');
  return claims.roles;
}
