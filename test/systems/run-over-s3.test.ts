/**
 * A whole run with no common file system: the exchange store and the private store of one authority lie in a bucket of
 * moto, two workers of that authority share the work, and what they leave is what a run over files leaves.
 */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeNewFederation } from '../../activities/federation-folder/new-federation.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { openStore } from '../../activities/store-location.js';
import { startLocalFederation, type LocalFederation } from '../../cli/local/local-federation.js';
import { openFederation, openSignedFederation } from '../../cli/open-federation.js';
import { runCommand } from '../support/run-command.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords, type System } from '../support/systems/system.js';
import { builtProgram } from '../support/temporal.js';

let moto: System;
let folder: string;
let local: LocalFederation | undefined;

function located(prefix: string): string {
  if (moto.kind === 'missing') throw new Error('no system');
  return `s3://federation/${prefix}?region=us-east-1&endpoint=${encodeURIComponent(moto.endpoint)}`;
}

beforeAll(async () => {
  [moto] = await Promise.all([startMoto(), builtProgram()]);
  if (moto.kind === 'missing') return;
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  const client = new S3Client({ region: 'us-east-1', endpoint: moto.endpoint, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'federation' }));
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-s3-'));
  await writeNewFederation(folder, {
    name: 'over-s3',
    dataset: 'workforce',
    meshes: [
      { id: 'aws', kind: 'aws-iam' },
      { id: 'azure', kind: 'entra' },
      { id: 'sov', kind: 'keystone' },
    ],
    approvers: ['ana'],
    sandbox: true,
  });
  await generateKeys(folder, await openFederation(folder), {});
  await signFolder(folder, await openFederation(folder));
  local = await startLocalFederation({
    federation: await openSignedFederation(folder),
    federationFolder: folder,
    dataFolder: path.join(folder, '.concordat'),
    headless: true,
    sandbox: { people: 40, teams: 4, seed: 7 },
    exchange: { location: located('exchange'), environment: moto.environment },
    environmentOf: ({ authority }) => (authority === 'sov' ? { CONCORDAT_PRIVATE: located('private/sov') } : {}),
  });
  await local.startAuthority('sov', {}, 'sov-too');
});

afterAll(async () => {
  await local?.stop();
  if (moto.kind === 'available') await moto.stop();
  vi.unstubAllEnvs();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test('clouds come to agreement, and the next run finds nothing to do', async ({ skip }) => {
  if (moto.kind === 'missing' || !local) return skip(moto.kind === 'missing' ? missingWords(moto) : 'nothing runs');
  const environment = { TEMPORAL_ADDRESS: local.address, CONCORDAT_EXCHANGE: located('exchange'), TMPDIR: folder };
  const concordat = async (
    ...argv: readonly string[]
  ): Promise<{ code: number; document: Record<string, unknown> }> => {
    const { code, stdout, stderr } = await runCommand([...argv, '--federation', folder, '--json'], {
      workingFolder: folder,
      environment,
    });
    if (code === 1 || stdout === '') throw new Error(`concordat ${argv.join(' ')} failed:\n${stdout}\n${stderr}`);
    return { code, document: JSON.parse(stdout) as Record<string, unknown> };
  };
  expect((await concordat('doctor')).document).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({ what: 'exchange store', state: 'ok', detail: located('exchange') }),
    ]),
  });
  expect((await concordat('run', '--no-wait')).code).toBe(2);
  await concordat('approve', 'latest', '--as', 'ana');
  // Closing reviews ask for a run by themselves.
  await vi.waitUntil(
    async () => {
      const { runs } = (await concordat('runs')).document as { runs: { status: string }[] };
      return runs.length > 1 && runs.every(({ status }) => status !== 'running');
    },
    { timeout: 120_000, interval: 1_000 },
  );
  const again = await concordat('run');
  expect(again.document).toMatchObject({ plan: { operations: 0 }, divergencesByKind: { heldByCase: 5 } });

  const exchange = await openStore(located('exchange')).list('');
  expect([...new Set(exchange.map((name) => name.split('/')[0]))]).toEqual(['aws', 'azure', 'federation', 'sov']);
  expect((await openStore(located('private/sov')).list('journal/')).length).toBeGreaterThan(0);
  await expect(access(path.join(folder, '.concordat', 'exchange'))).rejects.toThrow();
  await expect(access(path.join(folder, '.concordat', 'private', 'sov'))).rejects.toThrow();
  await expect(access(path.join(folder, '.concordat', 'private', 'aws'))).resolves.toBeUndefined();
});
