/**
 * Manifests and pins before software that is not ours: `@openid-federation/core` resolves the chain from one authority to
 * another as its trust anchor, and pygrindvakt (Rust, through Python) verifies each statement.
 */
import { execFile } from 'node:child_process';
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { revokeKey, rotateKey } from '../../activities/manifests/rotate-keys.js';
import type { Algorithm } from '../../core/public-key.js';
import { nodePackage } from '../support/systems/node-package.js';
import { pythonEnvironment } from '../support/systems/python-environment.js';
import { keyOf, put, text, valid } from '../activities/manifests/signed-folder.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { signCompact } from '../../activities/keys/sign.js';
import { readUnverified } from '../../activities/keys/verify.js';
import { entityStatementType } from '../../core/manifest/statement.js';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';

const run = promisify(execFile);
const algorithms: readonly Algorithm[] = ['EdDSA', 'ES256'];

async function folderOf(algorithm: Algorithm): Promise<string> {
  const folder = await written(smallFederation);
  await generateKeys(folder, await valid(folder), { algorithm });
  await signFolder(folder, await valid(folder));
  return folder;
}

interface Chain {
  readonly valid: boolean;
  readonly chain: readonly { readonly iss: string; readonly sub: string }[];
}

interface Library {
  readonly resolveTrustChains: (options: {
    readonly entityId: string;
    readonly trustAnchorEntityIds: readonly string[];
    readonly verifyJwtCallback: (given: { readonly jwt: string; readonly jwk: JsonWebKey }) => Promise<boolean>;
  }) => Promise<readonly Chain[]>;
}

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

/** The addresses in statements, answered from the folder: the library knows no other way to them. */
function answerFrom(folder: string): void {
  globalThis.fetch = (url) => {
    const { pathname, searchParams } = new URL(url as string);
    const [, authority = '', place] = pathname.split('/');
    const subject = searchParams.get('sub')?.split('/').at(-1) ?? '';
    const file = place === 'fetch' ? `${authority}/peers/${subject}.jwt` : `${authority}.jwt`;
    const body = readFileSync(path.join(folder, 'manifests', file), 'utf8').trim();
    const headers = { 'content-type': 'application/entity-statement+jwt' };
    return Promise.resolve(new Response(body, { headers }));
  };
}

/** Signatures by the platform alone: nothing of ours takes part. */
function verifyJwtCallback({ jwt, jwk }: { readonly jwt: string; readonly jwk: JsonWebKey }): Promise<boolean> {
  const [header, payload, signature = ''] = jwt.split('.');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const hash = jwk.kty === 'EC' ? 'sha256' : null;
  const input = Buffer.from(`${header}.${payload}`);
  return Promise.resolve(verify(hash, input, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
}

describe('@openid-federation/core 0.2.1', () => {
  async function library({ skip }: TestContext): Promise<Library> {
    const found = await nodePackage('@openid-federation/core', '0.2.1');
    if (found.kind === 'missing') return skip(`skipped: @openid-federation/core cannot be installed (${found.reason})`);
    return createRequire(path.join(found.folder, 'package.json'))('@openid-federation/core') as Library;
  }
  const request = {
    entityId: 'concordat://small/azure',
    trustAnchorEntityIds: ['concordat://small/aws'],
    verifyJwtCallback,
  };

  for (const algorithm of algorithms)
    it(`resolves the chain from azure to aws as its trust anchor, ${algorithm}`, async (context) => {
      const { resolveTrustChains } = await library(context);
      answerFrom(await folderOf(algorithm));
      const [found, ...others] = await resolveTrustChains(request);
      expect(others).toEqual([]);
      expect(found?.valid).toBe(true);
      expect(found?.chain.map(({ iss, sub }) => `${iss} about ${sub}`)).toEqual([
        'concordat://small/aws about concordat://small/azure',
        'concordat://small/aws about concordat://small/aws',
      ]);
    });

  it('finds no chain where the manifest is signed by a key that its peer did not pin', async (context) => {
    const { resolveTrustChains } = await library(context);
    const folder = await folderOf('EdDSA');
    const other = await folderOf('EdDSA');
    await put(folder, 'manifests/aws/peers/azure.jwt', await text(other, 'manifests/aws/peers/azure.jwt'));
    answerFrom(folder);
    await expect(resolveTrustChains(request)).rejects.toThrow();
  });
});

describe('pygrindvakt 0.2.0', () => {
  const script = `
import json, sys
from pygrindvakt import federation as f
place = sys.argv[1]
read = lambda name: open(f"{place}/{name}").read().strip()
own = {id: f.verify_self_signed(read(f"{id}.jwt")) for id in ["aws", "azure"]}
pin = f.verify_typed(read("aws/peers/azure.jwt"), own["aws"].jwks(), f.ENTITY_STATEMENT_TYP)
known = f.verify_typed(read("azure.jwt"), pin.jwks(), f.ENTITY_STATEMENT_TYP)
retired = None
try: retired = read("azure/historical-keys.jwt")
except FileNotFoundError: pass
keys = f.verify_typed(retired, own["azure"].jwks(), f.JWK_SET_TYP).claims["keys"] if retired else []
print(json.dumps({"iss": known.iss(), "sub": pin.sub(), "hints": known.authority_hints(),
  "authority": known.metadata("concordat_mesh_authority")["authority"],
  "revoked": [key["revoked"]["reason"] for key in keys if "revoked" in key]}))
`;

  async function judge({ skip }: TestContext, folder: string): Promise<unknown> {
    const environment = await pythonEnvironment('pygrindvakt', ['pygrindvakt==0.2.0']);
    if (environment.kind === 'missing') return skip(`skipped: pygrindvakt cannot be installed (${environment.reason})`);
    const python = path.join(environment.binFolder, 'python');
    const { stdout } = await run(python, ['-c', script, path.join(folder, 'manifests')]);
    return JSON.parse(stdout) as unknown;
  }

  for (const algorithm of algorithms)
    it(`verifies manifests, a pin and historical keys, ${algorithm}`, async (context) => {
      const folder = await folderOf(algorithm);
      const next = await rotateKey(folder, await valid(folder), 'azure', 'messages', { leadMs: 0 });
      await revokeKey(folder, await valid(folder), 'azure', next.kid, { reason: 'compromised' });
      expect(await judge(context, folder)).toEqual({
        iss: 'concordat://small/azure',
        sub: 'concordat://small/azure',
        hints: ['concordat://small/aws'],
        authority: 'azure',
        revoked: ['compromised'],
      });
    });

  it('refuses a manifest that another key signed, and one of another type', async (context) => {
    const folder = await folderOf('EdDSA');
    expect(await judge(context, folder)).toBeDefined();
    const own = await text(folder, 'manifests/azure.jwt');
    const { payload } = readUnverified(own, { typ: entityStatementType });
    const key = await keyOf(folder, 'azure', 'manifest');
    for (const forged of [
      await signCompact(payload, { typ: entityStatementType, key: await keyOf(folder, 'aws', 'manifest') }),
      await signCompact(payload, { typ: 'jwk-set+jwt', key }),
    ]) {
      await put(folder, 'manifests/azure.jwt', forged);
      await expect(judge(context, folder)).rejects.toThrow();
    }
  });
});
