/**
 * Some servers that speak S3 refuse an object that is there while it is still being sent, and end the connection (versitygw
 * does): that reads as a fault of the network, at every attempt. What a step put before it died is put again by the next.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStore } from '../../activities/store-location.js';
import type { ObjectStore } from '../../activities/store.js';

const large = new Uint8Array(1024 * 1024).fill(1);
const held = new Map<string, number>();
const asked: string[] = [];
let server: Server;
let store: ObjectStore;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  server = createServer((request, response) => {
    const name = new URL(request.url ?? '', 'http://store').pathname;
    asked.push(request.method ?? '');
    if (request.method === 'HEAD') return response.writeHead(held.has(name) ? 200 : 404).end();
    if (held.has(name)) return request.socket.resetAndDestroy();
    let bytes = 0;
    request.on('data', (chunk: Buffer) => void (bytes += chunk.length));
    return request.on('end', () => {
      held.set(name, bytes);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  store = openStore(`s3://bucket/prefix?region=us-east-1&endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

it('does not send a large object that is there', async () => {
  expect(await store.putIfAbsent('documents/one', large)).toBe(true);
  expect([...held.values()]).toEqual([large.length]);
  asked.length = 0;
  expect(await store.putIfAbsent('documents/one', large)).toBe(false);
  expect(asked).toEqual(['HEAD']);
});

it('sends a small one without asking', async () => {
  asked.length = 0;
  expect(await store.putIfAbsent('documents/two', new Uint8Array(1))).toBe(true);
  expect(asked).toEqual(['PUT']);
});
