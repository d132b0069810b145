/** Signs what an authority publishes. Checking is read-manifests.ts, which needs no private key. */
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import type { KeyState, KeyUse } from '../../core/key-state.js';
import {
  entityIdOf,
  entityStatementType,
  entityType,
  historicalKeysType,
  type EntityConfiguration,
  type HistoricalKeys,
  type KeySet,
} from '../../core/manifest/statement.js';
import { termsOf } from '../../core/federation/terms.js';
import { replaceFile } from '../keys/replace-file.js';
import { signCompact } from '../keys/sign.js';
import type { Signer } from '../keys/signer.js';
import { readUnverified } from '../keys/verify.js';
import { historicalKeysFile, manifestFile } from '../../core/federation/manifest-files.js';
import { historicalKey, isRetired, newKeyState, publishedKey, seconds } from './key-states.js';
import { keysFolderOf, ownSigners, signerNow } from './own-keys.js';
import { readConfiguration, statementText, type ReadConfiguration } from './read-statements.js';

/** Signing again changes nothing for anybody, so a year costs one command. */
export const manifestValidForMs = 400 * 86_400_000;

export interface SignManifestOptions {
  readonly nowMs?: number;
  /** The keys from now on; those that the manifest named before where absent. */
  readonly keys?: readonly KeyState[];
  readonly validForMs?: number;
}

/**
 * Signs the manifest of one authority with the key on this machine. Throws notFound for an authority that the folder does
 * not name, notSigned where the key is not here or is not the pinned one.
 */
export async function signManifest(
  folder: string,
  federation: Federation,
  id: string,
  options: SignManifestOptions = {},
): Promise<ReadConfiguration> {
  const authority = federation.authorities[id];
  if (!authority) throw new ConcordatError('notFound', `the federation has no authority "${id}"`);
  const nowMs = options.nowMs ?? Date.now();
  const prior = await ownConfiguration(folder, federation, id, nowMs);
  const known = options.keys ?? prior?.keys ?? (await firstKeys(folder, id));
  const keys = known.filter((state) => !isRetired(state, nowMs));
  const signer = await manifestSigner(folder, federation, id, keys, nowMs);
  const entity = entityIdOf(federation.file.federation, id);
  const iat = Math.max(seconds(nowMs), (prior?.statement.iat ?? 0) + 1);
  const exp = seconds(nowMs + (options.validForMs ?? manifestValidForMs));
  const retired = known.filter((state) => isRetired(state, nowMs));
  let historical: string | null = null;
  if (retired.length > 0) {
    const set: HistoricalKeys = { iss: entity, iat, exp, keys: retired.map(historicalKey) };
    historical = await signCompact(set, { typ: historicalKeysType, key: signer });
  }
  const statement: EntityConfiguration = {
    iss: entity,
    sub: entity,
    iat,
    exp,
    jwks: keySet(keys, 'manifest'),
    authority_hints: federation.file.members
      .filter((member) => member.id !== id)
      .map((member) => entityIdOf(federation.file.federation, member.id)),
    metadata: {
      federation_entity: {
        federation_fetch_endpoint: `${entity}/fetch`,
        ...(historical === null ? {} : { federation_historical_keys_endpoint: `${entity}/historical-keys` }),
      },
      [entityType]: {
        federation: federation.file.federation,
        authority: id,
        terms: termsOf(authority),
        keys: {
          messages: keySet(keys, 'messages'),
          log: keySet(keys, 'log'),
          encryption: keySet(keys, 'encryption'),
        },
        historical_keys: historical === null ? null : readUnverified(historical, { typ: historicalKeysType }).id,
      },
    },
  };
  for (const [name, set] of Object.entries({ manifest: statement.jwks, ...statement.metadata[entityType].keys }))
    if (set.keys.length === 0)
      throw new ConcordatError(
        'notSigned',
        `${id} has no ${name} key; run \`concordat keys generate --authority ${id}\` where its keys are`,
      );
  const jws = await signCompact(statement, { typ: entityStatementType, key: signer });
  if (historical !== null) await replaceFile(path.join(folder, historicalKeysFile(id)), `${historical}\n`);
  await replaceFile(path.join(folder, manifestFile(id)), `${jws}\n`);
  return readConfiguration(jws, {
    folder,
    federation: federation.file.federation,
    authority: id,
    keys: statement.jwks.keys,
    nowMs: Math.max(nowMs, iat * 1_000),
  });
}

/** What the authority published last; undefined where there is nothing that its own keys signed. */
export async function ownConfiguration(
  folder: string,
  federation: Federation,
  id: string,
  nowMs: number,
): Promise<ReadConfiguration | undefined> {
  const jws = await statementText(folder, manifestFile(id));
  if (jws === undefined) return undefined;
  const pinned = federation.file.members.find((member) => member.id === id)?.key;
  const own = [...(await ownSigners(keysFolderOf(folder), id, 'manifest')).values()].map(({ publicKey }) => publicKey);
  try {
    const statement = readUnverified(jws, { typ: entityStatementType }).payload;
    // One that has run out is still the one before.
    const exp = typeof statement['exp'] === 'number' ? statement['exp'] * 1_000 - 1 : nowMs;
    return await readConfiguration(jws, {
      folder,
      federation: federation.file.federation,
      authority: id,
      keys: [...(pinned ? [pinned] : []), ...own],
      nowMs: Math.min(nowMs, exp),
    });
  } catch (error) {
    if (error instanceof ConcordatError) return undefined;
    throw error;
  }
}

/** Of the keys that the manifest names and that are here; the first one must be the pinned one. */
export async function manifestSigner(
  folder: string,
  federation: Federation,
  id: string,
  keys: readonly KeyState[],
  nowMs: number,
): Promise<Signer> {
  const signers = await ownSigners(keysFolderOf(folder), id, 'manifest');
  if (signers.size === 0)
    throw new ConcordatError(
      'notSigned',
      `the key of ${id}'s manifest is not on this machine (keys/authorities/${id}/manifest.key.json)`,
    );
  const pinned = federation.file.members.find((member) => member.id === id)?.key;
  const manifestKeys = keys.filter((state) => state.use === 'manifest');
  const signer = signerNow(
    signers,
    manifestKeys.filter((state) => pinned && state.key.x === pinned.x),
    nowMs,
  );
  if (!signer)
    throw new ConcordatError(
      'notSigned',
      `the key of ${id}'s manifest on this machine is not the one that federation.yaml pins`,
    );
  return signer;
}

/** Before the first manifest: the keys that were made for it. */
async function firstKeys(folder: string, id: string): Promise<readonly KeyState[]> {
  const states: KeyState[] = [];
  for (const use of ['manifest', 'messages', 'log', 'encryption'] as const)
    for (const signer of (await ownSigners(keysFolderOf(folder), id, use)).values())
      states.push(await newKeyState(id, use, signer.publicKey));
  return states;
}

function keySet(keys: readonly KeyState[], use: KeyUse): KeySet {
  return { keys: keys.filter((state) => state.use === use).map(publishedKey) };
}
