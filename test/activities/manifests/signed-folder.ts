/** A small federation of two authorities whose keys are all here, signed at a time that a test chooses. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { generateKeys } from '../../../activities/keys/generate.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { readManifests, type ReadManifests } from '../../../activities/manifests/read-manifests.js';
import { signFolder } from '../../../activities/manifests/sign-folder.js';
import type { Federation } from '../../../core/federation/federation.js';
import type { KeyUse } from '../../../core/key-state.js';
import { smallFederation, written, type Files } from '../federation-folder/small-federation.js';

export const noonMs = Date.UTC(2026, 10, 22, 12);
export const hourMs = 3_600_000;

export async function valid(folder: string): Promise<Federation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults));
  return loaded.federation;
}

export async function signedFolder(files: Files = smallFederation, nowMs = noonMs): Promise<string> {
  const folder = await written(files);
  await makeAndSign(folder, nowMs);
  return folder;
}

export async function makeAndSign(folder: string, nowMs: number): Promise<void> {
  await generateKeys(folder, await valid(folder), {});
  await signFolder(folder, await valid(folder), undefined, nowMs);
}

export async function edit(folder: string, file: string, from: string, to: string): Promise<void> {
  const text = await readFile(path.join(folder, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
  await writeFile(
    path.join(folder, file),
    text.replace(from, () => to),
  );
}

export async function text(folder: string, file: string): Promise<string> {
  return (await readFile(path.join(folder, file), 'utf8')).trim();
}

export async function put(folder: string, file: string, jws: string): Promise<void> {
  await writeFile(path.join(folder, file), `${jws}\n`);
}

export async function read(folder: string, nowMs = noonMs + hourMs, anchor?: string): Promise<ReadManifests> {
  return readManifests(folder, await valid(folder), { nowMs, ...(anchor === undefined ? {} : { anchor }) });
}

export async function faults(folder: string, nowMs?: number, anchor?: string): Promise<readonly string[]> {
  return (await read(folder, nowMs, anchor)).faults.map(({ file, message }) => `${file} ${message}`);
}

export async function keyOf(folder: string, authority: string, use: KeyUse): Promise<PrivateKey> {
  const key = await readKeyFile(authorityKeyFile(folder, authority, use));
  if (!key) throw new Error(`no key of ${authority} for ${use}`);
  return key;
}
