/** `concordat keys generate`: makes what keys are missing on this machine and pins those that others must know. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { byCodeUnit } from '../../core/json.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { federationFileName } from '../../core/federation/files.js';
import { keyUses } from '../../core/key-state.js';
import { isSameKey, type Algorithm, type PublicKey } from '../../core/public-key.js';
import { manifestFile } from '../../core/federation/manifest-files.js';
import { keepOutOfGit } from './keep-out-of-git.js';
import { pinKeys, type Pin } from './pin.js';
import { keepAnchor } from './anchor.js';
import { readSigner } from './key-file.js';
import {
  approverKeyFile,
  authorityKeyFile,
  authorityKeyFolder,
  generatePrivateKey,
  keyFilesOf,
  publicKeyOf,
  writeKeyFile,
} from './private-key.js';
import { thumbprintOf } from './thumbprint.js';

/** Which keys: those of everyone in the folder where neither is given. */
export interface KeySelection {
  readonly authority?: string;
  readonly approver?: string;
  /** Of keys that are made; EdDSA where absent. Logs are signed with Ed25519 and values encrypted to P-256 always. */
  readonly algorithm?: Algorithm;
}

export interface KeyReport {
  readonly kind: 'authority' | 'approver';
  readonly id: string;
  /** `elsewhere`: the folder pins a key whose private part is not on this machine. */
  readonly state: 'made' | 'kept' | 'elsewhere';
  /** RFC 7638. Of an authority the key of its manifest, which vouches for its other keys. */
  readonly thumbprint: string;
  /** Of the private key, relative to the folder. */
  readonly file: string;
}

/**
 * Never replaces a key: one that is pinned stays pinned. Throws usage where a key on this machine is not the pinned
 * one, before anything is written; notFound for an authority or approver that the folder does not name.
 */
export async function generateKeys(
  folder: string,
  federation: Federation,
  selection: KeySelection,
): Promise<readonly KeyReport[]> {
  const wanted = wantedKeys(folder, federation, selection);
  const found = await Promise.all(wanted.map(async (want) => (await readSigner(want.file))?.publicKey));
  for (const [at, want] of wanted.entries()) {
    const here = found[at];
    const other = want.pinned.find((key) => here && !isSameKey(key, here));
    if (here && other)
      throw new ConcordatError(
        'usage',
        `${path.relative(folder, want.file)} is not the key that the folder pins for ${want.kind} ${want.id}; restore the right file, or take the pinned key out of the folder to start anew`,
      );
    if (!here && new Set(want.pinned.map(({ x }) => x)).size > 1)
      throw new ConcordatError(
        'usage',
        `the authority files pin different keys for approver ${want.id}; one person has one key`,
      );
  }
  await keepOutOfGit(folder);
  const reports: KeyReport[] = [];
  const pins = new Map<string, Pin[]>();
  for (const [at, want] of wanted.entries()) {
    let key: PublicKey | undefined;
    let state: KeyReport['state'] = 'kept';
    const here = found[at];
    if (here) key = here;
    else if (want.pinned[0]) [key, state] = [want.pinned[0], 'elsewhere'];
    else {
      const made = await generatePrivateKey(selection.algorithm);
      await writeKeyFile(want.file, made);
      [key, state] = [publicKeyOf(made), 'made'];
    }
    if (want.kind === 'authority' && state !== 'elsewhere') {
      await makeWorkerKeys(folder, want.id, selection.algorithm);
      await keepAnchor(folder, want.id, key);
    }
    for (const place of want.unpinned)
      pins.set(place.file, [...(pins.get(place.file) ?? []), { entry: place.entry, key }]);
    const file = path.relative(folder, want.file).split(path.sep).join('/');
    reports.push({ kind: want.kind, id: want.id, state, thumbprint: await thumbprintOf(key), file });
  }
  for (const [file, filePins] of pins) await pinKeys(path.join(folder, file), filePins);
  return reports;
}

/** The keys that the worker signs and opens with; those that a signed manifest already names may lie elsewhere. */
async function makeWorkerKeys(folder: string, authority: string, algorithm: Algorithm | undefined): Promise<void> {
  const signed = await access(path.join(folder, manifestFile(authority))).then(
    () => true,
    () => false,
  );
  if (signed) return;
  const keyFolder = authorityKeyFolder(path.join(folder, 'keys'), authority);
  for (const use of keyUses) {
    if (use === 'manifest' || (await keyFilesOf(keyFolder, use)).length > 0) continue;
    // A log is signed as C2SP has it, and P-256 is what services that keep keys can open values with.
    const made = use === 'log' ? 'EdDSA' : use === 'encryption' ? 'ES256' : algorithm;
    await writeKeyFile(authorityKeyFile(folder, authority, use), await generatePrivateKey(made));
  }
}

interface WantedKey {
  readonly kind: 'authority' | 'approver';
  readonly id: string;
  readonly file: string;
  readonly pinned: readonly PublicKey[];
  readonly unpinned: readonly { readonly file: string; readonly entry: readonly (string | number)[] }[];
}

function wantedKeys(folder: string, federation: Federation, selection: KeySelection): readonly WantedKey[] {
  const everyone = selection.authority === undefined && selection.approver === undefined;
  const authorities = federation.file.members.flatMap(({ id, key }, at): WantedKey[] =>
    everyone || selection.authority === id
      ? [
          {
            kind: 'authority',
            id,
            file: authorityKeyFile(folder, id, 'manifest'),
            pinned: key ? [key] : [],
            unpinned: key ? [] : [{ file: federationFileName, entry: ['members', at] }],
          },
        ]
      : [],
  );
  if (selection.authority !== undefined && authorities.length === 0)
    throw new ConcordatError('notFound', `the federation has no authority "${selection.authority}"`);
  const listings = federation.file.members.flatMap(({ id: authority }) =>
    (federation.authorities[authority]?.approvers ?? []).map((approver, at) => ({ authority, at, ...approver })),
  );
  const ids = [...new Set(listings.map(({ id }) => id))].sort(byCodeUnit);
  const approvers = ids
    .filter((id) => everyone || selection.approver === id)
    .map((id): WantedKey => {
      const own = listings.filter((listing) => listing.id === id);
      return {
        kind: 'approver',
        id,
        file: approverKeyFile(folder, id),
        pinned: own.flatMap(({ key }) => (key ? [key] : [])),
        unpinned: own
          .filter(({ key }) => !key)
          .map(({ authority, at }) => ({ file: `authorities/${authority}.yaml`, entry: ['approvers', at] })),
      };
    });
  if (selection.approver !== undefined && approvers.length === 0)
    throw new ConcordatError('notFound', `no authority lists an approver "${selection.approver}"`);
  return [...authorities, ...approvers];
}
