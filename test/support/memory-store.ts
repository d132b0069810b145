/** A store in memory that can be copied, read and tampered with. */
import type { Head, ObjectStore } from '../../activities/store.js';
import { ConcordatError } from '../../core/errors.js';

export class MemoryStore implements ObjectStore {
  readonly objects: Map<string, Uint8Array>;
  readonly heads: Map<string, Head>;
  /** Set by tests that want small documents to lie in pieces as large ones do. */
  documentPieceBytes?: number;
  /** Set by tests that want some links to lie as a million do. */
  linksInBucket?: number;

  constructor(from?: MemoryStore) {
    if (from?.documentPieceBytes !== undefined) this.documentPieceBytes = from.documentPieceBytes;
    if (from?.linksInBucket !== undefined) this.linksInBucket = from.linksInBucket;
    this.objects = new Map(from?.objects);
    this.heads = new Map(from?.heads);
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    if (this.objects.has(name)) return Promise.resolve(false);
    this.objects.set(name, new Uint8Array(bytes));
    return Promise.resolve(true);
  }
  get(name: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.objects.get(name) ?? null);
  }
  getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const bytes = this.objects.get(name);
    if (!bytes) return Promise.reject(new ConcordatError('storeFault', `${name} is missing`));
    return Promise.resolve(bytes.subarray(start, start + length));
  }
  list(prefix: string): Promise<readonly string[]> {
    return Promise.resolve([...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort());
  }
  readHead(name: string): Promise<Head | null> {
    return Promise.resolve(this.heads.get(name) ?? null);
  }
  compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    if ((this.heads.get(name)?.version ?? 0) !== fromVersion) return Promise.resolve(false);
    this.heads.set(name, { version: fromVersion + 1, bytes: Uint8Array.from(bytes) });
    return Promise.resolve(true);
  }
  remove(name: string): Promise<void> {
    this.objects.delete(name);
    return Promise.resolve();
  }
  /** Keeps no older versions. */
  rewriteOlder(): Promise<number> {
    return Promise.resolve(0);
  }
  removeUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }
}
