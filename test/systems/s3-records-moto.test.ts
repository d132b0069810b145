/** The s3 connector against moto, an implementation of S3 that is not ours: the cases of every store of objects. */
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, expect } from 'vitest';
import type { S3Mesh } from '../../activities/connectors/s3/config.js';
import { describeObjectStore, type ObjectWorld } from '../conformance/object-suite.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords, type AvailableSystem } from '../support/systems/system.js';

const system = await startMoto();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function worldOf(moto: AvailableSystem): ObjectWorld {
  const { name, version, environment, endpoint } = moto;
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  const administrator = new S3Client({ region: 'us-east-1', endpoint, credentials, forcePathStyle: true });
  const place = (file: string) => ({ Bucket: 'records', Key: `daily/${file}` });
  const kept = { ContentType: 'application/x-ndjson', CacheControl: 'no-store', Metadata: { owner: 'harbour' } };
  const put = async (file: string, bytes: string | Buffer, more: object = {}): Promise<void> => {
    await administrator.send(new PutObjectCommand({ ...place(file), Body: bytes, ...more }));
  };
  const get = (file: string) => administrator.send(new GetObjectCommand(place(file)));
  const mesh = (files: S3Mesh['files'], change: Partial<S3Mesh> = {}): S3Mesh => ({
    kind: 's3',
    region: 'us-east-1',
    endpoint,
    bucket: 'records',
    prefix: 'daily/',
    files,
    ...change,
  });
  return {
    name: 's3',
    system: { name, version, environment },
    origin: endpoint,
    label: 'records/',
    mesh,
    nowhere: (files) => mesh(files, { bucket: 'nowhere' }),
    through: (files, port) => mesh(files, { endpoint: `http://127.0.0.1:${port}` }),
    emptied: async () => {
      await moto.reset();
      await administrator.send(new CreateBucketCommand({ Bucket: 'records' }));
    },
    put,
    held: async (file) => (await (await get(file)).Body?.transformToString()) ?? '',
    remove: async (file) => void (await administrator.send(new DeleteObjectCommand(place(file)))),
    putWithMore: (file, text) => put(file, text, kept),
    expectMore: async (file) => expect(await get(file)).toMatchObject(kept),
    busy: { status: 503, code: 'SlowDown' },
    forbidden: { status: 403, code: 'AccessDenied' },
    rejected: { status: 403, code: 'InvalidAccessKeyId' },
    fault: ({ code }) => ({
      headers: { 'content-type': 'application/xml' },
      body: `<Error><Code>${code}</Code><Message>of the secret row a</Message></Error>`,
    }),
  };
}

describeObjectStore('s3', system.kind === 'missing' ? system : worldOf(system));
