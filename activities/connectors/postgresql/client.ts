/** Connections, and what the server's answers mean. https://www.postgresql.org/docs/15/errcodes-appendix.html */
import { Pool, type PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { poolConfig, type PostgresqlConnectorOptions } from './config.js';

export interface PostgresqlClient {
  /** Throws ConcordatError. The connection is given back, or ended where `act` failed. */
  use<Answer>(act: (client: PoolClient) => Promise<Answer>): Promise<Answer>;
}

const unheard = (): void => undefined;

export function createClient(options: PostgresqlConnectorOptions): PostgresqlClient {
  let pool: Pool | null = null;
  const connected = (): Pool => {
    if (pool) return pool;
    pool = new Pool(poolConfig(options));
    // An idle connection that the server ended is replaced by the next use; unheard, it would end the process.
    pool.on('error', () => undefined);
    return pool;
  };
  return {
    async use(act) {
      const client = await connected()
        .connect()
        .catch((error: unknown) => {
          throw asConcordatError(error);
        });
      // HAZARD: a connection that ends says so beside failing what runs on it; unheard, it would end the process.
      client.on('error', unheard);
      try {
        const answer = await act(client);
        client.off('error', unheard);
        client.release();
        return answer;
      } catch (error) {
        client.release(true);
        throw asConcordatError(error);
      }
    },
  };
}

/** The SQLSTATE of what the server answered; null where it is no answer of a server. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : null;
}

export function codeOf(error: unknown): ErrorCode {
  const state = sqlState(error);
  if (state === null) return 'unreachable';
  if (state === '28P01' || state === '28000') return 'credentialsRejected';
  if (state === '42501') return 'forbidden';
  if (state === '42P01' || state === '3D000' || state === '3F000' || state === '42703') return 'scopeNotFound';
  if (state === '53300' || state === '40001' || state === '40P01' || state === '55P03' || state === '55006')
    return 'throttled';
  if (/^(08|53|57|58|XX)/.test(state)) return 'providerFault';
  return 'unexpectedAnswer';
}

/** HAZARD: messages of the server may hold values of rows; only the SQLSTATE is told. */
export function asConcordatError(error: unknown): unknown {
  if (error instanceof ConcordatError || !(error instanceof Error)) return error;
  const state = sqlState(error);
  if (state === null && !isNetworkFault(error)) return error;
  const words = state === null ? 'the database does not answer' : `the database answered with SQLSTATE ${state}`;
  return new ConcordatError(codeOf(error), words);
}

function isNetworkFault(error: Error): boolean {
  if ('code' in error && typeof error.code === 'string' && error.code.startsWith('E')) return true;
  return /^(Connection terminated|timeout|Client has encountered|The server does not|self-signed|Query read timeout)/i.test(
    error.message,
  );
}

/** An identifier in quotes, for names that come out of the authority file and the catalogue. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
