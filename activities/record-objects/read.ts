/**
 * Reading objects of records, row by row and page by page. Of each object one version is read, whatever is put under its
 * name meanwhile, and of parts those versions that one listing showed. A read that is resumed parses them again up to where
 * it was, and begins again where they are others by now (cursorLost).
 *
 * HAZARD: what lies in several objects has no moment at which all of it is seen. A row that is moved from one part into
 * another could be in neither as they were read, and would look deleted. So a part that is not as it was listed, and a
 * list that is another one at the end, make the type incomplete (listChanged).
 */
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { rowId } from '../record-formats/row-id.js';
import {
  isUnreadable,
  rowsById,
  rowsOf,
  twice,
  unreadableCode,
  unreadableWords,
  type Row,
} from '../record-formats/rows.js';
import { SeenIds } from '../record-formats/seen-ids.js';
import type { ReadItem, ReadRequest } from '../connectors/connector.js';
import { fileOf, type ObjectStore, type OpenObject } from './object-store.js';
import { openListed, partsOf, type Part, type Parts } from './parts.js';
import { standingOnce } from './standing-once.js';

/** `etag`: of the object, or the mark of all parts. `rows`: how many were read of this type; null where its end was told. */
interface Position {
  readonly type: string;
  readonly etag: string;
  readonly rows: number | null;
}

/** What a read of one object may meet and the reads of others need not. */
const ofOneObject: readonly ErrorCode[] = [
  'scopeNotFound',
  'forbidden',
  'objectNotPlain',
  'versionsCrossed',
  'listChanged',
];

/** Of so many ids that may stand twice it is looked up whether they do. */
const usualDoubtedMax = 65_536;

export async function* readAll<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(store.files).filter((type) => nativeTypes?.includes(type) ?? true);
  const start = cursor === undefined ? null : positionOf(cursor);
  const from = start === null ? 0 : wanted.indexOf(start.type);
  if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other objects');
  for (const type of wanted.slice(start?.rows === null ? from + 1 : from))
    yield* readType(store, type, start?.type === type ? start : null, signal);
}

function positionOf(cursor: string): Position {
  try {
    // Written by this connector and kept in the authority's own store.
    return JSON.parse(cursor) as Position;
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

/** What is known of a type while it is read. */
class TypeRead {
  readonly type: string;
  etag = '';
  rows = 0;
  page: NativeObject[] = [];
  reason: ErrorCode | undefined;
  readonly seen: SeenIds;
  /** Of each column what its parts declare: one type, unless they do not agree. */
  readonly declares = new Map<string, Set<string>>();
  /** Whose hash was there before. They are told as standing twice, and looked up at the end. */
  readonly doubted = new Set<string>();

  readonly #doubtedMax: number;

  constructor(type: string, store: Pick<ObjectStore, 'hash' | 'doubtedMax'>) {
    this.type = type;
    this.#doubtedMax = store.doubtedMax ?? usualDoubtedMax;
    this.seen = new SeenIds(store.hash);
  }

  incomplete(reason: ErrorCode): void {
    this.reason ??= reason;
  }

  isTwice(id: string): boolean {
    if (!this.seen.addWasThere(id)) return false;
    if (this.doubted.size < this.#doubtedMax || this.doubted.has(id)) this.doubted.add(id);
    // Nobody looks at them one by one any more.
    else this.incomplete('keyRepeated');
    return true;
  }

  declare(declares: Row['declares']): void {
    for (const [column, type] of Object.entries(declares ?? {}))
      this.declares.set(column, (this.declares.get(column) ?? new Set()).add(type));
  }

  takePage(): ReadItem {
    const { type, page: objects } = this;
    this.page = [];
    return { kind: 'objects', scope: type, objects, cursor: this.#cursor(this.rows) };
  }

  end(): ReadItem {
    const { type, reason } = this;
    const declares = [...this.declares].map(([column, types]) => [column, [...types].sort(byCodeUnit).join(' or ')]);
    const told = {
      kind: 'scopeEnd',
      scope: type,
      nativeType: type,
      cursor: this.#cursor(null),
      ...(declares.length > 0 && { declares: Object.fromEntries(declares) as Record<string, string> }),
    } as const;
    return reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
  }

  #cursor(rows: number | null): string {
    return JSON.stringify({ type: this.type, etag: this.etag, rows } satisfies Position);
  }
}

async function* readType<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const declared = fileOf(store.files, type);
  const read = new TypeRead(type, store);
  try {
    const source = await partsOf(store, declared, signal);
    if (source.mark !== null) {
      if (resumed && resumed.etag !== source.mark)
        throw new ConcordatError('cursorLost', 'the parts are not those that the read began with');
      read.etag = source.mark;
    }
    for (const part of source.parts) {
      signal?.throwIfAborted();
      try {
        yield* readPart(store, part, read, resumed, signal);
      } catch (error) {
        read.incomplete(codeOfPart(error, source));
      }
    }
    if (read.page.length > 0) yield read.takePage();
    if (read.doubted.size > 0) {
      // Of an object that is declared by its name, the version that was read.
      const parts = source.parts.map((part) => ({ ...part, etag: part.etag ?? read.etag }));
      try {
        for await (const object of standingOnce(store, parts, type, read.doubted, signal)) {
          read.page.push(object);
          if (read.page.length >= store.limits.pageSize) yield read.takePage();
        }
      } catch (error) {
        read.incomplete(codeOfPart(error, source));
      }
      if (read.page.length > 0) yield read.takePage();
    }
    if (source.mark !== null && (await partsOf(store, declared, signal)).mark !== source.mark)
      read.incomplete('listChanged');
  } catch (error) {
    if (!(error instanceof ConcordatError) || !ofOneObject.includes(error.code)) throw error;
    read.incomplete(error.code);
  }
  yield read.end();
}

/** Why the rest of a part is not known, which says nothing of the others. Throws what is no fault of the part. */
function codeOfPart(error: unknown, { mark }: Parts): ErrorCode {
  if (isUnreadable(error)) return unreadableCode(error);
  if (!(error instanceof ConcordatError)) throw error;
  // It was there a moment ago, as it was listed.
  if (mark !== null && (error.code === 'cursorLost' || error.code === 'scopeNotFound')) return 'listChanged';
  if (!ofOneObject.includes(error.code)) throw error;
  return error.code;
}

async function* readPart<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  { file, etag }: Part,
  read: TypeRead,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const opened = await store.open(file, { etag: etag ?? resumed?.etag, signal });
  if (etag === undefined) read.etag = opened.etag;
  try {
    let hasHeader = file.format === 'jsonLines';
    for await (const row of rowsOf(opened.bytes, file)) {
      if (row.kind === 'header') {
        hasHeader = file.key.every((column) => row.columns?.includes(column));
        read.declare(row.declares);
      }
      if (row.kind !== 'row') continue;
      read.rows += 1;
      const id = row.body && rowId(row.body, file.key);
      if (row.body === null || id === null) {
        read.incomplete('rowUnreadable');
        continue;
      }
      const opaque = read.isTwice(id) ? twice : row.opaque;
      if (read.rows <= (resumed?.rows ?? 0)) continue;
      read.page.push({ type: read.type, id, body: row.body, ...(opaque === undefined ? {} : { opaque }) });
      if (read.page.length < store.limits.pageSize) continue;
      signal?.throwIfAborted();
      yield read.takePage();
    }
    if (!hasHeader) read.incomplete('rowUnreadable');
  } finally {
    opened.close();
  }
}

export async function readOne<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  id: string,
): Promise<NativeObject | null> {
  return (await readMany(store, type, [id])).get(id) ?? null;
}

/** In one pass over the object, or over all parts. A part that is another one than was listed is read as it is now. */
export async function readMany<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NativeObject>> {
  const found = new Map<string, NativeObject>();
  for (const part of (await partsOf(store, fileOf(store.files, type))).parts) {
    const { file } = part;
    const opened = await openListed(store, part);
    try {
      for (const [id, object] of await rowsById(opened.bytes, file, type, ids))
        found.set(id, found.has(id) ? { ...object, opaque: twice } : object);
    } catch (error) {
      if (isUnreadable(error)) throw new ConcordatError(unreadableCode(error), unreadableWords(file.file, error));
      throw error;
    } finally {
      opened.close();
    }
  }
  return found;
}
