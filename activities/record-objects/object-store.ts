/**
 * A store of objects as reading and writing records sees it: the records of a type are one object, or all objects under one
 * prefix, its parts. Who keeps the objects (S3, Azure, Swift, a folder) says how one version of an object is opened, how
 * another takes its place, and what stands under a prefix.
 */
import { ConcordatError } from '../../core/errors.js';
import type { RowFormat } from '../record-formats/rows.js';
import type { KeyHash } from '../sealing/key-hash.js';
import type { NativeWrite, WriteAnswer } from '../connectors/connector.js';

export interface ObjectFile extends RowFormat {
  /** Its name after the prefix of the mesh. */
  readonly file: string;
}

export interface PartFiles extends RowFormat {
  /** What the names of all its parts begin with, after the prefix of the mesh; it ends with a slash. */
  readonly parts: string;
}

/** Where the records of a native type are. */
export type RecordFile = ObjectFile | PartFiles;

/** What a store says of one version of an object without sending it; a part that it does not tell is null. */
export interface ObjectVersion {
  readonly etag: string;
  readonly bytes: number | null;
  readonly changedAtMs: number | null;
  /** Where the store keeps versions. */
  readonly version: string | null;
}

export interface ListedObject extends ObjectVersion {
  /** After the prefix of the mesh. */
  readonly name: string;
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
  /** Names that one answer of a listing holds, at most. */
  readonly listPageSize: number;
  /** A part that is larger takes no more rows: a new one is put beside it. */
  readonly partBytesMax: number;
  /** How often an object is copied again because another row of it was changed meanwhile, or the store asked to wait. */
  readonly writeAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
}

/** Each row that changes in a part costs a copy of the part. */
export const usualPartBytesMax = 64 * 1024 * 1024;

export interface ObjectStore<Opened extends OpenObject = OpenObject> {
  readonly files: Readonly<Record<string, RecordFile>>;
  readonly limits: ObjectLimits;
  /** What a write of each kind comes to, in the words of the store. */
  readonly calls: Readonly<Record<NativeWrite['kind'], string>>;
  /** Only tests give others: what finds ids that stand twice, and of how many it is looked up whether they do. */
  readonly hash?: KeyHash;
  readonly doubtedMax?: number;
  /** What people call the object: with its bucket or container, and the prefix. */
  nameOf(file: Pick<ObjectFile, 'file'>): string;
  /** Of one version, whatever is put under its name meanwhile; only of that with `etag`, else cursorLost. Throws ConcordatError. */
  open(
    file: ObjectFile,
    wanted?: { readonly etag?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<Opened>;
  /** In the place of the version that was opened, and of no other. Never throws for what the store answered. */
  put(file: ObjectFile, opened: Opened, copy: Copy): Promise<PutAnswer>;
  /** Everything whose name begins so, in the pages and the order of the store. Throws ConcordatError. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<readonly ListedObject[]>;
  /** Under a name that nothing had, with what the store keeps beside the bytes of `like`. As `put`. */
  putNew(file: ObjectFile, like: Opened, copy: Copy): Promise<PutAnswer>;
  /** A new folder for the copy of an object, where the system's own will not do. Throws ConcordatError. */
  copyFolder?(file: ObjectFile): Promise<string>;
  /** For stores whose puts have no condition: one writer after the other. Throws ConcordatError. */
  inTurn?<Answer>(file: ObjectFile, act: () => Promise<Answer>): Promise<Answer>;
}

export function fileOf<File>(files: Readonly<Record<string, File>>, type: string): File {
  const file = Object.hasOwn(files, type) ? files[type] : undefined;
  if (!file) throw new ConcordatError('unexpectedAnswer', `the mesh declares no object for the native type ${type}`);
  return file;
}

/** `call`: the one that puts an object. */
export const callsOf = (call: string): ObjectStore['calls'] => ({
  create: `${call} with a row more`,
  update: `${call} with a row changed`,
  delete: `${call} with a row less`,
});

/** For people: the object, or the prefix of its parts. */
export const placeNameOf = (file: RecordFile): string => ('parts' in file ? file.parts : file.file);

/** For permissions: the object, or all parts. */
export const allOf = (file: RecordFile): string => ('parts' in file ? `${file.parts}*` : file.file);

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
