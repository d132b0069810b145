/** One entity statement each: verified, of the right parties, not run out, and what it says of keys consistent. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { KeyState } from '../../core/key-state.js';
import type { PublicKey } from '../../core/public-key.js';
import {
  EntityConfiguration,
  entityIdOf,
  entityStatementType,
  entityType,
  HistoricalKeys,
  historicalKeysType,
  SubordinateStatement,
  type KeySet,
} from '../../core/manifest/statement.js';
import type { AuthorityId } from '../../core/record.js';
import { verifyCompact } from '../keys/verify.js';
import { historicalKeysFile } from '../../core/federation/manifest-files.js';
import { historicalStates, keysOfConfiguration, publishedKeyFault, publishedStates } from './key-states.js';

/** Clocks of people's machines differ; a statement from further ahead is a mistake or an attack on later ones. */
const aheadMaxMs = 10 * 60_000;

export interface ReadConfiguration {
  readonly authority: AuthorityId;
  readonly id: Digest;
  /** Of the manifest key that signed. */
  readonly kid: string;
  readonly statement: EntityConfiguration;
  readonly mesh: EntityConfiguration['metadata'][typeof entityType];
  /** Published and historical. */
  readonly keys: readonly KeyState[];
  readonly jws: string;
}

export interface ReadPin {
  readonly id: Digest;
  readonly statement: SubordinateStatement;
  readonly jws: string;
}

/** Undefined where the file is not there. */
export async function statementText(folder: string, file: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(folder, file), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws inputNotAuthentic where it is not the configuration of this authority, signed by one of the keys, in force now. */
export async function readConfiguration(
  jws: string,
  expected: {
    readonly folder: string;
    readonly federation: string;
    readonly authority: AuthorityId;
    readonly keys: readonly PublicKey[];
    readonly nowMs: number;
  },
): Promise<ReadConfiguration> {
  const { authority, federation, folder } = expected;
  const { payload, id, kid } = await verifyCompact(jws, { typ: entityStatementType, keys: expected.keys });
  const parsed = EntityConfiguration.safeParse(payload);
  if (!parsed.success) throw refused(`it has another shape than this version knows (${placeOf(parsed.error)})`);
  const statement = parsed.data;
  const mesh = statement.metadata[entityType];
  const entity = entityIdOf(federation, authority);
  if (statement.iss !== entity || statement.sub !== entity)
    throw refused(`it is of ${statement.iss} about ${statement.sub} and not of ${entity} about itself`);
  if (mesh.authority !== authority || mesh.federation !== federation || mesh.terms.authority !== authority)
    throw refused('its terms are those of another authority');
  requireInTime(statement, expected.nowMs);
  const published = keysOfConfiguration(statement);
  for (const [use, key] of published) {
    const fault = await publishedKeyFault(key, use);
    if (fault !== null) throw refused(fault);
  }
  if (new Set(published.map(([, key]) => key.kid)).size < published.length)
    throw refused('it names one key for two uses');
  requireOwnKey(statement.jwks, kid);
  const historical = await readHistoricalKeys(folder, authority, entity, statement.jwks, mesh.historical_keys);
  const keys = [...publishedStates(authority, statement), ...historical];
  const current = new Set(published.map(([, key]) => key.kid));
  if (historical.some((state) => current.has(state.kid))) throw refused('it names a key that it retired before');
  return { authority, id, kid, statement, mesh, keys, jws };
}

/** Throws inputNotAuthentic where it is not what this authority says of this peer, signed by one of the keys, in force now. */
export async function readPin(
  jws: string,
  expected: {
    readonly federation: string;
    readonly authority: AuthorityId;
    readonly peer: AuthorityId;
    readonly keys: readonly PublicKey[];
    readonly nowMs: number;
  },
): Promise<ReadPin> {
  const { payload, id } = await verifyCompact(jws, { typ: entityStatementType, keys: expected.keys });
  const parsed = SubordinateStatement.safeParse(payload);
  if (!parsed.success) throw refused(`it has another shape than this version knows (${placeOf(parsed.error)})`);
  const statement = parsed.data;
  const [issuer, subject] = [expected.authority, expected.peer].map((name) => entityIdOf(expected.federation, name));
  if (
    statement.iss !== issuer ||
    statement.sub !== subject ||
    statement.concordat_acceptance.terms.authority !== expected.peer
  )
    throw refused(`it is of ${statement.iss} about ${statement.sub} and not of ${issuer} about ${subject}`);
  requireInTime(statement, expected.nowMs);
  for (const key of statement.jwks.keys) {
    const fault = await publishedKeyFault(key, 'manifest');
    if (fault !== null) throw refused(fault);
  }
  return { id, statement, jws };
}

/** The manifest names them by their message id, so an older set, in which a key was not yet revoked, does not fit. */
async function readHistoricalKeys(
  folder: string,
  authority: AuthorityId,
  entity: string,
  keys: KeySet,
  wanted: Digest | null,
): Promise<readonly KeyState[]> {
  if (wanted === null) return [];
  const jws = await statementText(folder, historicalKeysFile(authority));
  if (jws === undefined) throw refused(`it names historical keys, and there is no ${historicalKeysFile(authority)}`);
  const { payload, id } = await verifyCompact(jws, { typ: historicalKeysType, keys: keys.keys });
  const parsed = HistoricalKeys.safeParse(payload);
  if (!parsed.success || parsed.data.iss !== entity || id !== wanted)
    throw refused(`${historicalKeysFile(authority)} does not hold the historical keys that it names`);
  for (const key of parsed.data.keys) {
    const fault = await publishedKeyFault(key, key.concordat_use);
    if (fault !== null) throw refused(fault);
  }
  return historicalStates(authority, parsed.data);
}

function requireInTime({ iat, exp }: { readonly iat: number; readonly exp: number }, nowMs: number): void {
  if (iat * 1_000 > nowMs + aheadMaxMs)
    throw refused(`it says that it was signed on ${dayOf(iat)}, which is still to come`);
  if (exp * 1_000 <= nowMs) throw refused(`it ran out on ${dayOf(exp)}`);
}

function requireOwnKey(keys: KeySet, kid: string): void {
  if (!keys.keys.some((key) => key.kid === kid)) throw refused('it does not name the key that signed it');
}

function dayOf(secondsSinceEpoch: number): string {
  return new Date(secondsSinceEpoch * 1_000).toISOString().slice(0, 10);
}

/** The path only: the parser's words may quote what a stranger wrote. */
function placeOf(error: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] }): string {
  return error.issues[0]?.path.map(String).join('.').slice(0, 80) || 'at its top';
}

function refused(why: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `the statement is refused: ${why}`);
}
