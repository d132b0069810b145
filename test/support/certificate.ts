/**
 * A TLS certificate for 127.0.0.1 made on the spot, and two ways to trust it.
 *
 * A process that a test starts trusts it through NODE_EXTRA_CA_CERTS (`environment`), as a worker does in production.
 * Node 20 reads that variable at the start of a process only, so for the test's own process `trustInThisProcess` adds the
 * certificate to every TLS context made from then on, which covers both fetch (the Graph client) and node:https
 * (@azure/identity). It is a seam of the tests: nothing in the sources knows of it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { generate } from 'selfsigned';

export interface LocalCertificate {
  readonly key: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly certFile: string;
  /** For a process that shall trust it. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

export async function localCertificate(): Promise<LocalCertificate> {
  // A name of its own: of two trusted certificates of one name, TLS would take the wrong one.
  const { private: key, cert } = await generate([{ name: 'commonName', value: `concordat test ${randomUUID()}` }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), 'concordat-certificate-'));
  const keyFile = join(folder, 'key.pem');
  const certFile = join(folder, 'certificate.pem');
  await writeFile(keyFile, key, { mode: 0o600 });
  await writeFile(certFile, cert);
  return {
    key,
    cert,
    keyFile,
    certFile,
    environment: { NODE_EXTRA_CA_CERTS: certFile },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

interface NativeContext {
  addCACert(certificate: string): void;
}

const trusted = new Set<string>();
let patched = false;

export function trustInThisProcess({ cert }: Pick<LocalCertificate, 'cert'>): void {
  trusted.add(cert);
  if (patched) return;
  patched = true;
  const original = tls.createSecureContext;
  tls.createSecureContext = (options) => {
    const secure = original(options);
    for (const certificate of trusted) (secure.context as NativeContext).addCACert(certificate);
    return secure;
  };
}
