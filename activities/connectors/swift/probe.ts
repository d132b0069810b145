/**
 * Whether each object can be read, and put. The put has a digest that its bytes do not have, so Swift refuses it after
 * asking whether it is allowed (422): it tells the one from the other and writes nothing.
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { probeObjects, type ProbedStore } from '../../record-objects/probe.js';
import type { ProbeResult } from '../connector.js';
import { codeOf, containerPath, objectPath, type SwiftClient } from './client.js';
import { newest } from './read.js';
import { requireNotCrossed } from './versions.js';

const codeOfError = (error: unknown): ErrorCode => (error instanceof ConcordatError ? error.code : 'unexpectedAnswer');

export async function probeSwift(client: SwiftClient, store: ProbedStore): Promise<ProbeResult> {
  const { mesh } = client;
  let keepsVersions = false;
  const probed = await probeObjects({
    ...store,
    identity: `the container ${mesh.container}`,
    read: (name) => `GET of ${name}`,
    write: (name) => `PUT of ${name}, versions kept`,
    async codeOfRead(file) {
      try {
        const path = objectPath(mesh, file);
        const answer = await client.read('HEAD', { method: 'HEAD', path, headers: newest });
        await requireNotCrossed(client, file, answer);
        return null;
      } catch (error) {
        return codeOfError(error);
      }
    },
    async mayPut(file) {
      try {
        const container = await client.read('HEAD', { method: 'HEAD', path: containerPath(mesh) });
        keepsVersions = container.headers.get('x-versions-enabled')?.toLowerCase() === 'true';
        if (!keepsVersions) return false;
      } catch (error) {
        return codeOfError(error) === 'forbidden' ? false : 'notChecked';
      }
      // HAZARD: no bytes may ever have this digest, least of all none.
      const headers = { etag: 'f'.repeat(32), 'content-length': '0' };
      const reply = await client.write({ method: 'PUT', path: objectPath(mesh, file), headers, body: () => '' });
      if (reply.kind !== 'answered') return 'notChecked';
      await reply.answer.body?.cancel();
      if (reply.answer.status === 422) return true;
      return codeOf(reply.answer) === 'forbidden' ? false : 'notChecked';
    },
  });
  const isWritten = Object.values(mesh.files).some(({ format }) => format !== 'parquet');
  if (keepsVersions || !isWritten || probed.code !== undefined) return probed;
  const detail = `the container ${mesh.container} keeps no versions, so nothing is written there: post X-Versions-Enabled: true to it`;
  return { ...probed, code: 'versionsNotKept', detail };
}
