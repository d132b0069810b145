/** Private keys as JWK (RFC 8037, RFC 7518): made here, kept in files that nobody else may read. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { KeyUse } from '../../core/key-state.js';
import { algorithmOf, bareKey, Ed25519Key, P256Key, type Algorithm, type PublicKey } from '../../core/public-key.js';

const secret = { d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) };

/** HAZARD: holds the secret `d`. Never log it, never put it into a result, an error or a history. */
export const PrivateKey = z.discriminatedUnion('kty', [Ed25519Key.extend(secret), P256Key.extend(secret)]);
export type PrivateKey = z.infer<typeof PrivateKey>;

/** `keysFolder` is `keys/` of a federation folder, or what CONCORDAT_KEYS names. */
export function authorityKeyFolder(keysFolder: string, authority: string): string {
  return path.join(keysFolder, 'authorities', authority);
}

/** The first key of a use; later ones, made by a rotation, lie beside it. */
export function authorityKeyFile(folder: string, authority: string, use: KeyUse = 'messages'): string {
  return path.join(authorityKeyFolder(path.join(folder, 'keys'), authority), `${use}.key.json`);
}

/** All key files of one use that are here, the first key first. */
export async function keyFilesOf(keyFolder: string, use: KeyUse): Promise<readonly string[]> {
  const names = await readdir(keyFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name === `${use}.key.json` || (name.startsWith(`${use}.`) && name.endsWith('.key.json')))
    .sort(byCodeUnit)
    .map((name) => path.join(keyFolder, name));
}

/** One key per person: the same file serves every authority that lists the approver. */
export function approverKeyFile(folder: string, approver: string): string {
  return path.join(folder, 'keys', 'approvers', `${approver}.key.json`);
}

export function publicKeyOf(key: PrivateKey): PublicKey {
  return bareKey(key);
}

export async function generatePrivateKey(algorithm: Algorithm = 'EdDSA'): Promise<PrivateKey> {
  const { privateKey } = await generateKeyPair(
    algorithm,
    algorithm === 'EdDSA' ? { crv: 'Ed25519', extractable: true } : { extractable: true },
  );
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  return PrivateKey.parse(y === undefined ? { kty, crv, x, d } : { kty, crv, x, y, d });
}

/** Never overwrites: throws usage where the file is there. Mode 0600 in folders of mode 0700. */
export async function writeKeyFile(file: string, key: PrivateKey): Promise<void> {
  await writeNewFile(file, `${JSON.stringify(key, null, 2)}\n`);
}

export async function writeNewFile(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  let handle;
  try {
    handle = await open(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new ConcordatError('usage', `${file} is there already; a key is never overwritten`, { cause: error });
    throw error;
  }
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Null where there is none. Throws usage where others may read the file, and where it holds no consistent key. */
export async function readKeyFile(file: string): Promise<PrivateKey | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0)
    throw new ConcordatError(
      'usage',
      `${file} may be read by others; run \`chmod 600\` on it, and renew the key if somebody could have`,
    );
  const parsed = PrivateKey.safeParse(parsedJson(text));
  if (!parsed.success || !matches(parsed.data))
    throw new ConcordatError(
      'usage',
      `${file} holds no Ed25519 or P-256 key as JWK; restore it, or remove it to make a new one`,
    );
  return parsed.data;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text: it must not leave this function.
    return undefined;
  }
}

/** Whether the public part belongs to `d`: else signatures would never verify, and nobody would know why. */
function matches(key: PrivateKey): boolean {
  const probe = new TextEncoder().encode('concordat');
  const hash = algorithmOf(key) === 'ES256' ? 'sha256' : null;
  try {
    const signature = sign(hash, probe, createPrivateKey({ key, format: 'jwk' }));
    return verify(hash, probe, createPublicKey({ key: { ...publicKeyOf(key) }, format: 'jwk' }), signature);
  } catch {
    return false;
  }
}
