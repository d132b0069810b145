/** Keys as statements publish them, and as the rule for signatures reads them. */
import { thumbprintOf } from '../keys/thumbprint.js';
import type { KeyState, KeyUse } from '../../core/key-state.js';
import { algorithmOf, bareKey, type PublicKey } from '../../core/public-key.js';
import {
  entityType,
  type EntityConfiguration,
  type HistoricalKey,
  type HistoricalKeys,
  type PublishedKey,
} from '../../core/manifest/statement.js';

/** Refused words for a key that is not what its members say; null where it is. */
export async function publishedKeyFault(key: PublishedKey | HistoricalKey, use: KeyUse): Promise<string | null> {
  if ((await thumbprintOf(bareKey(key))) !== key.kid) return `key ${key.kid.slice(0, 8)} is named after another key`;
  const isEncryption = use === 'encryption';
  if (key.use !== (isEncryption ? 'enc' : 'sig')) return `key ${key.kid.slice(0, 8)} is for another use than its place`;
  if (use === 'log' && key.kty !== 'OKP')
    return `key ${key.kid.slice(0, 8)} is not Ed25519, as keys of logs are (C2SP)`;
  const alg = isEncryption ? 'ECDH-ES+A256KW' : algorithmOf(key);
  return key.alg === alg ? null : `key ${key.kid.slice(0, 8)} is for another algorithm than its kind`;
}

export async function newKeyState(
  authority: string,
  use: KeyUse,
  key: PublicKey,
  limits: { readonly notBeforeMs?: number; readonly expiresMs?: number } = {},
): Promise<KeyState> {
  return {
    authority,
    use,
    kid: await thumbprintOf(key),
    key: bareKey(key),
    notBeforeMs: limits.notBeforeMs ?? null,
    expiresMs: limits.expiresMs ?? null,
    revoked: null,
  };
}

/** The keys that an entity configuration publishes, by use, in its order. */
export function keysOfConfiguration(configuration: EntityConfiguration): readonly (readonly [KeyUse, PublishedKey])[] {
  const { messages, log, encryption } = configuration.metadata[entityType].keys;
  return [
    ...configuration.jwks.keys.map((key) => ['manifest', key] as const),
    ...messages.keys.map((key) => ['messages', key] as const),
    ...log.keys.map((key) => ['log', key] as const),
    ...encryption.keys.map((key) => ['encryption', key] as const),
  ];
}

export function publishedStates(authority: string, configuration: EntityConfiguration): readonly KeyState[] {
  return keysOfConfiguration(configuration).map(([use, key]) => stateOf(authority, use, key, null));
}

export function historicalStates(authority: string, { keys }: HistoricalKeys): readonly KeyState[] {
  return keys.map((key) =>
    stateOf(
      authority,
      key.concordat_use,
      key,
      key.revoked ? { atMs: key.revoked.revoked_at * 1_000, reason: key.revoked.reason } : null,
    ),
  );
}

function stateOf(
  authority: string,
  use: KeyUse,
  key: PublishedKey | HistoricalKey,
  revoked: KeyState['revoked'],
): KeyState {
  return {
    authority,
    use,
    kid: key.kid,
    key: bareKey(key),
    notBeforeMs: key.nbf === undefined ? null : key.nbf * 1_000,
    expiresMs: key.exp === undefined ? null : key.exp * 1_000,
    revoked,
  };
}

/** Whether a key belongs among the historical ones: nothing that is signed from now on counts under it. */
export function isRetired(state: KeyState, nowMs: number): boolean {
  return state.revoked !== null || (state.expiresMs !== null && state.expiresMs <= nowMs);
}

export function publishedKey(state: KeyState): PublishedKey {
  return {
    ...bareKey(state.key),
    kid: state.kid,
    use: state.use === 'encryption' ? 'enc' : 'sig',
    alg: state.use === 'encryption' ? 'ECDH-ES+A256KW' : algorithmOf(state.key),
    ...(state.notBeforeMs === null ? {} : { nbf: seconds(state.notBeforeMs) }),
    ...(state.expiresMs === null ? {} : { exp: seconds(state.expiresMs) }),
  };
}

export function historicalKey(state: KeyState): HistoricalKey {
  const { revoked } = state;
  return {
    ...publishedKey(state),
    exp: seconds(state.expiresMs ?? revoked?.atMs ?? 0),
    concordat_use: state.use,
    ...(revoked ? { revoked: { revoked_at: seconds(revoked.atMs), reason: revoked.reason } } : {}),
  };
}

export function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
