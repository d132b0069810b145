/** One authority's word on a peer: by which keys it knows it, and which terms of it it accepted. */
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import type { PublicKey } from '../../core/public-key.js';
import { entityIdOf, entityStatementType, type SubordinateStatement } from '../../core/manifest/statement.js';
import type { AuthorityId } from '../../core/record.js';
import { replaceFile } from '../keys/replace-file.js';
import { signCompact } from '../keys/sign.js';
import type { Signer } from '../keys/signer.js';
import { manifestFile, pinFile } from '../../core/federation/manifest-files.js';
import { seconds } from './key-states.js';
import { readConfiguration, readPin, statementText, type ReadConfiguration, type ReadPin } from './read-statements.js';
import { manifestSigner, manifestValidForMs, ownConfiguration } from './sign-manifest.js';

export interface PinOptions {
  readonly nowMs?: number;
  /** The thumbprint that the peer told by another way; the key in federation.yaml, or the one pinned before, where absent. */
  readonly thumbprint?: string;
}

export interface PeerLook {
  readonly own: ReadConfiguration;
  readonly peer: ReadConfiguration;
  /** Undefined where this authority has not pinned the peer yet, or its pin does not hold. */
  readonly pin: ReadPin | undefined;
}

/**
 * What the peer says now, verified by what this authority pinned before, and the first time by the key in federation.yaml.
 * Throws notSigned where a manifest is missing, inputNotAuthentic where the peer's is signed by a key that is not pinned.
 */
export async function lookAtPeer(
  folder: string,
  federation: Federation,
  authority: AuthorityId,
  peer: AuthorityId,
  options: PinOptions = {},
): Promise<PeerLook> {
  const nowMs = options.nowMs ?? Date.now();
  for (const id of [authority, peer])
    if (!federation.authorities[id]) throw new ConcordatError('notFound', `the federation has no authority "${id}"`);
  if (authority === peer) throw new ConcordatError('usage', `${authority} is no peer of itself`);
  const own = await ownConfiguration(folder, federation, authority, nowMs);
  if (!own)
    throw new ConcordatError(
      'notSigned',
      `${authority} has not signed its own manifest; run \`concordat manifest sign --authority ${authority}\` first`,
    );
  const jws = await statementText(folder, manifestFile(peer));
  if (jws === undefined)
    throw new ConcordatError('notSigned', `${peer} has not signed its manifest; there is nothing of it to pin yet`);
  const name = federation.file.federation;
  const pinJws = await statementText(folder, pinFile(authority, peer));
  let pin: ReadPin | undefined;
  if (pinJws !== undefined)
    try {
      const keys = own.statement.jwks.keys;
      pin = await readPin(pinJws, { federation: name, authority, peer, keys, nowMs });
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
    }
  const first = federation.file.members.find(({ id }) => id === peer)?.key;
  const keys: readonly PublicKey[] = pin?.statement.jwks.keys ?? (first ? [first] : []);
  const read = await readConfiguration(jws, { folder, federation: name, authority: peer, keys, nowMs });
  if (options.thumbprint !== undefined && read.kid !== options.thumbprint)
    throw new ConcordatError(
      'inputNotAuthentic',
      `the manifest of ${peer} is signed by ${read.kid} and not by ${options.thumbprint}; nothing was pinned`,
    );
  return { own, peer: read, pin };
}

/** Pins the keys that the peer's manifest names now and accepts its terms. Throws as lookAtPeer and manifestSigner. */
export async function pinPeer(
  folder: string,
  federation: Federation,
  authority: AuthorityId,
  peer: AuthorityId,
  options: PinOptions = {},
): Promise<PeerLook> {
  const nowMs = options.nowMs ?? Date.now();
  const look = await lookAtPeer(folder, federation, authority, peer, options);
  const name = federation.file.federation;
  const signer = await manifestSigner(folder, federation, authority, look.own.keys, nowMs);
  const statement: SubordinateStatement = {
    iss: entityIdOf(name, authority),
    sub: entityIdOf(name, peer),
    iat: Math.max(seconds(nowMs), (look.pin?.statement.iat ?? 0) + 1),
    exp: seconds(nowMs + manifestValidForMs),
    jwks: look.peer.statement.jwks,
    concordat_acceptance: {
      manifest: look.peer.id,
      manifest_iat: look.peer.statement.iat,
      terms: look.peer.mesh.terms,
    },
  };
  await writePin(folder, authority, peer, statement, signer);
  return look;
}

/** The same word signed anew, with another key or for longer: nothing else is accepted by it. */
export async function renewPin(
  folder: string,
  place: { readonly authority: AuthorityId; readonly peer: AuthorityId },
  statement: SubordinateStatement,
  signer: Signer,
  nowMs: number,
): Promise<void> {
  const renewed: SubordinateStatement = {
    ...statement,
    iat: Math.max(seconds(nowMs), statement.iat + 1),
    exp: seconds(nowMs + manifestValidForMs),
  };
  await writePin(folder, place.authority, place.peer, renewed, signer);
}

async function writePin(
  folder: string,
  authority: AuthorityId,
  peer: AuthorityId,
  statement: SubordinateStatement,
  signer: Signer,
): Promise<void> {
  const jws = await signCompact(statement, { typ: entityStatementType, key: signer });
  await replaceFile(path.join(folder, pinFile(authority, peer)), `${jws}\n`);
}
