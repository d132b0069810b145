/** What `concordat doctor` learns of objects: whether each can be read, and put. Never throws. */
import type { ErrorCode } from '../../core/errors.js';
import type { ProbeResult } from '../connectors/connector.js';
import type { ObjectFile } from './object-store.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

export type Held = boolean | 'notChecked';

export interface ObjectProbe {
  readonly files: Readonly<Record<string, ObjectFile>>;
  readonly identity: string;
  nameOf(file: ObjectFile): string;
  /** The permission in the words of the store. */
  readonly read: (name: string) => string;
  readonly write: (name: string) => string;
  /** Null where the object can be read. */
  codeOfRead(file: ObjectFile): Promise<ErrorCode | null>;
  /** By a put that can never take place. */
  mayPut(file: ObjectFile): Promise<Held>;
}

const heldAfter = (code: ErrorCode | null): Held =>
  code === null ? true : code === 'forbidden' ? false : 'notChecked';

export async function probeObjects(probe: ObjectProbe): Promise<ProbeResult> {
  const objects = [];
  for (const [type, file] of Object.entries(probe.files)) {
    const code = await probe.codeOfRead(file);
    const isWritten = file.format !== 'parquet';
    const write: Held = !isWritten ? false : code === null ? await probe.mayPut(file) : 'notChecked';
    objects.push({ type, name: probe.nameOf(file), code, write, isWritten });
  }
  const codes = objects.flatMap(({ code }) => code ?? []);
  const [code] = codes;
  const detailOf = (fault: ErrorCode | null) =>
    fault === 'scopeNotFound' ? { detail: 'there is no such object' } : {};
  return {
    reachable: !codes.some((each) => unreached.includes(each) || each === 'credentialsMissing'),
    authenticated: !codes.some((each) => unauthenticated.includes(each)),
    identity: probe.identity,
    permissions: objects.flatMap((object) => [
      { permission: probe.read(object.name), held: heldAfter(object.code), ...detailOf(object.code) },
      ...(object.isWritten ? [{ permission: probe.write(object.name), held: object.write }] : []),
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
