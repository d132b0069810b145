/** Keys that AWS KMS keeps, against moto: an implementation of KMS that is not ours and signs with real keys. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { CreateKeyCommand, KMSClient, type KeySpec } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { publicKeyOfKms, readSigner } from '../../activities/keys/key-file.js';
import { authorityKeyFile } from '../../activities/keys/private-key.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signCompact } from '../../activities/keys/sign.js';
import { verifyCompact } from '../../activities/keys/verify.js';
import { adoptKmsKey, rotateKey } from '../../activities/manifests/rotate-keys.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { read, valid } from '../activities/manifests/signed-folder.js';
import { forKms, startMoto } from '../support/systems/moto.js';
import { missingWords, type System } from '../support/systems/system.js';

let system: System;
let client: KMSClient;
const typ = 'concordat-note+jws';

beforeAll(async () => {
  system = await startMoto(forKms);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  if (system.kind === 'available') await system.stop();
});
beforeEach(({ skip }) => {
  if (system.kind === 'missing') return skip(missingWords(system));
  // As a worker would have them: the SDK reads its credentials and the endpoint from the environment.
  for (const [name, value] of Object.entries(system.environment)) vi.stubEnv(name, value);
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', system.endpoint);
  client = new KMSClient({ region: 'eu-central-1' });
});

async function keyInKms(
  KeySpec: KeySpec,
  KeyUsage: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT' = 'SIGN_VERIFY',
): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec, KeyUsage }));
  return KeyMetadata?.Arn ?? '';
}

it('signs messages of any length with a P-256 key that it never gives away', async () => {
  const folder = await written(smallFederation);
  const arn = await keyInKms('ECC_NIST_P256');
  await adoptKmsKey(folder, 'aws', 'messages', arn);
  const signer = await readSigner(authorityKeyFile(folder, 'aws', 'messages'));
  if (!signer) throw new Error('there is no signer');
  // DER leaves leading zeros out: enough signatures to meet some that are shorter.
  for (let n = 0; n < 40; n += 1) {
    const jws = await signCompact({ n, text: 'x'.repeat(n * 70) }, { typ, key: signer });
    await expect(verifyCompact(jws, { typ, keys: [signer.publicKey] })).resolves.toMatchObject({ algorithm: 'ES256' });
  }
});

it('sends the digest of what is too long to send', async () => {
  const folder = await written(smallFederation);
  await adoptKmsKey(folder, 'aws', 'messages', await keyInKms('ECC_NIST_P256'));
  const signer = await readSigner(authorityKeyFile(folder, 'aws', 'messages'));
  if (!signer) throw new Error('there is no signer');
  const input = new TextEncoder().encode('x'.repeat(4_097));
  const signature = await signer.sign(input);
  // moto does not look at MessageType and hashes the digest once more; KMS itself signs it as it is.
  const digest = createHash('sha256').update(input).digest();
  const key = createPublicKey({ key: { ...signer.publicKey }, format: 'jwk' });
  expect(verify('sha256', digest, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
});

it('signs a manifest, and the next key of messages, in one folder with keys from files', async () => {
  const folder = await written(smallFederation);
  const arn = await keyInKms('ECC_NIST_P256');
  const manifest = await adoptKmsKey(folder, 'aws', 'manifest', arn);
  await generateKeys(folder, await valid(folder), {});
  await signFolder(folder, await valid(folder));
  const next = await rotateKey(folder, await valid(folder), 'aws', 'messages', {
    leadMs: 0,
    kms: await keyInKms('ECC_NIST_P256'),
  });
  const { faults, configurations } = await read(folder, Date.now() + 1_000);
  expect(faults).toEqual([]);
  expect(configurations.get('aws')?.kid).toBe(manifest.kid);
  expect(configurations.get('aws')?.mesh.keys.messages.keys.map(({ kid }) => kid)).toContain(next.kid);
});

it('refuses a key that cannot sign messages, and one that is not there, by name', async () => {
  for (const spec of ['RSA_2048', 'ECC_NIST_P384'] as const)
    await expect(publicKeyOfKms(await keyInKms(spec))).rejects.toMatchObject({ code: 'signerRefused' });
  await expect(publicKeyOfKms('not an arn')).rejects.toMatchObject({ code: 'usage' });
  const absent = 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000';
  await expect(publicKeyOfKms(absent)).rejects.toMatchObject({
    code: 'signerRefused',
    message: expect.stringContaining('NotFoundException'),
  });
});

it('is away: that passes by itself', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'http://127.0.0.1:9');
  const arn = 'arn:aws:kms:eu-central-1:123456789012:key/7f3a';
  await expect(publicKeyOfKms(arn)).rejects.toMatchObject({ code: 'signerUnreachable' });
});
