/** UUIDs by name (RFC 9562, version 5): one execution of a workflow has one run id, whoever works it out and however often. */
import { createHash } from 'node:crypto';

/** Ours: made once, never to change. */
const concordatRuns = '6f3c1f0e-5d0b-4c7a-9a55-2b6c8f0f4a11';

/** `namespace` is a UUID as text. */
export function nameUuid(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Ids of workflows are unique within a namespace of Temporal, so the federation's name is part of it. */
export function lineageRunId(federation: string, workflowId: string, workflowRunId: string): string {
  return nameUuid(concordatRuns, `${federation}\n${workflowId}\n${workflowRunId}`);
}
