/**
 * Whether each object can be read, and put. The put has a condition that no object meets, and is refused before its
 * condition is looked at where it is not allowed: it tells the one from the other and writes nothing.
 */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { answerOf } from '../../aws-answers.js';
import type { ProbeResult } from '../connector.js';
import { probeObjects, type ProbedStore } from '../../record-objects/probe.js';
import { failureOf, placeOf, type S3RecordsClient } from './client.js';

export function probeS3({ mesh, reader, writer }: S3RecordsClient, store: ProbedStore): Promise<ProbeResult> {
  return probeObjects({
    ...store,
    identity: `the bucket ${mesh.bucket} in ${mesh.region}`,
    read: (name) => `s3:GetObject on ${name}`,
    write: (name) => `s3:PutObject on ${name}`,
    async codeOfRead(file) {
      try {
        const { Body } = await reader.send(new GetObjectCommand({ ...placeOf(mesh, file), Range: 'bytes=0-0' }));
        await Body?.transformToByteArray();
        return null;
      } catch (error) {
        // An object of no bytes has no first byte, and is there.
        return answerOf(error).status === 416 ? null : failureOf('s3:GetObject', error).code;
      }
    },
    async mayPut(file) {
      // HAZARD: no object may ever have this ETag: those of S3 are hexadecimal.
      const IfMatch = '"concordat-probe"';
      try {
        await writer.send(new PutObjectCommand({ ...placeOf(mesh, file), Body: '', ContentLength: 0, IfMatch }));
        return 'notChecked';
      } catch (error) {
        const answer = answerOf(error);
        if (answer.status === 412) return true;
        return failureOf('s3:PutObject', error).code === 'forbidden' ? false : 'notChecked';
      }
    },
  });
}
