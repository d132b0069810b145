/**
 * A store of objects as reading and writing records sees it: one object is one file of records. Who keeps the objects
 * (S3, Azure, Swift) says how one version of an object is opened, and how another takes its place.
 */
import { ConcordatError } from '../../core/errors.js';
import type { RowFormat } from '../record-formats/rows.js';
import type { WriteAnswer } from '../connectors/connector.js';

export interface ObjectFile extends RowFormat {
  /** Its name after the prefix of the mesh. */
  readonly file: string;
}

export interface OpenObject {
  /** Another version of the object has another one. */
  readonly etag: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Gives up what was not read. */
  close(): void;
}

/** A file of this machine that holds the whole new version. */
export interface Copy {
  readonly name: string;
  readonly length: number;
}

/** `again`: nothing was written, because the object is another one by now or the store asked to wait. */
export type PutAnswer = 'applied' | 'again' | Extract<WriteAnswer, { readonly kind: 'refused' | 'unknown' }>;

export interface ObjectLimits {
  /** Rows that a page holds. */
  readonly pageSize: number;
  /** How often an object is copied again because another row of it was changed meanwhile, or the store asked to wait. */
  readonly writeAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
}

export interface ObjectStore<Opened extends OpenObject = OpenObject> {
  readonly files: Readonly<Record<string, ObjectFile>>;
  readonly limits: ObjectLimits;
  /** The call that puts an object, in the words of the store. */
  readonly putCall: string;
  /** What people call the object: with its bucket or container, and the prefix. */
  nameOf(file: ObjectFile): string;
  /** Of one version, whatever is put under its name meanwhile; only of that with `etag`, else cursorLost. Throws ConcordatError. */
  open(
    file: ObjectFile,
    wanted?: { readonly etag?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<Opened>;
  /** In the place of the version that was opened, and of no other. Never throws for what the store answered. */
  put(file: ObjectFile, opened: Opened, copy: Copy): Promise<PutAnswer>;
}

export function fileOf<File>(files: Readonly<Record<string, File>>, type: string): File {
  const file = Object.hasOwn(files, type) ? files[type] : undefined;
  if (!file) throw new ConcordatError('unexpectedAnswer', `the mesh declares no object for the native type ${type}`);
  return file;
}

/** HAZARD: an answer that is cut short must not look like rows that were deleted. */
export async function* wholeOf(
  body: AsyncIterable<Uint8Array>,
  length: number | undefined,
  action: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      yield chunk;
    }
  } catch {
    signal?.throwIfAborted();
    throw new ConcordatError('unreachable', `${action} ended in the middle of the object`);
  }
  if (length !== undefined && received !== length)
    throw new ConcordatError('unreachable', `${action} ended in the middle of the object`);
}
