/** What a hostile author may put in place of a manifest or a message: each refused with its reason, in bounded time. */
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signCompact } from '../../../activities/keys/sign.js';
import { generatePrivateKey, publicKeyOf, type PrivateKey } from '../../../activities/keys/private-key.js';
import { thumbprintOf } from '../../../activities/keys/thumbprint.js';
import { readUnverified, verifyCompact } from '../../../activities/keys/verify.js';
import { entityStatementType } from '../../../core/manifest/statement.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { canonicalJson, sha256Hex } from '../../../core/digest.js';
import { smallFederation } from '../federation-folder/small-federation.js';
import { faults, keyOf, makeAndSign, noonMs, put, text } from './signed-folder.js';

const typ = entityStatementType;
let folder: string;
let own: string;
let key: PrivateKey;
let kid: string;
let payload: JsonObject;

beforeAll(async () => {
  // One folder for all cases, so it cannot end with a test.
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-hostile-'));
  for (const [name, body] of Object.entries(smallFederation)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), body);
  }
  await makeAndSign(folder, noonMs);
  own = await text(folder, 'manifests/azure.jwt');
  key = await keyOf(folder, 'azure', 'manifest');
  kid = await thumbprintOf(publicKeyOf(key));
  payload = readUnverified(own, { typ }).payload;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const base64url = (bytes: string | Uint8Array): string => Buffer.from(bytes as string).toString('base64url');

/** Signs any header and payload with the right key, as a hostile owner of it could. */
function signedParts(header: string, body: string): string {
  const input = `${base64url(header)}.${base64url(body)}`;
  return `${input}.${base64url(sign(null, Buffer.from(input), createPrivateKey({ key, format: 'jwk' })))}`;
}

const header = (change: object = {}): string => JSON.stringify({ alg: 'EdDSA', kid, typ, ...change });

/** The payload with one member at this path replaced. */
function withMember(path: readonly string[], value: Json, of: JsonObject = payload): JsonObject {
  const [name = '', ...rest] = path;
  return { ...of, [name]: rest.length === 0 ? value : withMember(rest, value, of[name] as JsonObject) };
}

const claim = (path: string, value: Json) => (): string =>
  signedParts(header(), canonicalJson(withMember(path.split('/'), value)));

function firstKey(use: string): JsonObject {
  const mesh = (payload['metadata'] as JsonObject)['concordat_mesh_authority'] as JsonObject;
  const set = use === 'manifest' ? payload['jwks'] : (mesh['keys'] as JsonObject)[use];
  return ((set as JsonObject)['keys'] as readonly JsonObject[])[0] ?? {};
}

const mesh = 'metadata/concordat_mesh_authority';
const forgeries: readonly (readonly [string, () => string | Promise<string>, RegExp])[] = [
  [
    'signed by another key that names the right one',
    async () => {
      const input = own.slice(0, own.lastIndexOf('.'));
      const other = await generatePrivateKey();
      return `${input}.${base64url(sign(null, Buffer.from(input), createPrivateKey({ key: other, format: 'jwk' })))}`;
    },
    /does not verify/,
  ],
  [
    'signed by another key that names itself',
    async () => signCompact(payload, { typ, key: await generatePrivateKey() }),
    /none of the expected keys/,
  ],
  [
    'without a signature: alg none',
    () => `${base64url(header({ alg: 'none' }))}.${own.split('.')[1]}.`,
    /not canonical base64url|64 bytes/,
  ],
  [
    'alg none with a signature',
    () => signedParts(header({ alg: 'none' }), canonicalJson(payload)),
    /neither EdDSA nor ES256/,
  ],
  [
    'HMAC with the public key as the secret',
    () => {
      const input = `${base64url(header({ alg: 'HS256' }))}.${own.split('.')[1]}`;
      return `${input}.${createHmac('sha256', canonicalJson(publicKeyOf(key)))
        .update(input)
        .digest('base64url')}`;
    },
    /64 bytes/,
  ],
  [
    'HMAC of 64 bytes with the public key as the secret',
    () => {
      const input = `${base64url(header({ alg: 'HS512' }))}.${own.split('.')[1]}`;
      return `${input}.${createHmac('sha512', canonicalJson(publicKeyOf(key)))
        .update(input)
        .digest('base64url')}`;
    },
    /neither EdDSA nor ES256/,
  ],
  [
    'ES256 named for a key of Ed25519',
    () => signedParts(header({ alg: 'ES256' }), canonicalJson(payload)),
    /not the one of its key/,
  ],
  [
    'Ed25519 as the newer name of the algorithm',
    () => signedParts(header({ alg: 'Ed25519' }), canonicalJson(payload)),
    /neither EdDSA nor ES256/,
  ],
  [
    'a message of a run in place of a manifest',
    () => signedParts(header({ typ: 'concordat-open+jws' }), canonicalJson(payload)),
    /not of the type/,
  ],
  [
    'a set of keys in place of a manifest',
    () => signedParts(header({ typ: 'jwk-set+jwt' }), canonicalJson(payload)),
    /not of the type/,
  ],
  [
    'a key in the header',
    () => signedParts(header({ jwk: { kty: 'OKP' } }), canonicalJson(payload)),
    /alg, kid and typ only/,
  ],
  [
    'a header member twice',
    () => signedParts(`{"alg":"none",${header().slice(1)}`, canonicalJson(payload)),
    /each member once/,
  ],
  [
    'a claim twice',
    () => signedParts(header(), `{"exp":1,${canonicalJson(payload).slice(1)}`),
    /not an object of canonical JSON/,
  ],
  [
    'a claim deep in the terms twice',
    () => signedParts(header(), canonicalJson(payload).replace('"quorum":1', '"quorum":1,"quorum":1')),
    /not an object of canonical JSON/,
  ],
  [
    '200,000 levels',
    () => signedParts(header(), `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    /canonical JSON/,
  ],
  ['a header of 200,000 levels', () => signedParts('['.repeat(200_000), '{}'), /too deep/],
  ['two megabytes', () => signedParts(header(), `{"a":"${'x'.repeat(2_000_000)}"}`), /larger than allowed/],
  [
    '100,000 keys',
    () => signedParts(header(), canonicalJson(withMember(['jwks'], { keys: Array<Json>(9_000).fill({ kid: 'x' }) }))),
    /another shape|larger/,
  ],
  ['the issuer is another', claim('iss', 'concordat://small/aws'), /of concordat:\/\/small\/aws about/],
  ['the subject is another', claim('sub', 'concordat://small/aws'), /about concordat:\/\/small\/aws/],
  [
    'the issuer in look-alike letters',
    claim('iss', 'concordat://small/аzure'),
    /and not of concordat:\/\/small\/azure/,
  ],
  ['an authority in look-alike letters', claim(`${mesh}/authority`, 'аzure'), /another shape .*authority/],
  ['an authority with a direction mark', claim(`${mesh}/authority`, 'azure\u202e'), /another shape/],
  [
    'an approver in look-alike letters',
    claim(`${mesh}/terms/approvers`, [{ id: 'аna', roles: [] }]),
    /another shape .*approvers/,
  ],
  ['another federation', claim(`${mesh}/federation`, 'large'), /another authority/],
  ['terms of another authority', claim(`${mesh}/terms/authority`, 'aws'), /another authority/],
  ['a critical claim that nobody knows', claim('crit', ['exp']), /another shape .*crit/],
  ['an end that has passed', claim('exp', noonMs / 1_000 - 1), /ran out/],
  ['a beginning still to come', claim('iat', noonMs / 1_000 + 86_400), /still to come/],
  ['a time that is no whole number', claim('exp', 1.5e300), /another shape .*exp/],
  ['no keys', claim('jwks', { keys: [] }), /another shape .*jwks/],
  [
    'its own key not among its keys',
    async () => {
      const other = await generatePrivateKey();
      const named = { ...publicKeyOf(other), kid: await thumbprintOf(publicKeyOf(other)), use: 'sig', alg: 'EdDSA' };
      return signedParts(header(), canonicalJson(withMember(['jwks'], { keys: [named] })));
    },
    /does not name the key that signed it/,
  ],
  [
    'a key under the name of another',
    () => claim(`${mesh}/keys/messages`, { keys: [{ ...firstKey('messages'), kid: firstKey('log')['kid'] ?? '' }] })(),
    /named after another key/,
  ],
  [
    'the key of its log for its messages too',
    () => claim(`${mesh}/keys/messages`, { keys: [firstKey('log')] })(),
    /one key for two uses/,
  ],
  [
    'a key for encryption that signs',
    () => claim(`${mesh}/keys/messages`, { keys: [firstKey('encryption')] })(),
    /for another use/,
  ],
  [
    'a private key among the public ones',
    () => claim(`${mesh}/keys/messages`, { keys: [{ ...firstKey('messages'), d: key.d }] })(),
    /another shape/,
  ],
  [
    'a symmetric key',
    () => claim(`${mesh}/keys/messages`, { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid, use: 'sig', alg: 'HS256' }] })(),
    /another shape/,
  ],
  ['historical keys that are not there', claim(`${mesh}/historical_keys`, 'f'.repeat(64)), /names historical keys/],
  ['a section that this version does not know', claim(`${mesh}/terms/extra`, true), /another shape .*terms/],
];

test('the hostile author of this test can write a manifest that is accepted', async () => {
  await put(folder, 'manifests/azure.jwt', signedParts(header(), canonicalJson(payload)));
  expect(await faults(folder)).toEqual([]);
  await put(folder, 'manifests/azure.jwt', claim('note', 'unknown claims are ignored')());
  expect(await faults(folder)).toEqual([]);
});

test.each(forgeries)('a manifest is refused: %s', async (_, forge, reason) => {
  const forged = await forge();
  await put(folder, 'manifests/azure.jwt', forged);
  const beganMs = performance.now();
  const [said = '', ...others] = await faults(folder);
  expect(performance.now() - beganMs).toBeLessThan(2_000);
  expect(others).toEqual([]);
  expect(said).toMatch(/^manifests\/azure\.jwt is not what the pinned key of azure signed/);
  expect(said).toMatch(reason);
  expect(said).not.toContain(key.d);
  // Also for an authority that goes by its own pins.
  expect((await faults(folder, undefined, 'aws')).join()).toMatch(reason);
});

test.each(['EdDSA', 'ES256'] as const)(
  'a message by %s is known by what was signed, and no other key or algorithm verifies it',
  async (algorithm) => {
    const [mine, other] = [await generatePrivateKey(algorithm), await generatePrivateKey(algorithm)];
    const wrongKind = await generatePrivateKey(algorithm === 'EdDSA' ? 'ES256' : 'EdDSA');
    const jws = await signCompact({ a: 1 }, { typ, key: mine });
    const read = await verifyCompact(jws, {
      typ,
      keys: [publicKeyOf(wrongKind), publicKeyOf(other), publicKeyOf(mine)],
    });
    expect(read).toMatchObject({ algorithm, id: sha256Hex(jws.slice(0, jws.lastIndexOf('.'))) });
    for (const keys of [[publicKeyOf(other)], [publicKeyOf(wrongKind)]])
      await expect(verifyCompact(jws, { typ, keys })).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  },
);

test('the twin of an ES256 signature verifies too, so a message is not known by its signature', async () => {
  const mine = await generatePrivateKey('ES256');
  const jws = await signCompact({ a: 1 }, { typ, key: mine });
  const at = jws.lastIndexOf('.') + 1;
  const raw = Buffer.from(jws.slice(at), 'base64url');
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = order - BigInt(`0x${raw.subarray(32).toString('hex')}`);
  const twin = `${jws.slice(0, at)}${Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]).toString('base64url')}`;
  const options = { typ, keys: [publicKeyOf(mine)] };
  expect(twin).not.toBe(jws);
  expect((await verifyCompact(twin, options)).id).toBe((await verifyCompact(jws, options)).id);
});
