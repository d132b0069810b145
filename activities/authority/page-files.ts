/**
 * How pages lie in the private store: files named by number, each with some pages, one a line. Where little was read, a
 * page is a file of its own, so that a crashed read goes on right behind it; where much was, a file holds up to 4 MB, because a
 * file that outlives a crash costs as much as many pages do. At most an eighth of what was read is read again.
 */
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import { letOthersRun } from '../event-loop.js';
import type { ReadItem } from '../connectors/connector.js';
import type { ObjectStore } from '../store.js';
import { folderOf } from './increments/read-plan.js';

const nameDigits = 8;
const fileBytesMax = 4 * 1024 * 1024;
const shareOfWritten = 8;

/** Names of pages are numbers; what else lies beside them is not read as one. */
export async function pageFiles(store: ObjectStore, dataset: string, run: Digest): Promise<readonly string[]> {
  const folder = folderOf(dataset, run);
  const names = await store.list(folder);
  return names.filter((name) => name.length === folder.length + nameDigits && name.charCodeAt(folder.length) < 0x3a);
}

/** The next file is read while whoever asks looks at the pages of this one. */
export async function* pagesIn(store: ObjectStore, dataset: string, run: Digest): AsyncGenerator<ReadItem> {
  const names = await pageFiles(store, dataset, run);
  const read = (at: number): Promise<Uint8Array | null> => {
    const name = names[at];
    const reading = name === undefined ? Promise.resolve(null) : store.get(name);
    // Asked for early, so that it may fail before anybody waits for it.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0);
  for (let at = 0; at < names.length; at += 1) {
    const bytes = await next;
    next = read(at + 1);
    if (!bytes) continue;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let start = 0; start < buffer.length;) {
      const newline = buffer.indexOf(0x0a, start);
      const end = newline === -1 ? buffer.length : newline;
      await letOthersRun();
      // Written by this worker's own connector and read by nobody else: trusted inside.
      yield JSON.parse(buffer.toString('utf8', start, end)) as ReadItem;
      start = end + 1;
    }
  }
}

export class PageWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  #sequence: number;
  #written: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #putting: Promise<unknown> = Promise.resolve();

  private constructor(store: ObjectStore, folder: string, sequence: number, written: number) {
    this.#store = store;
    this.#folder = folder;
    this.#sequence = sequence;
    this.#written = written;
  }

  /** Goes on behind what is there; `visit` is shown that first. */
  static async behind(
    store: ObjectStore,
    dataset: string,
    run: Digest,
    visit: (item: ReadItem) => void,
  ): Promise<PageWriter> {
    let written = 0;
    for await (const item of pagesIn(store, dataset, run)) visit(item);
    const files = await pageFiles(store, dataset, run);
    for (const name of files) written += (await store.get(name))?.length ?? 0;
    return new PageWriter(store, folderOf(dataset, run), files.length, written);
  }

  /** Returns once the page may be forgotten; a store that is slower than the mesh holds it back. */
  async add(item: ReadItem): Promise<void> {
    const text = JSON.stringify(item);
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes >= Math.min(fileBytesMax, this.#written / shareOfWritten)) await this.#put();
  }

  /** All pages are there. */
  async end(): Promise<void> {
    if (this.#waiting.length > 0) await this.#put();
    await this.#putting;
  }

  /** One file is written while the next pages are read. */
  async #put(): Promise<void> {
    const bytes = Buffer.from(this.#waiting.join('\n'), 'utf8');
    const name = `${this.#folder}${String(this.#sequence).padStart(nameDigits, '0')}`;
    this.#sequence += 1;
    this.#written += bytes.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#putting;
    this.#putting = this.#putOne(name, bytes);
    // Whoever puts the next one, or ends, is told.
    this.#putting.catch(() => undefined);
  }

  async #putOne(name: string, bytes: Buffer): Promise<void> {
    if (await this.#store.putIfAbsent(name, bytes)) return;
    // HAZARD: pages of two reads, one behind another, could show an object twice or not at all.
    const there = await this.#store.get(name);
    if (!there || !bytes.equals(there))
      throw new ConcordatError('storeFault', `${name} was written by another attempt meanwhile`);
  }
}
