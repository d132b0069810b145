/** What `concordat doctor` learns of objects: whether each can be read, and put. Never throws. */
import type { ErrorCode } from '../../core/errors.js';
import type { ProbeResult } from '../connectors/connector.js';
import { ConcordatError } from '../../core/errors.js';
import { placeNameOf, type ObjectFile, type ObjectStore, type RecordFile } from './object-store.js';
import { partsOf } from './parts.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

export type Held = boolean | 'notChecked';

export type ProbedStore = Pick<ObjectStore, 'files' | 'nameOf' | 'list'>;

export interface ObjectProbe extends ProbedStore {
  readonly identity: string;
  /** The permission in the words of the store. */
  readonly read: (name: string) => string;
  readonly write: (name: string) => string;
  /** Null where the object can be read. */
  codeOfRead(file: ObjectFile): Promise<ErrorCode | null>;
  /** By a put that can never take place. */
  mayPut(file: ObjectFile): Promise<Held>;
}

/** Of parts, the first stands for all. */
async function firstOf(probe: ProbedStore, file: RecordFile): Promise<ObjectFile | ErrorCode> {
  try {
    const [first] = (await partsOf(probe, file)).parts;
    return first?.file ?? 'scopeNotFound';
  } catch (error) {
    return error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
  }
}

const heldAfter = (code: ErrorCode | null): Held =>
  code === null ? true : code === 'forbidden' ? false : 'notChecked';

export async function probeObjects(probe: ObjectProbe): Promise<ProbeResult> {
  const objects = [];
  for (const [type, file] of Object.entries(probe.files)) {
    const first = await firstOf(probe, file);
    const code = typeof first === 'string' ? first : await probe.codeOfRead(first);
    const isWritten = file.format !== 'parquet';
    const write: Held = !isWritten
      ? false
      : code === null && typeof first !== 'string'
        ? await probe.mayPut(first)
        : 'notChecked';
    objects.push({ type, name: probe.nameOf({ file: placeNameOf(file) }), code, write, isWritten });
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
