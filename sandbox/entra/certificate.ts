/** A certificate for 127.0.0.1 and localhost that signs itself, so that one file given as NODE_EXTRA_CA_CERTS is enough. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** for NODE_EXTRA_CA_CERTS */
  readonly caFile: string;
}

/** Makes it once per folder, so that processes started with NODE_EXTRA_CA_CERTS go on trusting it after a restart. */
export async function certificateIn(folder: string): Promise<Certificate> {
  const caFile = join(folder, 'sandbox-ca.pem');
  const keyFile = join(folder, 'sandbox-key.pem');
  if (!existsSync(caFile) || !existsSync(keyFile)) {
    // A name of its own: of two trusted certificates of one name, TLS would take the wrong one.
    const made = await generate([{ name: 'commonName', value: `Concordat sandbox ${randomUUID()}` }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notAfterDate: new Date(Date.now() + 365 * 24 * 3600 * 1000),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
          ],
        },
      ],
    });
    await mkdir(folder, { recursive: true });
    await writeFile(keyFile, made.private, { mode: 0o600 });
    await writeFile(caFile, made.cert);
  }
  const [key, cert] = await Promise.all([readFile(keyFile, 'utf8'), readFile(caFile, 'utf8')]);
  return { key, cert, caFile };
}
