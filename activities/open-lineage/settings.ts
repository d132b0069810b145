/**
 * Where events go, under the variable names that the clients of OpenLineage use (OPENLINEAGE_URL, _ENDPOINT, _API_KEY,
 * _NAMESPACE, _DISABLED), so that who set them for one tool knows them here.
 */
import { Duration, durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';

export interface LineageSettings {
  /** With its path. */
  readonly address: URL;
  /** Sent as a bearer token. HAZARD: in no message and no log. */
  readonly apiKey: string | null;
  /** Where jobs live; `concordat://<federation>` where null. */
  readonly jobNamespace: string | null;
  /** How long the endpoint may take to answer one event. */
  readonly timeoutMs: number;
  /** How often runs and the outbox are looked at. */
  readonly everyMs: number;
}

const standardEndpoint = 'api/v1/lineage';

/** null where no endpoint is named, or OPENLINEAGE_DISABLED is true. Throws usage, without quoting a value. */
export function lineageSettings(environment: Readonly<Record<string, string | undefined>>): LineageSettings | null {
  const url = environment['OPENLINEAGE_URL'];
  if (!url || environment['OPENLINEAGE_DISABLED']?.toLowerCase() === 'true') return null;
  const base = URL.canParse(url) ? new URL(url) : null;
  if (!base || (base.protocol !== 'http:' && base.protocol !== 'https:'))
    throw new ConcordatError('usage', 'OPENLINEAGE_URL must be an address that begins with https:// or http://');
  if (base.username !== '' || base.password !== '')
    throw new ConcordatError('usage', 'OPENLINEAGE_URL must hold no password; give OPENLINEAGE_API_KEY');
  const endpoint = environment['OPENLINEAGE_ENDPOINT'] || standardEndpoint;
  const address = new URL(base);
  address.pathname = `${base.pathname.replace(/\/+$/, '')}/${endpoint.replace(/^\/+/, '')}`;
  return {
    address,
    apiKey: environment['OPENLINEAGE_API_KEY'] || null,
    jobNamespace: environment['OPENLINEAGE_NAMESPACE'] || null,
    timeoutMs: duration(environment, 'CONCORDAT_LINEAGE_TIMEOUT', 10_000),
    everyMs: duration(environment, 'CONCORDAT_LINEAGE_EVERY', 5_000),
  };
}

function duration(environment: Readonly<Record<string, string | undefined>>, name: string, fallbackMs: number): number {
  const given = environment[name];
  if (given === undefined || given === '') return fallbackMs;
  if (!Duration.safeParse(given).success)
    throw new ConcordatError('usage', `${name} must be a duration such as 500ms, 5s or 1m`);
  return durationMs(given);
}
