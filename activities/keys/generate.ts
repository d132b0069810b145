/** `concordat keys generate`: makes what keys are missing on this machine, pins them, and signs the manifests. */
import path from 'node:path';
import { byCodeUnit } from '../../core/json.js';
import { ConcordatError } from '../../core/errors.js';
import type { PublicKey } from '../../core/federation/authority.js';
import type { Federation } from '../../core/federation/federation.js';
import { federationFileName } from '../../core/federation/files.js';
import { keepOutOfGit } from './keep-out-of-git.js';
import { pinKeys, type Pin } from './pin.js';
import {
  approverKeyFile,
  authorityKeyFile,
  generatePrivateKey,
  publicKeyOf,
  readKeyFile,
  writeKeyFile,
} from './private-key.js';
import { thumbprintOf } from './thumbprint.js';

/** Which keys: those of everyone in the folder where neither is given. */
export interface KeySelection {
  readonly authority?: string;
  readonly approver?: string;
}

export interface KeyReport {
  readonly kind: 'authority' | 'approver';
  readonly id: string;
  /** `elsewhere`: the folder pins a key whose private part is not on this machine. */
  readonly state: 'made' | 'kept' | 'elsewhere';
  /** RFC 7638. */
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
  const found = await Promise.all(wanted.map((want) => readKeyFile(want.file)));
  for (const [at, want] of wanted.entries()) {
    const here = found[at];
    const other = want.pinned.find((key) => here !== null && key.x !== here?.x);
    if (here && other)
      throw new ConcordatError(
        'usage',
        `${path.relative(folder, want.file)} is not the key that the folder pins for ${want.kind} ${want.id}; restore the right file, or take the pinned key out of the folder to start anew`,
      );
    if (!here && new Set(want.pinned.map((key) => key.x)).size > 1)
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
    if (here) key = publicKeyOf(here);
    else if (want.pinned[0]) [key, state] = [want.pinned[0], 'elsewhere'];
    else {
      const made = await generatePrivateKey();
      await writeKeyFile(want.file, made);
      [key, state] = [publicKeyOf(made), 'made'];
    }
    for (const place of want.unpinned)
      pins.set(place.file, [...(pins.get(place.file) ?? []), { entry: place.entry, key }]);
    const file = path.relative(folder, want.file).split(path.sep).join('/');
    reports.push({ kind: want.kind, id: want.id, state, thumbprint: await thumbprintOf(key), file });
  }
  for (const [file, filePins] of pins) await pinKeys(path.join(folder, file), filePins);
  return reports;
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
            file: authorityKeyFile(folder, id),
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
