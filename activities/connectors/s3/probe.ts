/**
 * What `concordat doctor` learns: whether each object can be read, and put. Never throws.
 *
 * The put has a condition that no object meets, and is refused before its condition is looked at where it is not allowed: it
 * tells the one from the other and writes nothing.
 */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ErrorCode } from '../../../core/errors.js';
import { answerOf } from '../../aws-answers.js';
import type { ProbeResult } from '../connector.js';
import { failureOf, fileOf, placeOf, type S3RecordsClient } from './client.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

type Held = boolean | 'notChecked';

export async function probeS3(client: S3RecordsClient): Promise<ProbeResult> {
  const { mesh } = client;
  const objects = [];
  for (const type of Object.keys(mesh.files)) {
    const place = placeOf(mesh, fileOf(mesh, type));
    const code = await codeOfRead(client, type);
    objects.push({
      type,
      name: `${place.Bucket}/${place.Key}`,
      code,
      write: code === null ? await mayPut(client, type) : ('notChecked' as const),
    });
  }
  const codes = objects.flatMap(({ code }) => code ?? []);
  const [code] = codes;
  const detailOf = (fault: ErrorCode | null) =>
    fault === 'scopeNotFound' ? { detail: 'there is no such object' } : {};
  return {
    reachable: !codes.some((each) => unreached.includes(each) || each === 'credentialsMissing'),
    authenticated: !codes.some((each) => unauthenticated.includes(each)),
    identity: `the bucket ${mesh.bucket} in ${mesh.region}`,
    permissions: objects.flatMap((object) => [
      { permission: `s3:GetObject on ${object.name}`, held: heldAfter(object.code), ...detailOf(object.code) },
      { permission: `s3:PutObject on ${object.name}`, held: object.write },
    ]),
    nativeTypes: objects.map((object) => ({
      type: object.type,
      read: object.code === null,
      write: object.write,
      ...detailOf(object.code),
    })),
    ...(code === undefined
      ? {}
      : {
          code,
          detail: `not readable: ${objects.flatMap((each) => (each.code === null ? [] : [each.name])).join(', ')}`,
        }),
  };
}

const heldAfter = (code: ErrorCode | null): Held =>
  code === null ? true : code === 'forbidden' ? false : 'notChecked';

async function codeOfRead({ mesh, reader }: S3RecordsClient, type: string): Promise<ErrorCode | null> {
  try {
    const { Body } = await reader.send(
      new GetObjectCommand({ ...placeOf(mesh, fileOf(mesh, type)), Range: 'bytes=0-0' }),
    );
    await Body?.transformToByteArray();
    return null;
  } catch (error) {
    // An object of no bytes has no first byte, and is there.
    return answerOf(error).status === 416 ? null : failureOf('s3:GetObject', error).code;
  }
}

async function mayPut({ mesh, writer }: S3RecordsClient, type: string): Promise<Held> {
  // HAZARD: no object may ever have this ETag: those of S3 are hexadecimal.
  const IfMatch = '"concordat-probe"';
  try {
    await writer.send(
      new PutObjectCommand({ ...placeOf(mesh, fileOf(mesh, type)), Body: '', ContentLength: 0, IfMatch }),
    );
    return 'notChecked';
  } catch (error) {
    const answer = answerOf(error);
    if (answer.status === 412) return true;
    return failureOf('s3:PutObject', error).code === 'forbidden' ? false : 'notChecked';
  }
}
