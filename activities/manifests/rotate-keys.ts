/** Renewing and revoking keys of an authority, so that peers know the next key before it signs and the last one after. */
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import { federationFileName } from '../../core/federation/files.js';
import type { Federation } from '../../core/federation/federation.js';
import type { KeyState, KeyUse, RevocationReason } from '../../core/key-state.js';
import { algorithmOf, type Algorithm } from '../../core/public-key.js';
import type { AuthorityId } from '../../core/record.js';
import { keepAnchor } from '../keys/anchor.js';
import { publicKeyOfKms, writeKmsKeyFile } from '../keys/key-file.js';
import { replacePin } from '../keys/pin.js';
import { authorityKeyFile, generatePrivateKey, publicKeyOf, writeKeyFile } from '../keys/private-key.js';
import { newKeyState } from './key-states.js';
import { keysFolderOf, ownSigners } from './own-keys.js';
import { renewPin } from './pin-peer.js';
import { readManifests } from './read-manifests.js';
import type { ReadConfiguration } from './read-statements.js';
import { ownConfiguration, signManifest } from './sign-manifest.js';

export interface RotateOptions {
  readonly nowMs?: number;
  /** How long peers have to fetch the manifest before the next key signs. */
  readonly leadMs?: number;
  /** How long the last key still counts after that: for runs and reviews that are under way. */
  readonly overlapMs?: number;
  /** Of the next key; as the last one where absent. */
  readonly algorithm?: Algorithm;
  /** The ARN of a key that AWS KMS keeps; a key is made where absent. */
  readonly kms?: string;
}

export const leadDefaultMs = 86_400_000;
export const overlapDefaultMs = 7 * 86_400_000;

/**
 * Makes the next key of a use and publishes it. A worker that holds both signs with the next one from its time on, without
 * being started anew. A log keeps its name, and its next checkpoint is signed with the next key. Throws usage for manifest
 * keys where the next one is there already.
 */
export async function rotateKey(
  folder: string,
  federation: Federation,
  id: AuthorityId,
  use: KeyUse,
  options: RotateOptions = {},
): Promise<KeyState> {
  if (use === 'log' && options.kms !== undefined)
    throw new ConcordatError('usage', 'AWS KMS keeps keys for manifest and messages; the others are used here');
  const nowMs = options.nowMs ?? Date.now();
  const prior = await requireOwn(folder, federation, id, nowMs);
  const current = countingKeys(prior, use, nowMs);
  if (use === 'manifest' && current.length > 1)
    throw new ConcordatError(
      'usage',
      `the next key of ${id}'s manifest is published already; when all peers have pinned it, run \`concordat keys rotate --use manifest --authority ${id} --finish\``,
    );
  const last = current.at(-1);
  const algorithm =
    use === 'encryption'
      ? 'ES256'
      : use === 'log'
        ? 'EdDSA'
        : (options.algorithm ?? (last ? algorithmOf(last.key) : 'EdDSA'));
  // Manifest keys have no times: the next one signs once all peers have pinned it, however long that takes.
  const notBeforeMs = use === 'manifest' ? undefined : wholeSeconds(nowMs + (options.leadMs ?? leadDefaultMs));
  const made: NewKey = options.kms === undefined ? { algorithm } : { kms: options.kms };
  const next = await makeKey(folder, id, use, made, notBeforeMs === undefined ? {} : { notBeforeMs });
  const endMs = (notBeforeMs ?? 0) + (options.overlapMs ?? overlapDefaultMs);
  const keys = prior.keys.map((state) =>
    use !== 'manifest' && state.use === use && state.revoked === null
      ? { ...state, expiresMs: Math.min(state.expiresMs ?? Number.POSITIVE_INFINITY, endMs) }
      : state,
  );
  await signManifest(folder, federation, id, { nowMs, keys: [...keys, next] });
  return next;
}

/**
 * Lets the next manifest key sign, after every peer has pinned it, and retires the last one. Throws notSigned naming the
 * peers that have not.
 */
export async function finishManifestRotation(
  folder: string,
  federation: Federation,
  id: AuthorityId,
  nowMs: number = Date.now(),
): Promise<KeyState> {
  const prior = await requireOwn(folder, federation, id, nowMs);
  const signers = await ownSigners(keysFolderOf(folder), id, 'manifest');
  const next = countingKeys(prior, 'manifest', nowMs).find(({ kid }) => kid !== prior.kid && signers.has(kid));
  if (!next)
    throw new ConcordatError(
      'usage',
      `${id} has published no next key for its manifest; run \`concordat keys rotate --use manifest --authority ${id}\` first`,
    );
  const { manifests, pins } = await readManifests(folder, federation, { nowMs });
  const peers = federation.file.members.map((member) => member.id).filter((peer) => peer !== id);
  const without = peers.filter((peer) => !manifests[peer]?.pins[id]?.kids.includes(next.kid));
  if (without.length > 0)
    throw new ConcordatError(
      'notSigned',
      `${without.join(', ')} ${without.length === 1 ? 'has' : 'have'} not pinned the next key of ${id}; \`concordat peer pin ${id}\` does it where the keys of ${without.length === 1 ? 'that authority are' : 'those authorities are'}`,
    );
  const keys = prior.keys.map((state): KeyState =>
    state.kid === prior.kid ? { ...state, expiresMs: nowMs, revoked: { atMs: nowMs, reason: 'superseded' } } : state,
  );
  const at = federation.file.members.findIndex((member) => member.id === id);
  await replacePin(path.join(folder, federationFileName), { entry: ['members', at], key: next.key });
  await keepAnchor(folder, id, next.key);
  const renamed: Federation = {
    ...federation,
    file: {
      ...federation.file,
      members: federation.file.members.map((member) => (member.id === id ? { ...member, key: next.key } : member)),
    },
  };
  await signManifest(folder, renamed, id, { nowMs, keys });
  // Its own pins were signed with the last key, which its manifest no longer names.
  for (const peer of peers) {
    const pin = pins.get(`${id}/${peer}`);
    const signer = signers.get(next.kid);
    if (pin && signer) await renewPin(folder, { authority: id, peer }, pin.statement, signer, nowMs);
  }
  return next;
}

export interface RevokeOptions {
  readonly reason: RevocationReason;
  /** From when the key may have been in wrong hands; now where absent. */
  readonly atMs?: number;
  readonly nowMs?: number;
}

/**
 * Revokes a key at once and, where none would be left for its use, publishes a new one that signs at once. Throws notFound
 * for a key that the manifest does not name, usage for the only key of a manifest, which could not vouch for its own end.
 */
export async function revokeKey(
  folder: string,
  federation: Federation,
  id: AuthorityId,
  kid: string,
  options: RevokeOptions,
): Promise<{ readonly revoked: KeyState; readonly replacement: KeyState | null }> {
  const nowMs = options.nowMs ?? Date.now();
  const prior = await requireOwn(folder, federation, id, nowMs);
  const found = prior.keys.filter((state) => state.kid.startsWith(kid));
  const [state, ...others] = found;
  if (!state || kid === '' || others.length > 0)
    throw new ConcordatError(
      'notFound',
      `the manifest of ${id} names ${found.length === 0 ? 'no key' : 'several keys'} ${kid}; \`concordat keys list\` shows them`,
    );
  if (state.use === 'manifest' && state.kid === prior.kid)
    throw new ConcordatError(
      'usage',
      `this key signs the manifest of ${id} itself: rotate it, or where it was stolen, make a new one and let every peer pin it by its thumbprint (docs/manifests.md)`,
    );
  const atMs = wholeSeconds(options.atMs ?? nowMs);
  if (atMs > nowMs)
    throw new ConcordatError('usage', 'a key cannot be revoked from a later time on: rotate it instead');
  const revoked: KeyState = { ...state, revoked: { atMs, reason: options.reason } };
  const rest = prior.keys.map((one) => (one.kid === state.kid ? revoked : one));
  const left = rest.some(
    (one) =>
      one.use === state.use &&
      one.revoked === null &&
      (one.notBeforeMs ?? 0) <= nowMs &&
      (one.expiresMs ?? nowMs + 1) > nowMs,
  );
  const replacement = left ? null : await makeKey(folder, id, state.use, { algorithm: algorithmOf(state.key) }, {});
  await signManifest(folder, federation, id, { nowMs, keys: replacement ? [...rest, replacement] : rest });
  return { revoked, replacement };
}

async function requireOwn(
  folder: string,
  federation: Federation,
  id: AuthorityId,
  nowMs: number,
): Promise<ReadConfiguration> {
  const prior = await ownConfiguration(folder, federation, id, nowMs);
  if (prior) return prior;
  throw new ConcordatError(
    'notSigned',
    `${id} has no manifest that holds; run \`concordat manifest sign --authority ${id}\``,
  );
}

function countingKeys(prior: ReadConfiguration, use: KeyUse, nowMs: number): readonly KeyState[] {
  return prior.keys.filter(
    (state) => state.use === use && state.revoked === null && (state.expiresMs === null || state.expiresMs > nowMs),
  );
}

type NewKey = { readonly algorithm: Algorithm } | { readonly kms: string };

/** Beside the first key of the use, under a name of its own. */
async function makeKey(
  folder: string,
  id: AuthorityId,
  use: KeyUse,
  wanted: NewKey,
  limits: { readonly notBeforeMs?: number },
): Promise<KeyState> {
  const first = authorityKeyFile(folder, id, use);
  const fileOf = ({ kid }: KeyState): string => first.replace(/\.key\.json$/, `.${kid.slice(0, 8)}.key.json`);
  if ('kms' in wanted) {
    if (use === 'encryption') throw new ConcordatError('usage', 'AWS KMS keeps keys that sign; values are opened here');
    const publicKey = await publicKeyOfKms(wanted.kms);
    const state = await newKeyState(id, use, publicKey, limits);
    await writeKmsKeyFile(fileOf(state), wanted.kms, publicKey);
    return state;
  }
  const made = await generatePrivateKey(wanted.algorithm);
  const state = await newKeyState(id, use, publicKeyOf(made), limits);
  await writeKeyFile(fileOf(state), made);
  return state;
}

/**
 * Names a key of AWS KMS as the first key of a use, before `concordat keys generate` would make one. Throws usage where
 * there is a key of that use already: then it is rotated.
 */
export async function adoptKmsKey(folder: string, id: AuthorityId, use: KeyUse, arn: string): Promise<KeyState> {
  if (use === 'log' || use === 'encryption')
    throw new ConcordatError('usage', 'AWS KMS keeps keys for manifest and messages; the others are used here');
  const publicKey = await publicKeyOfKms(arn);
  await writeKmsKeyFile(authorityKeyFile(folder, id, use), arn, publicKey);
  return newKeyState(id, use, publicKey);
}

/** Statements count in seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
