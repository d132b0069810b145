/**
 * ObjectStore on a file system that several processes share: one file per object, written aside and linked into place.
 *
 * link(2) gives put-if-absent: it fails where the name exists and shows the whole content or nothing, so readers need
 * no lock. A head is a folder of numbered versions; moving it puts the next number if absent.
 */
import { randomBytes } from 'node:crypto';
import { constants, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConcordatError } from '../core/errors.js';
import { byCodeUnit } from '../core/json.js';
import { SharedSyncs } from './shared-syncs.js';
import { folderOfPrefix, partsOfName, versionName, versionOf } from './store-names.js';
import type { ByteRange, Head, ObjectStore } from './store.js';

const unfinishedFolder = '.unfinished';
/**
 * Reads up to this size are synchronous on a file that stays open. Measured: about 3 µs from the page cache, where the
 * thread pool costs 30 µs and more; a compare makes thousands of them.
 */
const synchronousReadBytes = 64 * 1024;
const openFilesMax = 32;

/** `root` is made on first use. Two stores on one folder, in one process or several, are safe together. */
export function createFileStore(root: string): ObjectStore {
  return new FileStore(resolve(root));
}

class FileStore implements ObjectStore {
  readonly #root: string;
  readonly #openFiles = new Map<string, number>();
  /** Versions only grow and none is left out, so a version once seen is a safe place to look on from. */
  readonly #versionSeen = new Map<string, number>();

  readonly #durableFolders = new Set<string>();
  readonly #syncs = new SharedSyncs(syncFolder);

  constructor(root: string) {
    this.#root = root;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(name);
    return await asStoreFault(`cannot write ${name}`, async () => {
      if (await exists(path)) {
        // HAZARD: another process may have linked it a moment ago; what the caller claims next must outlive a crash.
        await this.#syncs.of(dirname(path));
        return false;
      }
      await this.#makeFolder(dirname(path));
      await this.#makeFolder(join(this.#root, unfinishedFolder));
      const aside = join(this.#root, unfinishedFolder, `${process.pid}-${randomBytes(12).toString('hex')}`);
      try {
        await writeDurably(aside, bytes);
        const won = await linkIfAbsent(aside, path);
        await this.#syncs.of(dirname(path));
        return won;
      } finally {
        await unlinkIfThere(aside);
      }
    });
  }

  async get(name: string): Promise<Uint8Array | null> {
    return await this.#whole(name, (file, size) => readFully(file, name, 0, size));
  }

  async getInto(name: string, room: Uint8Array): Promise<number | null> {
    return await this.#whole(name, async (file, size) => {
      if (size <= room.length) await fill(room.subarray(0, size), file, name, 0);
      return size;
    });
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const path = this.#path(name);
    return await asStoreFault(`cannot read ${name}`, async () => {
      if (length <= synchronousReadBytes) return this.#readSmall(path, name, start, length);
      const file = await open(path, constants.O_RDONLY);
      try {
        return await readFully(file, name, start, length);
      } finally {
        await file.close();
      }
    });
  }

  async getRanges(name: string, ranges: readonly ByteRange[]): Promise<readonly Uint8Array[]> {
    const path = this.#path(name);
    if (ranges.length === 0 || ranges.some(({ length }) => length > synchronousReadBytes))
      return await Promise.all(ranges.map(({ start, length }) => this.getRange(name, start, length)));
    return await asStoreFault(`cannot read ${name}`, () => {
      // One look at the file and one buffer serve all: either costs as much as a read of a few kilobytes.
      const descriptor = this.#openFile(path);
      const all = Buffer.allocUnsafeSlow(ranges.reduce((sum, { length }) => sum + length, 0));
      let end = 0;
      return Promise.resolve(
        ranges.map(({ start, length }) => {
          readInto(all, end, length, descriptor, name, start);
          const bytes = all.subarray(end, end + length);
          end += length;
          return bytes;
        }),
      );
    });
  }

  async size(name: string): Promise<number | null> {
    const path = this.#path(name);
    return await asStoreFault(`cannot look at ${name}`, async () => {
      try {
        return (await stat(path)).size;
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const folder = folderOfPrefix(prefix);
    return await asStoreFault(`cannot list ${prefix}`, async () => {
      const names: string[] = [];
      const visit = async (inside: string): Promise<void> => {
        for (const entry of await entriesOf(join(this.#root, inside))) {
          const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
          if (entry.name.startsWith('.')) continue;
          if (entry.isDirectory()) {
            if (name.startsWith(prefix) || prefix.startsWith(`${name}/`)) await visit(name);
          } else if (name.startsWith(prefix)) names.push(name);
        }
      };
      await visit(folder);
      return names.sort(byCodeUnit);
    });
  }

  async readHead(name: string): Promise<Head | null> {
    const version = await this.#latestVersion(name);
    if (version === 0) return null;
    const bytes = await this.get(versionName(name, version));
    if (bytes === null) throw new ConcordatError('storeFault', `version ${version} of ${name} was there and is gone`);
    return { version, bytes };
  }

  async compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    if (!Number.isSafeInteger(fromVersion) || fromVersion < 0)
      throw new ConcordatError('storeFault', `a head cannot move from version ${fromVersion}`);
    // A number beyond the next one would leave a gap in which a slower writer could still succeed.
    if (fromVersion > 0 && !(await exists(this.#path(versionName(name, fromVersion))))) return false;
    return await this.putIfAbsent(versionName(name, fromVersion + 1), bytes);
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    this.#closeFile(path);
    await asStoreFault(`cannot remove ${name}`, async () => {
      await unlinkIfThere(path);
    });
  }

  async rewriteOlder(name: string, rewrite: (bytes: Uint8Array) => Uint8Array | null): Promise<number> {
    const latest = await this.#latestVersion(name);
    let rewritten = 0;
    for (let version = 1; version < latest; version += 1) {
      const older = versionName(name, version);
      const bytes = await this.get(older);
      const changed = bytes && rewrite(bytes);
      if (!changed) continue;
      await this.#replace(older, changed);
      rewritten += 1;
    }
    return rewritten;
  }

  async removeUnfinished(holds: (bytes: Uint8Array) => boolean): Promise<number> {
    const folder = join(this.#root, unfinishedFolder);
    return await asStoreFault('cannot look for unfinished writes', async () => {
      let removed = 0;
      for (const entry of await entriesOf(folder)) {
        const path = join(folder, entry.name);
        // One that goes away meanwhile belonged to a writer that lives; one that is taken from it makes it try again.
        const bytes = await readFile(path).catch((error: unknown) => {
          if (isMissing(error)) return null;
          throw error;
        });
        if (!bytes || !holds(bytes)) continue;
        await unlinkIfThere(path);
        removed += 1;
      }
      if (removed > 0) await syncFolder(folder);
      return removed;
    });
  }

  /** The name stays taken all the while, so that nobody can put a version that was there before. */
  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    this.#closeFile(path);
    await asStoreFault(`cannot rewrite ${name}`, async () => {
      await this.#makeFolder(join(this.#root, unfinishedFolder));
      const aside = join(this.#root, unfinishedFolder, `${process.pid}-${randomBytes(12).toString('hex')}`);
      try {
        await writeDurably(aside, bytes);
        await rename(aside, path);
        await syncFolder(dirname(path));
      } finally {
        await unlinkIfThere(aside);
      }
    });
  }

  async #latestVersion(name: string): Promise<number> {
    const folder = this.#path(name);
    let version = this.#versionSeen.get(name) ?? 0;
    if (version === 0) {
      for (const entry of await asStoreFault(`cannot read ${name}`, () => entriesOf(folder))) {
        version = Math.max(version, versionOf(entry.name) ?? 0);
      }
    }
    while (await exists(this.#path(versionName(name, version + 1)))) version += 1;
    if (version > 0) this.#versionSeen.set(name, version);
    return version;
  }

  async #whole<T>(name: string, read: (file: FileHandle, size: number) => Promise<T>): Promise<T | null> {
    const path = this.#path(name);
    return await asStoreFault(`cannot read ${name}`, async () => {
      let file: FileHandle;
      try {
        file = await open(path, constants.O_RDONLY);
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
      try {
        const { size } = await file.stat();
        return await read(file, size);
      } finally {
        await file.close();
      }
    });
  }

  #readSmall(path: string, name: string, start: number, length: number): Uint8Array {
    const descriptor = this.#openFile(path);
    const bytes = Buffer.allocUnsafe(length);
    readInto(bytes, 0, length, descriptor, name, start);
    return bytes;
  }

  /** An open file whose object was removed (and perhaps put anew) since is opened again: no link is left to it. */
  #openFile(path: string): number {
    const known = this.#openFiles.get(path);
    if (known !== undefined && fstatSync(known).nlink > 0) return known;
    this.#closeFile(path);
    const descriptor = openSync(path, constants.O_RDONLY);
    this.#openFiles.set(path, descriptor);
    for (const oldest of this.#openFiles.keys()) {
      if (this.#openFiles.size <= openFilesMax) break;
      this.#closeFile(oldest);
    }
    return descriptor;
  }

  #closeFile(path: string): void {
    const descriptor = this.#openFiles.get(path);
    if (descriptor === undefined) return;
    this.#openFiles.delete(path);
    closeSync(descriptor);
  }

  /**
   * Makes a folder whose name survives a crash. A folder that was there may have been made by another process a moment
   * ago, so the whole way up is synced once by each store, whoever made it.
   */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined && this.#durableFolders.has(folder)) return;
    const top = Math.min(first?.length ?? Infinity, this.#root.length);
    for (let inside = folder; inside.length >= top; inside = dirname(inside)) await syncFolder(dirname(inside));
    this.#durableFolders.add(folder);
  }

  /** Names become paths only here. */
  #path(name: string): string {
    return join(this.#root, ...partsOfName(name));
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkIfAbsent(aside: string, path: string): Promise<boolean> {
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // HAZARD: NFS repeats a request whose answer was lost, and then link says EEXIST of its own success (open(2)).
    return (await stat(aside)).nlink === 2;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function readInto(bytes: Buffer, at: number, length: number, descriptor: number, name: string, start: number): void {
  let done = 0;
  while (done < length) {
    const read = readSync(descriptor, bytes, at + done, length - done, start + done);
    if (read === 0) throw shorter(name, start + length);
    done += read;
  }
}

async function readFully(file: FileHandle, name: string, start: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length);
  await fill(bytes, file, name, start);
  return bytes;
}

async function fill(bytes: Uint8Array, file: FileHandle, name: string, start: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) throw shorter(name, start + bytes.length);
    done += bytesRead;
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function shorter(name: string, end: number): ConcordatError {
  return new ConcordatError('storeFault', `${name} is shorter than ${end} bytes`);
}

async function asStoreFault<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ConcordatError) throw cause;
    throw new ConcordatError('storeFault', `${doing}: ${codeOf(cause) ?? 'unexpected fault'}`, { cause });
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
