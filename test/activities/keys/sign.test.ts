/** What a signature must not let through: other types, other keys, other texts for one meaning. */
import { CompactSign, importJWK } from 'jose';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../../core/digest.js';
import { generatePrivateKey, publicKeyOf, type PrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { thumbprintOf } from '../../../activities/keys/thumbprint.js';
import { readUnverified, verifyCompact } from '../../../activities/keys/verify.js';

const typ = 'concordat-test+jws';
let key: PrivateKey;
let other: PrivateKey;
let kid: string;

beforeAll(async () => {
  key = await generatePrivateKey();
  other = await generatePrivateKey();
  kid = await thumbprintOf(publicKeyOf(key));
});

const refused = { name: 'ConcordatError', code: 'inputNotAuthentic' };

function encode(text: string | Uint8Array): string {
  return Buffer.from(text as string).toString('base64url');
}

/** Signs any header and payload text with the right key, as a hostile signer could. */
async function signedParts(header: string, payload: string | Uint8Array): Promise<string> {
  const { sign, createPrivateKey } = await import('node:crypto');
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), createPrivateKey({ key, format: 'jwk' })).toString('base64url')}`;
}

function header(): string {
  return JSON.stringify({ alg: 'EdDSA', kid, typ });
}

test('what was signed is read back, known by its key and by the digest of its signing input', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 })), async (payload) => {
      const wanted = JSON.parse(JSON.stringify(payload)) as object;
      const jws = await signCompact(wanted, { typ, key });
      const read = await verifyCompact(jws, { typ, keys: [publicKeyOf(other), publicKeyOf(key)] });
      expect(canonicalJson(read.payload)).toBe(canonicalJson(wanted));
      expect(read.kid).toBe(kid);
      expect(read.id).toBe(sha256Hex(jws.slice(0, jws.lastIndexOf('.'))));
    }),
    { numRuns: 50 },
  );
});

test('a message of another type is refused, although jose would verify it', async () => {
  const jws = await signCompact({ a: 1 }, { typ: 'concordat-decision+jws', key });
  await expect(verifyCompact(jws, { typ, keys: [publicKeyOf(key)] })).rejects.toMatchObject(refused);
});

test('a message that none of the keys signed is refused', async () => {
  const jws = await signCompact({ a: 1 }, { typ, key: other });
  await expect(verifyCompact(jws, { typ, keys: [publicKeyOf(key)] })).rejects.toMatchObject(refused);
  await expect(verifyCompact(jws, { typ, keys: [] })).rejects.toMatchObject(refused);
});

test('a message that names the key of somebody else is refused', async () => {
  const payload = new TextEncoder().encode('{"a":1}');
  const jws = await new CompactSign(payload)
    .setProtectedHeader({ alg: 'EdDSA', kid, typ })
    .sign(await importJWK(other, 'EdDSA'));
  await expect(verifyCompact(jws, { typ, keys: [publicKeyOf(key), publicKeyOf(other)] })).rejects.toMatchObject(
    refused,
  );
});

test('no single altered character verifies', async () => {
  const jws = await signCompact({ plan: 'abc', n: 7 }, { typ, key });
  for (let at = 0; at < jws.length; at += 1) {
    const altered = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`;
    await expect(verifyCompact(altered, { typ, keys: [publicKeyOf(key)] }), `character ${at}`).rejects.toMatchObject(
      refused,
    );
  }
});

test('the hostile signer of this test can sign a message that is accepted', async () => {
  const jws = await signedParts(header(), '{"a":1}');
  expect((await verifyCompact(jws, { typ, keys: [publicKeyOf(key)] })).payload).toEqual({ a: 1 });
});

const hostile: readonly { readonly reason: string; readonly parts: () => readonly [string, string | Uint8Array] }[] = [
  { reason: 'a header member twice', parts: () => [`{"alg":"EdDSA","kid":"${kid}","typ":"x","typ":"${typ}"}`, '{}'] },
  { reason: 'spaces in the header', parts: () => [`{"alg":"EdDSA", "kid":"${kid}","typ":"${typ}"}`, '{}'] },
  { reason: 'a header that is a list', parts: () => ['["EdDSA"]', '{}'] },
  {
    reason: 'an unknown header member',
    parts: () => [JSON.stringify({ alg: 'EdDSA', kid, typ, jku: 'https://x' }), '{}'],
  },
  {
    reason: 'a critical header member',
    parts: () => [JSON.stringify({ alg: 'EdDSA', kid, typ, crit: ['b64'], b64: false }), '{}'],
  },
  { reason: 'no algorithm', parts: () => [JSON.stringify({ alg: 'none', kid, typ }), '{}'] },
  { reason: 'no key id', parts: () => [JSON.stringify({ alg: 'EdDSA', typ }), '{}'] },
  { reason: 'a payload member twice', parts: () => [header(), '{"a":1,"a":2}'] },
  { reason: 'a payload that is not canonical', parts: () => [header(), '{"b":1,"a":2}'] },
  { reason: 'a number written otherwise', parts: () => [header(), '{"a":1.0}'] },
  { reason: 'a payload that is not an object', parts: () => [header(), '[1]'] },
  { reason: 'a payload that is no JSON', parts: () => [header(), '{'] },
  { reason: 'a payload that is not UTF-8', parts: () => [header(), new Uint8Array([0x7b, 0xff, 0x7d])] },
  { reason: 'a payload with a byte order mark', parts: () => [header(), '\ufeff{}'] },
  { reason: 'a payload 65 levels deep', parts: () => [header(), `{"a":${'['.repeat(64)}${']'.repeat(64)}}`] },
  {
    reason: 'a payload that overflows parsers',
    parts: () => [header(), `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  },
  { reason: 'a payload beyond the size limit', parts: () => [header(), `{"a":"${'x'.repeat(1_100_000)}"}`] },
];

test.each(hostile)('$reason is refused, although the signature is right', async ({ parts }) => {
  const jws = await signedParts(...parts());
  await expect(verifyCompact(jws, { typ, keys: [publicKeyOf(key)] })).rejects.toMatchObject(refused);
});

test('64 levels are not too deep, and brackets inside texts do not count', async () => {
  const deep = JSON.parse(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`) as object;
  const jws = await signCompact(deep, { typ, key });
  await expect(verifyCompact(jws, { typ, keys: [publicKeyOf(key)] })).resolves.toMatchObject({ kid });
  const text = await signCompact({ a: `\\"${'['.repeat(500)}` }, { typ, key });
  await expect(verifyCompact(text, { typ, keys: [publicKeyOf(key)] })).resolves.toMatchObject({ kid });
});

test('base64url with stray bits, padding or spaces is refused', async () => {
  const jws = await signCompact({ a: 1 }, { typ, key });
  // 64 bytes end in a character of which only two bits count: jose accepts all 16 that share them.
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(jws.at(-1) ?? '');
  const twin = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last + 1] ?? '';
  for (const altered of [
    `${jws.slice(0, -1)}${twin}`,
    `${jws}==`,
    `${jws}\n`,
    ` ${jws}`,
    `${jws}.`,
    jws.replace('.', '..'),
  ])
    await expect(verifyCompact(altered, { typ, keys: [publicKeyOf(key)] })).rejects.toMatchObject(refused);
});

test('an unverified reading tells who claims to have signed, and still refuses what no signer of ours writes', async () => {
  const jws = await signCompact({ a: 1 }, { typ, key });
  expect(readUnverified(jws, { typ })).toMatchObject({ kid, payload: { a: 1 } });
  expect(() => readUnverified(`${jws}==`, { typ })).toThrow(expect.objectContaining(refused));
});

test('a payload too deep or too large is a fault of the one who signs', async () => {
  let deep: object = {};
  for (let level = 0; level < 64; level += 1) deep = { deep };
  await expect(signCompact(deep, { typ, key })).rejects.toThrow(TypeError);
  await expect(signCompact({ a: 'x'.repeat(1_048_576) }, { typ, key })).rejects.toThrow(TypeError);
});
