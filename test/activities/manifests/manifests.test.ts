/** Manifests over time: what counts after a change, who must say so, and what nobody can put back. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLivingFederation } from '../../../activities/federation-folder/living-federation.js';
import { loadSignedFederation } from '../../../activities/federation-folder/load-signed.js';
import { getMessage, putMessage } from '../../../activities/exchange.js';
import {
  authorityKeyFile,
  generatePrivateKey,
  publicKeyOf,
  writeKeyFile,
} from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { ownSigners, signerNow } from '../../../activities/manifests/own-keys.js';
import { lookAtPeer, pinPeer } from '../../../activities/manifests/pin-peer.js';
import { finishManifestRotation, revokeKey, rotateKey } from '../../../activities/manifests/rotate-keys.js';
import { rememberManifests } from '../../../activities/manifests/seen-manifests.js';
import { renewPins, signFolder } from '../../../activities/manifests/sign-folder.js';
import { signManifest } from '../../../activities/manifests/sign-manifest.js';
import { configurationOf, type Federation } from '../../../core/federation/federation.js';
import { Hlc, hlcOf } from '../../../core/clock/hlc.js';
import { configurationDigestOf } from '../../../core/federation/configuration.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { z } from 'zod';
import { MemoryStore } from '../../support/memory-store.js';
import { edit, faults, hourMs, keyOf, noonMs, put, read, signedFolder, text, valid } from './signed-folder.js';

const day = 24 * hourMs;

async function inForce(folder: string, nowMs: number): Promise<Federation> {
  const loaded = await loadSignedFederation(folder, { nowMs });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults));
  return loaded.federation;
}

async function sign(folder: string, id: string, nowMs: number): Promise<void> {
  await signManifest(folder, await valid(folder), id, { nowMs });
}

describe('terms', () => {
  const surface = (federation: Federation) => federation.authorities['azure']?.surface['person'];

  test('that are narrower count as soon as they are signed', async () => {
    const folder = await signedFolder();
    await edit(folder, 'authorities/azure.yaml', '[mail, employeeId]', '[employeeId]');
    await edit(folder, 'datasets/workforce.yaml', '    - match: [mail]\n', '');
    await sign(folder, 'azure', noonMs + hourMs);
    expect(surface(await inForce(folder, noonMs + hourMs))).toEqual({
      fields: { employeeId: 'clear' },
      where: [],
    });
  });

  test('that are wider count after the peer accepted them, and the configuration is the old one until then', async () => {
    const folder = await signedFolder();
    await edit(folder, 'authorities/azure.yaml', 'freshness: 2h', 'freshness: 5h');
    await sign(folder, 'azure', noonMs + hourMs);
    const freshness = (federation: Federation) => federation.authorities['azure']?.constraints.freshness;
    const digest = (federation: Federation) => {
      const dataset = federation.datasets['workforce'];
      return dataset && configurationDigestOf(configurationOf(federation, dataset));
    };
    const waiting = await inForce(folder, noonMs + hourMs);
    expect(freshness(waiting)).toBe('2h');
    expect(waiting.manifests?.['azure']?.waitsFor).toEqual(['aws']);
    await pinPeer(folder, await valid(folder), 'aws', 'azure', { nowMs: noonMs + 2 * hourMs });
    const accepted = await inForce(folder, noonMs + 2 * hourMs);
    expect(freshness(accepted)).toBe('5h');
    expect(digest(accepted)).not.toBe(digest(waiting));
  });

  test('that are signed again need nobody, and change no configuration', async () => {
    const folder = await signedFolder();
    const before = await inForce(folder, noonMs);
    await sign(folder, 'azure', noonMs + hourMs);
    const after = await inForce(folder, noonMs + hourMs);
    expect(after.manifests?.['azure']).toMatchObject({ waitsFor: [], issuedAtMs: noonMs + hourMs });
    expect(after.authorities).toEqual(before.authorities);
  });

  test('of a file that was changed and not signed do not count, and no worker starts', async () => {
    const folder = await signedFolder();
    await edit(folder, 'authorities/azure.yaml', 'freshness: 2h', 'freshness: 1h');
    expect(await faults(folder)).toEqual([expect.stringMatching(/azure\.yaml changed since azure signed it/)]);
    expect((await loadSignedFederation(folder, { nowMs: noonMs })).kind).toBe('invalid');
  });

  test('run out after their time, and signing again is all that it takes; pins are renewed alike', async () => {
    const folder = await signedFolder();
    expect(await faults(folder, noonMs + 399 * day)).toEqual([]);
    expect(await faults(folder, noonMs + 401 * day)).toEqual([
      expect.stringMatching(/^manifests\/aws\.jwt .*ran out on 2027-12-27.*manifest sign --authority aws/),
      expect.stringMatching(/^manifests\/azure\.jwt .*ran out/),
    ]);
    const later = noonMs + 390 * day;
    for (const id of ['aws', 'azure']) {
      await sign(folder, id, later);
      expect(await renewPins(folder, await valid(folder), id, later)).toHaveLength(1);
    }
    expect(await faults(folder, noonMs + 780 * day)).toEqual([]);
  });

  test('from the future are refused beyond what clocks differ', async () => {
    const folder = await signedFolder();
    await sign(folder, 'azure', noonMs + day);
    expect(await faults(folder, noonMs + day - 600_000)).toEqual([]);
    expect(await faults(folder, noonMs)).toEqual([expect.stringMatching(/azure\.jwt .*still to come/)]);
  });
});

describe('a pin', () => {
  test('of another key than the one in federation.yaml is what an authority trusts, whoever edits the shared file', async () => {
    const folder = await signedFolder();
    const own = await text(folder, 'manifests/azure.jwt');
    // Mallory may write to the shared folder: her key for azure, and a manifest that she signed with it.
    await rm(authorityKeyFile(folder, 'azure', 'manifest'));
    const mallory = await generatePrivateKey();
    await writeKeyFile(authorityKeyFile(folder, 'azure', 'manifest'), mallory);
    const { x } = (await valid(folder)).file.members[1]?.key ?? { x: '' };
    await edit(folder, 'federation.yaml', x, mallory.x);
    await rm(path.join(folder, 'manifests/azure.jwt'));
    await rm(path.join(folder, 'manifests/azure'), { recursive: true });
    await signFolder(folder, await valid(folder), 'azure', noonMs + hourMs).catch(() => undefined);
    expect(await text(folder, 'manifests/azure.jwt')).not.toBe(own);
    expect(await faults(folder, noonMs + hourMs, 'aws')).toEqual([
      expect.stringMatching(/^manifests\/azure\.jwt is not what the pinned key of azure signed/),
    ]);
  });

  test('is refused for a manifest that another key signed than the person was told', async () => {
    const folder = await signedFolder();
    const federation = await valid(folder);
    const { peer } = await lookAtPeer(folder, federation, 'aws', 'azure', { nowMs: noonMs });
    const options = { nowMs: noonMs + hourMs, thumbprint: peer.kid };
    await expect(pinPeer(folder, federation, 'aws', 'azure', options)).resolves.toBeDefined();
    const other = { ...options, thumbprint: 'x'.repeat(43) };
    const before = await text(folder, 'manifests/aws/peers/azure.jwt');
    await expect(pinPeer(folder, federation, 'aws', 'azure', other)).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
    expect(await text(folder, 'manifests/aws/peers/azure.jwt')).toBe(before);
  });

  test('that is missing, or of another authority, is told with what to run', async () => {
    const folder = await signedFolder();
    await put(folder, 'manifests/aws/peers/azure.jwt', await text(folder, 'manifests/azure/peers/aws.jwt'));
    expect(await faults(folder)).toEqual([
      expect.stringMatching(
        /aws\/peers\/azure\.jwt is not what aws signed about azure.*peer pin azure --authority aws/,
      ),
    ]);
    await rm(path.join(folder, 'manifests/aws/peers/azure.jwt'));
    expect(await faults(folder)).toEqual([
      expect.stringMatching(/aws has not pinned azure; .*peer pin azure --authority aws/),
    ]);
  });
});

describe('an older statement', () => {
  async function remembering(folder: string, store: MemoryStore, nowMs: number): Promise<void> {
    await rememberManifests(store, (await read(folder, nowMs)).manifests);
  }

  test.each([
    ['manifest', 'manifests/azure.jwt', (folder: string, atMs: number) => sign(folder, 'azure', atMs)],
    [
      'pin',
      'manifests/aws/peers/azure.jwt',
      async (folder: string, atMs: number) => pinPeer(folder, await valid(folder), 'aws', 'azure', { nowMs: atMs }),
    ],
  ])('is refused once a newer %s was seen, and whoever saw only the older one goes on', async (_, file, renew) => {
    const folder = await signedFolder();
    const [seer, newcomer] = [new MemoryStore(), new MemoryStore()];
    const old = await text(folder, file);
    await remembering(folder, seer, noonMs);
    await renew(folder, noonMs + hourMs);
    await remembering(folder, seer, noonMs + hourMs);
    await put(folder, file, old);
    await expect(remembering(folder, seer, noonMs + hourMs)).rejects.toMatchObject({
      code: 'manifestRolledBack',
      message: expect.stringContaining('is of 2026-11-22T12:00:00.000Z, and one of 2026-11-22T13:00:00.000Z was seen'),
    });
    await expect(remembering(folder, newcomer, noonMs + hourMs)).resolves.toBeUndefined();
  });

  test('is refused also where it is another one of the same time', async () => {
    const [folder, store] = [await signedFolder(), new MemoryStore()];
    await remembering(folder, store, noonMs);
    const { manifests } = await read(folder, noonMs);
    const azure = manifests['azure'];
    if (!azure) throw new Error('azure has no manifest');
    await expect(rememberManifests(store, { azure: { ...azure, id: 'f'.repeat(64) } })).rejects.toMatchObject({
      code: 'manifestRolledBack',
    });
  });

  test('stops a worker at its next open, and a newer one takes effect there without a restart', async () => {
    const folder = await signedFolder();
    let nowMs = noonMs;
    const living = await openLivingFederation({
      folder,
      read: () => inForce(folder, nowMs),
      privateStore: new MemoryStore(),
      now: () => nowMs,
    });
    const old = await text(folder, 'manifests/azure.jwt');
    const file = await text(folder, 'authorities/azure.yaml');
    nowMs += hourMs;
    await edit(folder, 'authorities/azure.yaml', 'freshness: 2h', 'freshness: 1h');
    await sign(folder, 'azure', nowMs);
    expect(living.current().authorities['azure']?.constraints.freshness).toBe('2h');
    await living.refresh();
    expect(living.current().authorities['azure']?.constraints.freshness).toBe('1h');
    await put(folder, 'manifests/azure.jwt', old);
    await put(folder, 'authorities/azure.yaml', file);
    await expect(living.refresh()).rejects.toMatchObject({ code: 'manifestRolledBack' });
    expect(living.current().authorities['azure']?.constraints.freshness).toBe('1h');
    await expect(living.refresh()).rejects.toMatchObject({ code: 'manifestRolledBack' });
  });

  test('does not hide behind a running worker: terms that ran out stop it too', async () => {
    const folder = await signedFolder();
    let nowMs = noonMs;
    const read = () => inForce(folder, nowMs);
    const living = await openLivingFederation({ folder, read, privateStore: new MemoryStore(), now: () => nowMs });
    nowMs += 401 * day;
    await expect(living.refresh()).rejects.toThrow('ran out');
  });
});

describe('keys', () => {
  const Note = z.strictObject({ note: z.string(), hlc: Hlc });
  const typ = 'concordat-note+jws';
  const stamp = (ms: number): Hlc => hlcOf({ ms, counter: 0 });

  /** Writes a note as the worker of azure does at that time, and reads it as aws does. */
  async function exchanged(folder: string, atMs: number, readAtMs = atMs): Promise<string> {
    const store = new MemoryStore();
    const signers = await ownSigners(path.join(folder, 'keys'), 'azure', 'messages');
    const signer = signerNow(signers, keysOf(await inForce(folder, atMs), 'azure', 'messages'), atMs);
    if (!signer) throw new Error('azure has no key that signs');
    const ref = await putMessage(
      store,
      'azure',
      await signCompact({ note: 'x', hlc: stamp(atMs) }, { typ, key: signer }),
    );
    const keys = keysOf(await inForce(folder, readAtMs), 'azure', 'messages');
    return (await getMessage(store, ref, { typ, schema: Note, keys })).kid;
  }

  test('are separate for each use, and one key in two places is refused', async () => {
    const { configurations } = await read(await signedFolder());
    const kids = configurations.get('azure')?.keys.map(({ use, kid }) => [use, kid]) ?? [];
    expect(kids.map(([use]) => use)).toEqual(['manifest', 'messages', 'log', 'encryption']);
    expect(new Set(kids.map(([, kid]) => kid)).size).toBe(4);
  });

  test('for messages overlap: the next one is known before it signs, the last one counts for what it signed', async () => {
    const folder = await signedFolder();
    const first = await exchanged(folder, noonMs + hourMs);
    const next = await rotateKey(folder, await valid(folder), 'azure', 'messages', {
      nowMs: noonMs + hourMs,
      leadMs: day,
      overlapMs: 3 * day,
    });
    const turn = noonMs + hourMs + day;
    expect(await exchanged(folder, turn - 1)).toBe(first);
    expect(await exchanged(folder, turn)).toBe(next.kid);
    // What the last key signed while it counted is read after its turn, and what it signs after its end is not.
    expect(await exchanged(folder, turn - 1, turn + 30 * day)).toBe(first);
    const store = new MemoryStore();
    const late = { note: 'late', hlc: stamp(turn + 3 * day) };
    const ref = await putMessage(
      store,
      'azure',
      await signCompact(late, { typ, key: await keyOf(folder, 'azure', 'messages') }),
    );
    const keys = keysOf(await inForce(folder, turn + 4 * day), 'azure', 'messages');
    await expect(getMessage(store, ref, { typ, schema: Note, keys })).rejects.toMatchObject({ code: 'keyNotValid' });
  });

  test('that ran out move to the historical keys with the next signature, and the manifest names these', async () => {
    const folder = await signedFolder();
    await rotateKey(folder, await valid(folder), 'azure', 'messages', {
      nowMs: noonMs,
      leadMs: hourMs,
      overlapMs: hourMs,
    });
    await sign(folder, 'azure', noonMs + 3 * hourMs);
    const azure = (await read(folder, noonMs + 3 * hourMs)).configurations.get('azure');
    expect(azure?.mesh.keys.messages.keys).toHaveLength(1);
    expect(azure?.keys.filter(({ use }) => use === 'messages')).toHaveLength(2);
    await rm(path.join(folder, 'manifests/azure/historical-keys.jwt'));
    expect(await faults(folder, noonMs + 3 * hourMs)).toEqual([expect.stringMatching(/there is no .*historical-keys/)]);
  });

  test('that were compromised count at once for nothing that no peer had cosigned, and another takes their place', async () => {
    const folder = await signedFolder();
    const key = await keyOf(folder, 'azure', 'messages');
    const jws = await signCompact({ note: 'x', hlc: stamp(noonMs + 1) }, { typ, key });
    const stolen = await exchanged(folder, noonMs + 1);
    const { replacement } = await revokeKey(folder, await valid(folder), 'azure', stolen.slice(0, 10), {
      reason: 'compromised',
      atMs: noonMs + hourMs,
      nowMs: noonMs + 2 * hourMs,
    });
    expect(await exchanged(folder, noonMs + 2 * hourMs)).toBe(replacement?.kid);
    const store = new MemoryStore();
    const ref = await putMessage(store, 'azure', jws);
    const keys = keysOf(await inForce(folder, noonMs + 2 * hourMs), 'azure', 'messages');
    await expect(getMessage(store, ref, { typ, schema: Note, keys })).rejects.toMatchObject({ code: 'keyNotValid' });
    await expect(
      getMessage(store, ref, { typ, schema: Note, keys, cosignedBeforeMs: noonMs + hourMs }),
    ).resolves.toMatchObject({ kid: stolen });
  });

  test('that were revoked cannot be brought back by an older set of historical keys', async () => {
    const folder = await signedFolder();
    const federation = await valid(folder);
    const first = await exchanged(folder, noonMs);
    await revokeKey(folder, federation, 'azure', first, { reason: 'superseded', nowMs: noonMs + hourMs });
    const lenient = await text(folder, 'manifests/azure/historical-keys.jwt');
    await revokeKey(folder, federation, 'azure', first, { reason: 'compromised', nowMs: noonMs + 2 * hourMs });
    await put(folder, 'manifests/azure/historical-keys.jwt', lenient);
    expect(await faults(folder, noonMs + 2 * hourMs)).toEqual([
      expect.stringMatching(/historical-keys\.jwt does not hold the historical keys that it names/),
    ]);
  });

  test('of a manifest sign after every peer pinned the next one, for workers and onlookers alike', async () => {
    const folder = await signedFolder();
    const next = await rotateKey(folder, await valid(folder), 'azure', 'manifest', { nowMs: noonMs + hourMs });
    await expect(
      finishManifestRotation(folder, await valid(folder), 'azure', noonMs + 2 * hourMs),
    ).rejects.toMatchObject({
      code: 'notSigned',
      message: expect.stringContaining('aws has not pinned the next key of azure'),
    });
    await pinPeer(folder, await valid(folder), 'aws', 'azure', { nowMs: noonMs + 3 * hourMs });
    await finishManifestRotation(folder, await valid(folder), 'azure', noonMs + 4 * hourMs);
    for (const anchor of [undefined, 'aws', 'azure'])
      expect(await faults(folder, noonMs + 5 * hourMs, anchor)).toEqual([]);
    const { configurations } = await read(folder, noonMs + 5 * hourMs);
    expect(configurations.get('azure')?.kid).toBe(next.kid);
    expect((await valid(folder)).file.members[1]?.key).toEqual(next.key);
    await edit(folder, 'authorities/azure.yaml', 'freshness: 2h', 'freshness: 1h');
    await sign(folder, 'azure', noonMs + 6 * hourMs);
    expect(await faults(folder, noonMs + 6 * hourMs, 'aws')).toEqual([]);
  });

  test('of a log overlap like those for messages, and AWS KMS keeps none of them', async () => {
    const folder = await signedFolder();
    const federation = await valid(folder);
    const kms = 'arn:aws:kms:eu-central-1:123456789012:key/1';
    await expect(rotateKey(folder, federation, 'azure', 'log', { kms, nowMs: noonMs })).rejects.toMatchObject({
      code: 'usage',
    });
    const next = await rotateKey(folder, federation, 'azure', 'log', {
      nowMs: noonMs,
      leadMs: hourMs,
      overlapMs: hourMs,
    });
    expect(next).toMatchObject({ use: 'log', notBeforeMs: noonMs + hourMs, key: { kty: 'OKP' } });
    const states = (await read(folder)).configurations.get('azure')?.keys.filter(({ use }) => use === 'log');
    expect(states?.map(({ expiresMs }) => expiresMs).sort()).toEqual([noonMs + 2 * hourMs, null]);
  });

  test('that sign a manifest do not revoke themselves', async () => {
    const folder = await signedFolder();
    const federation = await valid(folder);
    const kid = (await read(folder)).configurations.get('azure')?.kid ?? '';
    const options = { reason: 'compromised', nowMs: noonMs } as const;
    await expect(revokeKey(folder, federation, 'azure', kid, options)).rejects.toMatchObject({ code: 'usage' });
    await expect(revokeKey(folder, federation, 'azure', 'zzz', options)).rejects.toMatchObject({ code: 'notFound' });
  });

  test('of P-256 do all that those of Ed25519 do', async () => {
    const folder = await signedFolder();
    const next = await rotateKey(folder, await valid(folder), 'azure', 'messages', {
      nowMs: noonMs,
      leadMs: 0,
      algorithm: 'ES256',
    });
    expect(next.key.kty).toBe('EC');
    expect(await exchanged(folder, noonMs + hourMs)).toBe(next.kid);
    const manifest = await rotateKey(folder, await valid(folder), 'azure', 'manifest', {
      nowMs: noonMs + hourMs,
      algorithm: 'ES256',
    });
    await pinPeer(folder, await valid(folder), 'aws', 'azure', { nowMs: noonMs + 2 * hourMs });
    await finishManifestRotation(folder, await valid(folder), 'azure', noonMs + 3 * hourMs);
    expect((await read(folder, noonMs + 4 * hourMs)).configurations.get('azure')?.kid).toBe(manifest.kid);
    expect((await valid(folder)).file.members[1]?.key).toEqual(manifest.key);
    expect(publicKeyOf(await keyOf(folder, 'azure', 'encryption')).kty).toBe('EC');
  });
});
