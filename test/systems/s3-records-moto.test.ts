/** The s3 connector against moto, an implementation of S3 that is not ours: the cases of every store of records, and what only objects have. */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createS3Connector } from '../../activities/connectors/s3/connector.js';
import type { S3Mesh } from '../../activities/connectors/s3/config.js';
import type { Connector } from '../../activities/connectors/connector.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { systemWorld } from '../conformance/world.js';
import { startMoto } from '../support/systems/moto.js';
import { objectChangesCases } from './support/object-changes.js';
import { missingWords, type System } from '../support/systems/system.js';

const system: System = await startMoto();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function available(): Extract<System, { readonly kind: 'available' }> {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

function administrator(): S3Client {
  const { endpoint } = available();
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  return new S3Client({ region: 'us-east-1', endpoint, credentials, forcePathStyle: true });
}
const place = (name: string) => ({ Bucket: 'records', Key: `daily/${name}` });
const put = async (name: string, text: string | Buffer, more: object = {}): Promise<void> => {
  await administrator().send(new PutObjectCommand({ ...place(name), Body: text, ...more }));
};
const held = async (name: string): Promise<string | undefined> =>
  (await administrator().send(new GetObjectCommand(place(name)))).Body?.transformToString();
const emptyBucket = async (): Promise<void> => {
  await available().reset();
  await administrator().send(new CreateBucketCommand({ Bucket: 'records' }));
};

const mesh = (format: 'jsonLines' | 'csv', change: Partial<S3Mesh> = {}): S3Mesh => {
  const extension = format === 'csv' ? 'csv' : 'jsonl';
  return {
    kind: 's3',
    region: 'us-east-1',
    endpoint: available().endpoint,
    bucket: 'records',
    prefix: 'daily/',
    files: {
      parcel: { file: `parcels.${extension}`, format, key: ['id'] },
      pair: { file: `pairs.${extension}`, format, key: ['left', 'right'] },
    },
    ...change,
  };
};

for (const format of ['jsonLines', 'csv'] as const)
  describeWorld(
    `s3 ${format}`,
    [],
    () => {
      if (system.kind === 'missing') return Promise.resolve(systemWorld(system, []));
      const reset = async (): Promise<void> => {
        await emptyBucket();
        const extension = format === 'csv' ? 'csv' : 'jsonl';
        await put(`parcels.${extension}`, format === 'csv' ? 'id,name,note\n' : '');
        await put(`pairs.${extension}`, format === 'csv' ? 'left,right,note\n' : '');
      };
      // The suite ends its world; moto is ended once for the whole file.
      return Promise.resolve(systemWorld({ ...system, reset, stop: async () => undefined }, [], mesh(format)));
    },
    [],
    undefined,
    [...recordCases, ...batchCases],
  );

const connectorOver = (of: S3Mesh, pageSize = 2): Connector =>
  createS3Connector({
    mesh: of,
    environment: available().environment,
    limits: { pageSize, backOffBaseMs: 1, requestTimeoutMs: 5_000, readAttemptsMax: 2 },
  });
const read = async (connector: Connector, cursor?: string) => {
  const items = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  return {
    items,
    ends: endsIn(items),
    objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])),
  };
};

describe.skipIf(system.kind === 'missing')('objects of S3', () => {
  beforeEach(async () => {
    await emptyBucket();
    await put('pairs.jsonl', '');
  });

  it('hold values of every kind', async () => {
    await put('samples.jsonl', '');
    const files: S3Mesh['files'] = { sample: { file: 'samples.jsonl', format: 'jsonLines', key: ['id'] } };
    await holdsEveryValue(
      connectorOver(mesh('jsonLines', { files })),
      sampleMap({
        long: [{ number: 'json' }],
        amount: [{ number: 'json' }],
        price: [{ number: 'json' }],
        weight: [{ number: 'json' }, { unit: 'kg', times: '1000' }],
        localAt: [{ epoch: 'second' }],
        raw: [{ bytes: 'hex' }],
        tags: [{ set: true }],
      }),
      5,
    );
  });

  it('keep the bytes of every other row, and what S3 knows of them beside', async () => {
    const [first, second] = ['\ufeff{"id": "a",  "name":1.50}\r\n', '{"id":"b","note":"x"}'];
    const kept = { ContentType: 'application/x-ndjson', CacheControl: 'no-store', Metadata: { owner: 'harbour' } };
    await put('parcels.jsonl', first + second, kept);
    const connector = connectorOver(mesh('jsonLines'));
    const before = { id: 'b', note: 'x' };
    const after = { id: 'b', note: 'y' };
    expect(await connector.write({ kind: 'update', type: 'parcel', id: 'b', before, after })).toMatchObject({
      kind: 'applied',
    });
    expect(await held('parcels.jsonl')).toBe(`${first}{"id":"b","note":"y"}`);
    expect(await administrator().send(new GetObjectCommand(place('parcels.jsonl')))).toMatchObject(kept);
    await connector.write({ kind: 'delete', type: 'parcel', id: 'b', before: after, deletionMayRemove: [] });
    const [a] = (await read(connector)).objects;
    await connector.write({ kind: 'delete', type: 'parcel', id: 'a', before: a?.body ?? {}, deletionMayRemove: [] });
    expect(await held('parcels.jsonl')).toBe('');
  });

  it('that are not there, hold a row that nobody can read or a row without a key are incomplete and not empty', async () => {
    const connector = connectorOver(mesh('jsonLines'));
    expect((await read(connector)).ends).toEqual(['parcel: scopeNotFound', 'pair']);
    expect(await connector.probe()).toMatchObject({ reachable: true, code: 'scopeNotFound' });
    expect(await connector.write({ kind: 'create', type: 'parcel', after: { id: 'a' } })).toMatchObject({
      kind: 'refused',
      code: 'scopeNotFound',
    });
    for (const bad of ['{"id":"b"', '{"name":"no key"}', '[1]', Buffer.from([0x7b, 0xff])]) {
      await put('parcels.jsonl', Buffer.concat([Buffer.from('{"id":"a"}\n'), Buffer.from(bad)]));
      expect((await read(connector)).ends).toEqual(['parcel: rowUnreadable', 'pair']);
    }
    const nowhere = connectorOver(mesh('jsonLines', { bucket: 'nowhere' }));
    expect((await read(nowhere)).ends).toEqual(['parcel: scopeNotFound', 'pair: scopeNotFound']);
  });

  it('that hold a key twice show one opaque row, which is not written', async () => {
    await put('parcels.jsonl', '{"id":"a","note":"1"}\n{"id":"a","note":"2"}\n');
    const connector = connectorOver(mesh('jsonLines'));
    expect((await read(connector)).objects.at(-1)?.opaque).toMatch(/more than one row/);
    const write = {
      kind: 'delete',
      type: 'parcel',
      id: 'a',
      before: { id: 'a', note: '1' },
      deletionMayRemove: [],
    } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
  });

  it('are read as they were when the read began, and a read that is resumed on another version begins again', async () => {
    await put('parcels.jsonl', ['a', 'b', 'c', 'd', 'e'].map((id) => `{"id":"${id}"}\n`).join(''));
    const ids: string[] = [];
    let cursor: string | undefined;
    for await (const item of connectorOver(mesh('jsonLines')).readAll({})) {
      cursor ??= item.cursor;
      if (item.kind === 'objects') ids.push(...item.objects.map(({ id }) => id));
      await put('parcels.jsonl', '{"id":"z"}\n');
    }
    expect(ids).toEqual(['a', 'b', 'c', 'd', 'e']);
    await expect(read(connectorOver(mesh('jsonLines')), cursor)).rejects.toMatchObject({ code: 'cursorLost' });
  });

  it('that somebody changes between the copy and the put keep that change: the row is put into what stands there now', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    const announced: string[] = [];
    const write = { kind: 'create', type: 'parcel', after: { id: 'b' } } as const;
    const answer = await connectorOver(mesh('jsonLines')).write(write, async ({ target }) => {
      announced.push(target);
      await put('parcels.jsonl', '{"id":"c"}\n');
    });
    expect(answer).toEqual({ kind: 'applied', id: 'b' });
    expect(announced).toEqual(['records/daily/parcels.jsonl b']);
    expect(await held('parcels.jsonl')).toBe('{"id":"c"}\n{"id":"b"}\n');
    const late = await connectorOver(mesh('jsonLines')).write({ ...write, after: { id: 'd' } }, () =>
      put('parcels.jsonl', '{"id":"d","note":"theirs"}\n'),
    );
    expect(late).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(await held('parcels.jsonl')).toBe('{"id":"d","note":"theirs"}\n');
    const gone = await connectorOver(mesh('jsonLines')).write({ ...write, after: { id: 'e' } }, async () => {
      await administrator().send(new DeleteObjectCommand(place('parcels.jsonl')));
    });
    expect(gone).toMatchObject({ kind: 'refused', code: 'scopeNotFound' });
  });
});

describe.skipIf(system.kind === 'missing')('between the connector and S3', () => {
  let server: Server;
  const seen: string[] = [];
  let meet: (method: string) => { readonly status: number; readonly code: string } | 'lost' | 'cut' | undefined = () =>
    undefined;

  beforeEach(async () => {
    await emptyBucket();
    await put('parcels.jsonl', '{"id":"a"}\n{"id":"b"}\n');
    await put('pairs.jsonl', '');
    seen.length = 0;
    meet = () => undefined;
    const target = new URL(available().endpoint);
    server = createServer((incoming, outgoing) => {
      const { method = '', url, headers } = incoming;
      seen.push(method);
      const met = meet(method);
      if (met !== undefined && typeof met !== 'string') {
        incoming.resume();
        outgoing.writeHead(met.status, { 'content-type': 'application/xml' });
        outgoing.end(`<Error><Code>${met.code}</Code><Message>of the secret row a</Message></Error>`);
        return;
      }
      const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (met === 'lost') {
          answer.resume().once('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (met === 'cut')
          answer.once('data', (chunk: Buffer) => outgoing.write(chunk.subarray(0, 12), () => outgoing.destroy()));
        else answer.pipe(outgoing);
      });
      incoming.pipe(passed);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const through = (): Connector =>
    connectorOver(mesh('jsonLines', { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), 1);
  const create = { kind: 'create', type: 'parcel', after: { id: 'c' } } as const;

  it('a lost answer to a put is unknown and the put is sent once; one that was asked to wait is sent again', async () => {
    meet = (method) => (method === 'PUT' ? 'lost' : undefined);
    expect(await through().write(create)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(seen.filter((method) => method === 'PUT')).toHaveLength(1);
    expect(await held('parcels.jsonl')).toContain('{"id":"c"}');
    let slow = 0;
    meet = (method) => (method === 'PUT' && (slow += 1) <= 2 ? { status: 503, code: 'SlowDown' } : undefined);
    expect(await through().write({ ...create, after: { id: 'd' } })).toEqual({ kind: 'applied', id: 'd' });
  });

  it('an object that is cut short is a failed read and no shorter list', async () => {
    meet = (method) => (method === 'GET' ? 'cut' : undefined);
    await expect(read(through())).rejects.toMatchObject({ code: 'unreachable' });
    expect(await through().write(create)).toMatchObject({ kind: 'refused', code: 'unreachable' });
    meet = () => undefined;
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"b"}\n');
  });

  it('what is forbidden is told by the probe, ends the scope as incomplete, and refuses the write', async () => {
    meet = (method) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : undefined);
    const [reads, puts] = (await through().probe()).permissions;
    expect([reads?.held, puts?.held]).toEqual([true, false]);
    const answer = await through().write(create);
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(JSON.stringify(answer)).not.toContain('secret');
    meet = (method) => (method === 'GET' ? { status: 403, code: 'AccessDenied' } : undefined);
    expect((await read(through())).ends).toEqual(['parcel: forbidden', 'pair: forbidden']);
    meet = () => ({ status: 403, code: 'InvalidAccessKeyId' });
    expect(await through().probe()).toMatchObject({
      reachable: true,
      authenticated: false,
      code: 'credentialsRejected',
    });
  });

  it('a probe writes nothing', async () => {
    await through().probe();
    expect(seen).toContain('PUT');
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"b"}\n');
  });
});

describe.skipIf(system.kind === 'missing')('changes of objects of S3', () => {
  beforeEach(emptyBucket);
  objectChangesCases({
    connector: () =>
      createS3Connector({
        mesh: mesh('jsonLines', { changes: { fullReadEvery: 24 } }),
        environment: available().environment,
      }),
    put: (type, text) => put(`${type}s.jsonl`, text),
    remove: async (type) => {
      await administrator().send(new DeleteObjectCommand(place(`${type}s.jsonl`)));
    },
  });
});
