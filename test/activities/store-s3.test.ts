/** What an S3 server may do to a connection that no answer tells of. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createS3Store } from '../../activities/store-s3.js';
import type { ObjectStore } from '../../activities/store.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  vi.unstubAllEnvs();
});

/** `holds`: another writer puts the object first. A put is refused by its head, and nobody reads its body. */
async function storeThatClosesEarly(
  holds: boolean,
): Promise<{ readonly store: ObjectStore; readonly puts: () => number }> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'anybody');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'anything');
  let puts = 0;
  server = createServer((request, response) => {
    if (request.method === 'PUT') {
      puts += 1;
      request.socket.destroy();
      return;
    }
    const isThere = holds && puts > 0;
    response.statusCode = isThere ? 200 : 404;
    if (isThere) response.setHeader('x-amz-meta-concordat-put', 'an earlier writer');
    response.end();
  });
  await new Promise<void>((listens) => server?.listen(0, '127.0.0.1', listens));
  const { port } = server.address() as AddressInfo;
  const store = createS3Store({
    kind: 's3',
    bucket: 'b',
    prefix: '',
    region: 'eu',
    endpoint: `http://127.0.0.1:${port}`,
  });
  return { store, puts: () => puts };
}

const bytes = new Uint8Array(4 * 1024 * 1024);

it('an object that somebody else put meanwhile is there, also where the connection ends before the answer', async () => {
  const { store, puts } = await storeThatClosesEarly(true);
  expect(await store.putIfAbsent('documents/one', bytes)).toBe(false);
  expect(puts()).toBeGreaterThan(0);
});

it('an object that is not there was not put, and nobody is told that it was', async () => {
  const { store } = await storeThatClosesEarly(false);
  await expect(store.putIfAbsent('documents/one', bytes)).rejects.toMatchObject({ code: 'storeFault' });
});
