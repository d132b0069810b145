/**
 * Whether each blob can be read, and put. The put has a condition that no blob meets, and is refused before its condition
 * is looked at where it is not allowed: it tells the one from the other and writes nothing.
 */
import { answerOf } from '../../azure-storage.js';
import { probeObjects, type ProbedStore } from '../../record-objects/probe.js';
import type { ProbeResult } from '../connector.js';
import { failureOf, type AzureBlobClient } from './client.js';

export function probeAzureBlob({ mesh, reader, writer }: AzureBlobClient, store: ProbedStore): Promise<ProbeResult> {
  return probeObjects({
    ...store,
    identity: `the container ${mesh.container} of the storage account ${mesh.account}`,
    read: (name) => `blobs/read on ${name}`,
    write: (name) => `blobs/write on ${name}`,
    async codeOfRead(file) {
      try {
        await reader(file).getProperties();
        return null;
      } catch (error) {
        return failureOf('GetBlobProperties', error).code;
      }
    },
    async mayPut(file) {
      try {
        // HAZARD: no blob may ever have this ETag: those of Azure are hexadecimal numbers.
        await writer(file).upload('', 0, { conditions: { ifMatch: '"concordat-probe"' } });
        return 'notChecked';
      } catch (error) {
        if (answerOf(error).status === 412) return true;
        return failureOf('PutBlob', error).code === 'forbidden' ? false : 'notChecked';
      }
    },
  });
}
