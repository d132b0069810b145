/**
 * A store whose client is loaded with its first use: no worker or command that works on folders waits for the SDK of S3,
 * which takes longer to load than everything else of a command together.
 */
import type { Head, ObjectStore } from './store.js';

export function createLateStore(open: () => Promise<ObjectStore>): ObjectStore {
  return new LateStore(open);
}

class LateStore implements ObjectStore {
  readonly #open: () => Promise<ObjectStore>;
  #opened: Promise<ObjectStore> | undefined;

  constructor(open: () => Promise<ObjectStore>) {
    this.#open = open;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return (await this.#store()).putIfAbsent(name, bytes);
  }
  async get(name: string): Promise<Uint8Array | null> {
    return (await this.#store()).get(name);
  }
  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    return (await this.#store()).getRange(name, start, length);
  }
  async size(name: string): Promise<number | null> {
    const store = await this.#store();
    return store.size ? store.size(name) : ((await store.get(name))?.length ?? null);
  }
  async list(prefix: string): Promise<readonly string[]> {
    return (await this.#store()).list(prefix);
  }
  async readHead(name: string): Promise<Head | null> {
    return (await this.#store()).readHead(name);
  }
  async compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    return (await this.#store()).compareAndSetHead(name, fromVersion, bytes);
  }
  async remove(name: string): Promise<void> {
    return (await this.#store()).remove(name);
  }
  async rewriteOlder(name: string, rewrite: (bytes: Uint8Array) => Uint8Array | null): Promise<number> {
    return (await this.#store()).rewriteOlder(name, rewrite);
  }
  async removeUnfinished(holds: (bytes: Uint8Array) => boolean): Promise<number> {
    return (await this.#store()).removeUnfinished(holds);
  }

  #store(): Promise<ObjectStore> {
    this.#opened ??= this.#open();
    return this.#opened;
  }
}
