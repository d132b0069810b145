/**
 * One object put anew with some rows other than they were, where it still is the one that was copied. All other rows keep
 * their bytes. Where another row was changed meanwhile, the copy is made again from what stands there now, and holds each
 * row against what was read.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { copyWithChanges, type RowChange } from '../record-formats/row-change.js';
import { isUnreadable, rowsOf } from '../record-formats/rows.js';
import type { WriteAnswer } from '../connectors/connector.js';
import type { Copy, ObjectFile, ObjectStore, OpenObject, PutAnswer } from './object-store.js';

export type RowChanges = ReadonlyMap<string, RowChange>;
/** What was not applied, by the id of its row. */
export type NotApplied = ReadonlyMap<string, WriteAnswer>;

const refused = (code: ErrorCode, detail: string): Extract<WriteAnswer, { readonly kind: 'refused' }> => ({
  kind: 'refused',
  code,
  detail,
});

interface Put {
  /** Known before the put, where there was one. */
  readonly notChanged: NotApplied;
  /** Of all others. `spoiled`: nothing was written, as the copy held a change that is not to be. */
  readonly answer: PutAnswer | 'spoiled' | WriteAnswer;
}

/** `changes`: by the id of the row. `announce` is awaited once, before the first put. */
export async function putRows<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  file: ObjectFile,
  changes: RowChanges,
  announce: () => Promise<void>,
): Promise<NotApplied> {
  const repeated = () =>
    untilPut(store, changes, announce, (rest, once) =>
      withCopy(store, file, rest, once, {
        open: () => store.open(file),
        bytesOf: ({ bytes }) => bytes,
        put: (opened, copy) => store.put(file, opened, copy),
      }),
    );
  if (!store.inTurn) return repeated();
  try {
    return await store.inTurn(file, repeated);
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const answer = refused(error.code, error.message);
    return new Map([...changes.keys()].map((id) => [id, answer]));
  }
}

/** Rows that are new, in an object of their own that is made like another one: with its header, where it has one. */
export function putNewRows<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  { file, like }: { readonly file: ObjectFile; readonly like: ObjectFile },
  changes: RowChanges,
  announce: () => Promise<void>,
): Promise<NotApplied> {
  return untilPut(store, changes, announce, (rest, once) =>
    withCopy(store, file, rest, once, {
      open: () => store.open(like),
      bytesOf: ({ bytes }) => headerOf(bytes, like),
      put: (opened, copy) => store.putNew(file, opened, copy),
    }),
  );
}

async function* headerOf(bytes: AsyncIterable<Uint8Array>, like: ObjectFile): AsyncGenerator<Uint8Array> {
  if (like.format !== 'csv') return;
  for await (const row of rowsOf(bytes, like)) {
    yield Buffer.from(row.raw);
    if (row.kind === 'header') return;
  }
}

async function untilPut(
  { limits }: Pick<ObjectStore, 'limits'>,
  changes: RowChanges,
  announce: () => Promise<void>,
  attemptPut: (rest: RowChanges, once: () => Promise<void>) => Promise<Put>,
): Promise<NotApplied> {
  const told = new Map<string, WriteAnswer>();
  const rest = new Map(changes);
  let announced = false;
  const once = async (): Promise<void> => {
    if (announced) return;
    announced = true;
    await announce();
  };
  const restIs = (answer: WriteAnswer): NotApplied => {
    for (const id of rest.keys()) told.set(id, answer);
    return told;
  };
  for (let attempt = 1; ;) {
    const { notChanged, answer } = await attemptPut(rest, once);
    for (const [id, why] of notChanged) {
      told.set(id, why);
      rest.delete(id);
    }
    if (rest.size === 0 || answer === 'applied') return told;
    if (answer === 'spoiled') continue;
    if (answer !== 'again') return restIs(answer);
    if (attempt >= limits.writeAttemptsMax)
      return restIs(refused('throttled', 'the object is changed by others all the time'));
    const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
    attempt += 1;
  }
}

interface Source<Opened extends OpenObject> {
  open(): Promise<Opened>;
  /** What the copy begins with. */
  bytesOf(opened: Opened): AsyncIterable<Uint8Array>;
  put(opened: Opened, copy: Copy): Promise<PutAnswer>;
}

const none: NotApplied = new Map();

async function withCopy<Opened extends OpenObject>(
  store: Pick<ObjectStore<Opened>, 'copyFolder'>,
  file: ObjectFile,
  changes: RowChanges,
  announce: () => Promise<void>,
  source: Source<Opened>,
): Promise<Put> {
  let folder: string | undefined;
  try {
    let opened: Opened;
    let length: number;
    let notChanged: NotApplied;
    let name: string;
    try {
      opened = await source.open();
      try {
        // A put must know its length before its first byte, and an object need not fit into memory.
        folder = await (store.copyFolder?.(file) ?? mkdtemp(path.join(tmpdir(), 'concordat-object-')));
        name = path.join(folder, 'copy');
        const copy = await open(name, 'wx', 0o600);
        try {
          const write = async (text: string): Promise<void> => void (await copy.write(text));
          const copied = await copyWithChanges(source.bytesOf(opened), file, changes, write);
          ({ notChanged } = copied);
          if (copied.isSpoiled) return { notChanged, answer: 'spoiled' };
          if (notChanged.size === changes.size) return { notChanged, answer: 'applied' };
          length = (await copy.stat()).size;
        } finally {
          await copy.close();
        }
      } finally {
        opened.close();
      }
    } catch (error) {
      // Changed while it was copied.
      if (error instanceof ConcordatError && error.code === 'cursorLost') return { notChanged: none, answer: 'again' };
      if (error instanceof ConcordatError) return { notChanged: none, answer: refused(error.code, error.message) };
      if (isUnreadable(error)) {
        const words = `${file.file} cannot be read, so it is not written`;
        return { notChanged: none, answer: refused('rowUnreadable', words) };
      }
      // Of the place of the file itself, and not of the system's own for what passes.
      if (store.copyFolder && error instanceof Error && 'syscall' in error)
        return { notChanged: none, answer: refused('providerFault', `${file.file} cannot be written`) };
      throw error;
    }
    await announce();
    const answer = await source.put(opened, { name, length });
    // Of another object they are looked at again.
    return { notChanged: answer === 'again' ? none : notChanged, answer };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
