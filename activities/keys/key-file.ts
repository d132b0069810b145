/** A key file as something that signs: the private key itself, or the name under which a service keeps it. */
import { readKeyFile } from './private-key.js';
import { signerOf, type Signer } from './signer.js';

/** Null where there is none. Throws usage where the file holds nothing that can sign. */
export async function readSigner(file: string): Promise<Signer | null> {
  const key = await readKeyFile(file);
  return key && signerOf(key);
}
