/**
 * The public key by which a worker knows its own authority's manifest, kept beside its private keys. federation.yaml says
 * it too, but that file is shared, and whoever may write to it must not become a trust anchor by doing so.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import { bareKey, PublicKey } from '../../core/public-key.js';
import { authorityKeyFolder } from './private-key.js';
import { replaceFile } from './replace-file.js';

const anchorFileName = 'manifest.public.json';

export async function keepAnchor(folder: string, authority: string, key: PublicKey): Promise<void> {
  const file = path.join(authorityKeyFolder(path.join(folder, 'keys'), authority), anchorFileName);
  await replaceFile(file, `${JSON.stringify(bareKey(key), null, 2)}\n`);
}

/** Throws notSigned where there is none. */
export async function readAnchor(keysFolder: string, authority: string): Promise<PublicKey> {
  const file = path.join(authorityKeyFolder(keysFolder, authority), anchorFileName);
  try {
    return PublicKey.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new ConcordatError(
      'notSigned',
      `${file} is missing or holds no public key: copy it from where the key of ${authority}'s manifest was made`,
      { cause: error },
    );
  }
}
