/** Ed25519 keys as JWK (RFC 8037): made here, kept in files that nobody else may read. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import { PublicKey } from '../../core/federation/authority.js';

/** HAZARD: holds the secret `d`. Never log it, never put it into a result, an error or a history. */
export const PrivateKey = z.strictObject({ ...PublicKey.shape, d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type PrivateKey = z.infer<typeof PrivateKey>;

export function authorityKeyFile(folder: string, authority: string): string {
  return path.join(folder, 'keys', 'authorities', `${authority}.key.json`);
}

/** One key per person: the same file serves every authority that lists the approver. */
export function approverKeyFile(folder: string, approver: string): string {
  return path.join(folder, 'keys', 'approvers', `${approver}.key.json`);
}

export function publicKeyOf(key: PrivateKey): PublicKey {
  return { kty: key.kty, crv: key.crv, x: key.x };
}

export async function generatePrivateKey(): Promise<PrivateKey> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return PrivateKey.parse({ kty, crv, x, d });
}

/** Never overwrites: throws usage where the file is there. Mode 0600 in folders of mode 0700. */
export async function writeKeyFile(file: string, key: PrivateKey): Promise<void> {
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
    await handle.writeFile(`${JSON.stringify(key, null, 2)}\n`);
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
      `${file} holds no Ed25519 key as JWK; restore it, or remove it to make a new one`,
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

/** Whether `x` is the public part of `d`: else signatures would never verify, and nobody would know why. */
function matches(key: PrivateKey): boolean {
  try {
    return createPublicKey(createPrivateKey({ key, format: 'jwk' })).export({ format: 'jwk' })['x'] === key.x;
  } catch {
    return false;
  }
}
