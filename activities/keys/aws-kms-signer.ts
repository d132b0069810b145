/**
 * A signing key that AWS KMS keeps: it never leaves the service, and who may sign with it is a matter of its key policy.
 * Credentials come from the standard chain of the SDK, the region from the ARN.
 */
import { createHash, createPublicKey } from 'node:crypto';
import {
  GetPublicKeyCommand,
  KMSClient,
  KMSServiceException,
  SignCommand,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import { ConcordatError } from '../../core/errors.js';
import { algorithmOf, PublicKey } from '../../core/public-key.js';
import type { Signer } from './signer.js';

/** The most that KMS takes as it is; for Ed25519 it takes nothing else. */
const rawBytesMax = 4_096;

/** `key` is the ARN of a key or of an alias. Throws usage where it is neither. */
export function createKmsSigner(key: string, publicKey: PublicKey): Signer {
  const client = clientFor(key);
  return {
    publicKey,
    sign: async (input) => {
      const isP256 = algorithmOf(publicKey) === 'ES256';
      if (!isP256 && input.length > rawBytesMax)
        throw new ConcordatError(
          'signerRefused',
          `AWS KMS signs at most ${rawBytesMax} bytes with Ed25519, and this message has ${input.length}; use a key of the kind ECC_NIST_P256`,
        );
      const SigningAlgorithm: SigningAlgorithmSpec = isP256 ? 'ECDSA_SHA_256' : 'ED25519_SHA_512';
      const answer = await asked(key, () =>
        client.send(
          new SignCommand({
            KeyId: key,
            SigningAlgorithm,
            // What is too long travels as its digest, which KMS takes for ECDSA.
            ...(input.length > rawBytesMax
              ? { MessageType: 'DIGEST', Message: createHash('sha256').update(input).digest() }
              : { MessageType: 'RAW', Message: input }),
          }),
        ),
      );
      const signature = answer.Signature;
      if (!signature) throw new ConcordatError('signerRefused', `AWS KMS answered without a signature of ${key}`);
      return isP256 ? rawOfDer(signature) : signature;
    },
  };
}

/** The public part as KMS tells it. Throws signerRefused for a key that cannot sign messages. */
export async function publicKeyOfKms(key: string): Promise<PublicKey> {
  const client = clientFor(key);
  const answer = await asked(key, () => client.send(new GetPublicKeyCommand({ KeyId: key })));
  const parsed =
    answer.PublicKey && answer.KeyUsage === 'SIGN_VERIFY'
      ? PublicKey.safeParse(jwkOf(answer.PublicKey))
      : { success: false as const };
  if (parsed.success) return parsed.data;
  throw new ConcordatError(
    'signerRefused',
    `${key} is of the kind ${answer.KeySpec} for ${answer.KeyUsage}; signing needs ECC_NIST_P256 or ECC_NIST_EDWARDS25519 for SIGN_VERIFY`,
  );
}

function jwkOf(der: Uint8Array): object {
  return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }).export({ format: 'jwk' });
}

function clientFor(key: string): KMSClient {
  const [arn, , service, region] = key.split(':');
  if (arn !== 'arn' || service !== 'kms' || !region)
    throw new ConcordatError('usage', 'a key of AWS KMS is named by its ARN: arn:aws:kms:<region>:<account>:key/<id>');
  // The SDK warns people on their screens about Node 20, which it still supports.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new KMSClient({ region, maxAttempts: 3 });
}

async function asked<Answer>(key: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    // The name only: texts of a service may repeat what it was sent.
    const name = error instanceof Error ? error.name : 'unknown error';
    const isRefusal = error instanceof KMSServiceException && error.$fault === 'client' && !error.$retryable;
    throw new ConcordatError(
      isRefusal ? 'signerRefused' : 'signerUnreachable',
      `AWS KMS did not answer for ${key} (${name})`,
      { cause: error },
    );
  }
}

/**
 * r and s, 32 bytes each, out of the DER that KMS gives (RFC 3279 section 2.2.3): RFC 7518 section 3.4 wants them bare.
 * Throws signerRefused for anything else.
 */
export function rawOfDer(der: Uint8Array): Uint8Array {
  const wrong = (): never => {
    throw new ConcordatError('signerRefused', 'AWS KMS answered with a signature that is no DER of two integers');
  };
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) wrong();
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || length < 1 || integer.length !== length || (integer[0] ?? 0) >= 0x80) wrong();
    // A zero stands before a first byte that would read as a minus.
    const bare = integer[0] === 0 ? integer.subarray(1) : integer;
    if (bare.length > 32) wrong();
    raw.set(bare, end - bare.length);
    at += 2 + length;
  }
  if (at !== der.length) wrong();
  return raw;
}
