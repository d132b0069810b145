/** The azure-blob connector against azurite: the cases of every store of objects. */
import { BlobServiceClient, type BlockBlobClient, type BlockBlobUploadOptions } from '@azure/storage-blob';
import { afterAll, expect } from 'vitest';
import type { AzureBlobMesh } from '../../activities/connectors/azure-blob/config.js';
import { describeObjectStore, type ObjectWorld } from '../conformance/object-suite.js';
import { startAzurite, type Azurite } from '../support/systems/azurite.js';
import { missingWords } from '../support/systems/system.js';

const system = await startAzurite();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function worldOf(azurite: Azurite): ObjectWorld {
  const { name, version, environment, account, blobEndpoint } = azurite;
  const service = BlobServiceClient.fromConnectionString(environment.AZURE_STORAGE_CONNECTION_STRING);
  const blob = (file: string): BlockBlobClient =>
    service.getContainerClient('records').getBlockBlobClient(`daily/${file}`);
  const put = async (file: string, bytes: string | Buffer, more: BlockBlobUploadOptions = {}): Promise<void> => {
    await blob(file).upload(bytes, Buffer.byteLength(bytes), more);
  };
  const mesh = (files: AzureBlobMesh['files'], change: Partial<AzureBlobMesh> = {}): AzureBlobMesh => ({
    kind: 'azure-blob',
    account,
    connectionFrom: 'AZURE_STORAGE_CONNECTION_STRING',
    container: 'records',
    prefix: 'daily/',
    files,
    ...change,
  });
  return {
    name: 'azure-blob',
    system: { name, version, environment },
    origin: blobEndpoint,
    label: `${account}/records/`,
    mesh,
    nowhere: (files) => mesh(files, { container: 'nowhere' }),
    through: (files, port) => mesh(files, { endpoint: `http://127.0.0.1:${port}/${account}` }),
    emptied: async () => {
      await azurite.reset();
      await service.createContainer('records');
    },
    put,
    held: async (file) => (await blob(file).downloadToBuffer()).toString(),
    remove: async (file) => void (await blob(file).delete()),
    putWithMore: (file, text) =>
      put(file, text, {
        blobHTTPHeaders: { blobContentType: 'application/x-ndjson', blobCacheControl: 'no-store' },
        metadata: { owner: 'harbour' },
        tier: 'Cool',
        tags: { team: 'quay' },
      }),
    expectMore: async (file) => {
      expect(await blob(file).getProperties()).toMatchObject({
        contentType: 'application/x-ndjson',
        cacheControl: 'no-store',
        metadata: { owner: 'harbour' },
        accessTier: 'Cool',
      });
      expect((await blob(file).getTags()).tags).toEqual({ team: 'quay' });
    },
    busy: { status: 503, code: 'ServerBusy' },
    forbidden: { status: 403, code: 'AuthorizationPermissionMismatch' },
    rejected: { status: 403, code: 'AuthenticationFailed' },
    fault: ({ code = '' }) => ({
      headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
      body: `<Error><Code>${code}</Code><Message>of the secret row a</Message></Error>`,
    }),
  };
}

describeObjectStore('azure-blob', system.kind === 'missing' ? system : worldOf(system));
