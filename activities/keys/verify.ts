/**
 * Reading what others signed: compact JWS (RFC 7515) over canonical JSON, EdDSA with Ed25519 (RFC 8037) or ES256 (RFC 7518).
 * Apart from sign.ts, because the coordinator verifies and must not reach a private key: test/architecture.test.ts follows
 * the imports.
 */
import { compactVerify, importJWK } from 'jose';
import { Hlc, hlcParts } from '../../core/clock/hlc.js';
import { sha256Hex, type Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { isJsonObject, type JsonObject } from '../../core/json.js';
import { signatureStands, type KeyState } from '../../core/key-state.js';
import { algorithmOf, algorithms, bareKey, type Algorithm, type PublicKey } from '../../core/public-key.js';
import { isTooDeep, parseCanonical } from './canonical-text.js';
import { thumbprintOf } from './thumbprint.js';

/** Temporal refuses payloads over 2 MB, and larger things travel by digest. */
export const messageBytesMax = 1_048_576;

export interface ReadMessage {
  readonly payload: JsonObject;
  /** RFC 7638 thumbprint of the key that signed, or claims to have. */
  readonly kid: string;
  readonly algorithm: Algorithm;
  /** SHA-256 of the signing input, in hexadecimal. */
  readonly id: Digest;
}

export interface ReadOptions {
  readonly typ: string;
  readonly bytesMax?: number;
}

/**
 * HAZARD: does everything but verify the signature. Only for learning which key to look for; trust nothing of it.
 * Throws inputNotAuthentic for anything that signCompact could not have written.
 */
export function readUnverified(jws: string, { typ, bytesMax = messageBytesMax }: ReadOptions): ReadMessage {
  if (jws.length > bytesMax) refuse('it is larger than allowed');
  const [header = '', payload = '', signature = '', ...more] = jws.split('.');
  if (more.length > 0 || decoded(signature).length !== 64) refuse('it is no compact JWS with a signature of 64 bytes');
  const members = parseHeader(textOf(header));
  const algorithm = algorithms.find((known) => known === members['alg']);
  if (!algorithm) return refuse('its algorithm is neither EdDSA nor ES256');
  if (members['typ'] !== typ) refuse(`it is not of the type ${typ}`);
  const kid = members['kid'];
  // An exact list: `crit`, `b64`, `jwk` and their kind change what a signature means.
  if (typeof kid !== 'string' || Object.keys(members).length !== 3)
    refuse('its header must hold alg, kid and typ only');
  const value = parseCanonical(textOf(payload));
  if (!isJsonObject(value)) return refuse('its payload is not an object of canonical JSON');
  return { payload: value, kid: kid as string, algorithm, id: sha256Hex(`${header}.${payload}`) };
}

/** A key alone counts always; one with its state only for what it signed while it counted. */
export type VerifyingKey = PublicKey | KeyState;

export interface VerifyOptions extends ReadOptions {
  /** The keys that may have signed. The signer is the one whose thumbprint the header names. */
  readonly keys: readonly VerifyingKey[];
  /** A time by which peers had cosigned a log that holds the message; nothing shows that where absent. */
  readonly cosignedBeforeMs?: number;
}

/**
 * Throws inputNotAuthentic for a message that none of the keys signed, or of another type, shape or size; keyNotValid for
 * one that was signed with a key that did not count then.
 */
export async function verifyCompact(jws: string, options: VerifyOptions): Promise<ReadMessage> {
  const message = readUnverified(jws, options);
  for (const verifying of options.keys) {
    const key = 'key' in verifying ? verifying.key : verifying;
    if ((await thumbprintOf(key)) !== message.kid) continue;
    // The key says which algorithm it is for; the header only repeats it.
    const algorithm = algorithmOf(key);
    if (message.algorithm !== algorithm) refuse('its algorithm is not the one of its key');
    try {
      await compactVerify(jws, await importJWK({ ...bareKey(key) }, algorithm), { algorithms: [algorithm] });
    } catch (error) {
      throw new ConcordatError('inputNotAuthentic', 'the message is refused: its signature does not verify', {
        cause: error,
      });
    }
    if ('key' in verifying) requireStanding(verifying, message, options.cosignedBeforeMs ?? null);
    return message;
  }
  return refuse('none of the expected keys signed it');
}

function requireStanding(state: KeyState, { payload }: ReadMessage, cosignedBeforeMs: number | null): void {
  const standing = signatureStands(state, { issuedAtMs: issuedAtMs(payload), cosignedBeforeMs });
  if (!standing.stands) throw new ConcordatError('keyNotValid', `the message is refused: ${standing.why}`);
}

/** When a message says that it was signed, under the names that messages have for it; null where it does not. */
export function issuedAtMs(payload: JsonObject): number | null {
  for (const [name, factor] of issueTimes) {
    const value = payload[name];
    if (typeof value === 'number' && Number.isFinite(value)) return value * factor;
  }
  // A stamp is never behind the machine that gave it, and ahead of it by the declared bound at most.
  const hlc = Hlc.safeParse(payload['hlc']);
  return hlc.success ? hlcParts(hlc.data).ms : null;
}

const issueTimes = [
  ['atMs', 1],
  ['issuedAtMs', 1],
  ['iat', 1_000],
] as const;

function refuse(why: string): never {
  throw new ConcordatError('inputNotAuthentic', `the message is refused: ${why}`);
}

/** base64url without padding, in the one form that RFC 4648 section 3.5 calls canonical. */
function decoded(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (part === '' || bytes.toString('base64url') !== part) refuse('a part of it is not canonical base64url');
  return bytes;
}

function textOf(part: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decoded(part));
  } catch (error) {
    if (error instanceof ConcordatError) throw error;
    return refuse('a part of it is not UTF-8');
  }
}

function parseHeader(text: string): JsonObject {
  if (isTooDeep(text)) refuse('its header is too deep');
  let members: unknown;
  try {
    members = JSON.parse(text);
  } catch {
    return refuse('its header is not JSON');
  }
  // Written again it must be the same: that finds repeated members, which JSON.parse hides. Any order is fine.
  if (typeof members !== 'object' || members === null || Array.isArray(members) || JSON.stringify(members) !== text)
    return refuse('its header is not a compact JSON object with each member once');
  return members as JsonObject;
}
