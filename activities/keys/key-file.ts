/** A key file as something that signs: the private key itself, or the name under which AWS KMS keeps it. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { bareKey, Ed25519Key, P256Key, type PublicKey } from '../../core/public-key.js';
import { readKeyFile, writeNewFile } from './private-key.js';
import { signerOf, type Signer } from './signer.js';

const kms = { kms: z.string().startsWith('arn:') };

/** No secret: the public key, and where the private one is kept. */
const KmsKey = z.discriminatedUnion('kty', [Ed25519Key.extend(kms), P256Key.extend(kms)]);

/** Null where there is none. Throws usage where the file holds nothing that can sign. */
export async function readSigner(file: string): Promise<Signer | null> {
  const named = await readKmsKey(file);
  if (!named) {
    const key = await readKeyFile(file);
    return key && signerOf(key);
  }
  // Loaded where it is used: nobody else pays for the SDK.
  const { createKmsSigner } = await import('./aws-kms-signer.js');
  return createKmsSigner(named.kms, bareKey(named));
}

/** The public part as KMS tells it. Throws as aws-kms-signer.ts says. */
export async function publicKeyOfKms(arn: string): Promise<PublicKey> {
  return (await import('./aws-kms-signer.js')).publicKeyOfKms(arn);
}

/** Throws usage where the file is there. */
export async function writeKmsKeyFile(file: string, arn: string, publicKey: PublicKey): Promise<void> {
  await writeNewFile(file, `${JSON.stringify({ ...publicKey, kms: arn }, null, 2)}\n`);
}

async function readKmsKey(file: string): Promise<z.infer<typeof KmsKey> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return KmsKey.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
