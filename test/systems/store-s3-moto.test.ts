/** The store on S3, against moto: an implementation of S3 that is not ours and honours conditional writes. */
import { randomUUID } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../activities/store-location.js';
import { byCodeUnit } from '../../core/json.js';
import { describeStore, shown, text } from '../conformance/store-cases.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords, type System } from '../support/systems/system.js';

let system: System;
let client: S3Client;

beforeAll(async () => {
  system = await startMoto();
});
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});
beforeEach(async ({ skip }) => {
  if (system.kind === 'missing') return skip(missingWords(system));
  // As a worker would have them: the SDK reads its credentials from the environment.
  for (const [name, value] of Object.entries(system.environment)) vi.stubEnv(name, value);
  await system.reset();
  client = new S3Client({ region: 'us-east-1', endpoint: system.endpoint, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'shared' }));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function at(prefix: string, { bucket = 'shared', endpoint }: { bucket?: string; endpoint?: string } = {}): string {
  if (system.kind === 'missing') throw new Error('no system');
  return `s3://${bucket}/${prefix}?region=us-east-1&endpoint=${encodeURIComponent(endpoint ?? system.endpoint)}`;
}

describe('S3', () => {
  describeStore(
    () => {
      const prefix = `place/${randomUUID()}`;
      return { open: () => openStore(at(prefix)) };
    },
    { pieces: 20 },
  );

  test('keeps two places of one bucket apart, and lists more than one page', async () => {
    const one = openStore(at('one'));
    const other = openStore(at('one-more'));
    const put = async (from: number): Promise<void> => {
      for (let index = from; index < 1_020; index += 20) await one.putIfAbsent(`many/${index}`, text('x'));
    };
    await Promise.all(Array.from({ length: 20 }, (_, from) => put(from)));
    await other.putIfAbsent('many/other', text('x'));
    expect((await one.list('many/')).length).toBe(1_020);
    expect(await other.list('')).toEqual(['many/other']);
  });

  test('a bucket that is not there is a fault and no empty store', async () => {
    const store = openStore(at('x', { bucket: 'nowhere' }));
    const attempts = [
      (): Promise<unknown> => store.get('a'),
      (): Promise<unknown> => store.getRange('a', 0, 1),
      (): Promise<unknown> => store.list(''),
      (): Promise<unknown> => store.readHead('a'),
      (): Promise<unknown> => store.putIfAbsent('a', text('x')),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'storeFault' });
  });

  test('what is removed or rewritten is gone from the versions that a bucket keeps, and nothing else is', async () => {
    await client.send(
      new PutBucketVersioningCommand({ Bucket: 'shared', VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const store = openStore(at('kept'));
    await store.putIfAbsent('gone', text('secret'));
    await store.putIfAbsent('gone-not', text('stays'));
    await store.remove('gone');
    expect(await store.putIfAbsent('gone', text('later'))).toBe(true);
    await store.compareAndSetHead('people', 0, text('ann'));
    await store.compareAndSetHead('people', 1, text('bea'));
    expect(await store.rewriteOlder('people', () => text('nobody'))).toBe(1);
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: 'shared', Prefix: 'kept/' }),
    );
    expect(DeleteMarkers).toEqual([]);
    expect(Versions.map(({ Key }) => Key ?? '').sort(byCodeUnit)).toEqual([
      'kept/gone',
      'kept/gone-not',
      'kept/people/000000000001',
      'kept/people/000000000002',
    ]);
    expect(shown(await store.get('people/000000000001'))).toBe('nobody');
  });
});

describe('where an answer is lost after the server did what it was asked', () => {
  let server: Server;
  let lose = 0;
  beforeEach(async () => {
    if (system.kind === 'missing') return;
    const target = new URL(system.endpoint);
    server = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const forwarded = request({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (method === 'PUT' && lose > 0) {
          lose -= 1;
          answer.resume().once('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forwarded);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(async () => {
    await new Promise((closed) => server.close(closed));
  });

  test('a put knows its own success from that of another', async () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const store = openStore(at('lossy', { endpoint }));
    lose = 1;
    expect(await store.putIfAbsent('a', text('mine'))).toBe(true);
    expect(shown(await store.get('a'))).toBe('mine');
    lose = 1;
    expect(await store.compareAndSetHead('head', 0, text('mine'))).toBe(true);
    await openStore(at('lossy')).putIfAbsent('b', text('theirs'));
    lose = 1;
    expect(await store.putIfAbsent('b', text('mine'))).toBe(false);
    expect(shown(await store.get('b'))).toBe('theirs');
  });
});
