/** Authorities with logs in stores in memory, which a test can interrupt, copy back in time and let fork. */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyState } from '../../../core/key-state.js';
import type { LogObserver } from '../../../activities/log/peer-logs.js';
import { publicKeyOf, PrivateKey } from '../../../activities/keys/private-key.js';
import type { ObjectStore } from '../../../activities/store.js';
import { MemoryStore } from '../authority/gate-world.js';

export function newKey(): PrivateKey {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return PrivateKey.parse({ kty, crv, x, d });
}

/** A log key without an end, as a first manifest names it. */
export function stateOf(authority: string, key: PrivateKey, change: Partial<KeyState> = {}): KeyState {
  const none = { notBeforeMs: null, expiresMs: null, revoked: null };
  return { authority, use: 'log', kid: publicKeyOf(key).x, key: publicKeyOf(key), ...none, ...change };
}

export class LogWorld {
  readonly exchange: MemoryStore;
  readonly stores: Record<string, MemoryStore>;
  readonly keys: Readonly<Record<string, PrivateKey>>;
  /** What manifests say of log keys; a test changes it. */
  readonly states: Record<string, readonly KeyState[]>;

  constructor(authorities: readonly string[], from?: LogWorld) {
    this.exchange = new MemoryStore(from?.exchange);
    this.stores = Object.fromEntries(authorities.map((id) => [id, new MemoryStore(from?.stores[id])]));
    this.keys = from?.keys ?? Object.fromEntries(authorities.map((id) => [id, newKey()]));
    this.states = from
      ? { ...from.states }
      : Object.fromEntries(Object.entries(this.keys).map(([id, key]) => [id, [stateOf(id, key)]]));
  }

  copy(): LogWorld {
    return new LogWorld(Object.keys(this.keys), this);
  }

  of(id: string, stores: Partial<Pick<LogObserver, 'privateStore' | 'exchange' | 'logKey' | 'now'>> = {}): LogObserver {
    const [logKey, privateStore] = [this.keys[id], this.stores[id]];
    if (!logKey || !privateStore) throw new Error(`no authority ${id}`);
    return {
      id,
      federation: 'test',
      logKey,
      ownKeys: this.states[id] ?? [],
      privateStore,
      exchange: this.exchange,
      now: () => 1_700_000_000_000,
      peers: Object.fromEntries(Object.entries(this.states).filter(([peer]) => peer !== id)),
      ...stores,
    };
  }
}

/** A store whose process dies at the n-th change, before or after it was made. */
export function dyingStore(store: ObjectStore, dies: { at: number; readonly after: boolean }): ObjectStore {
  const step = async <T>(change: () => Promise<T>): Promise<T> => {
    dies.at -= 1;
    if (dies.at === 0 && !dies.after) throw new Error('the process has died');
    const result = await change();
    if (dies.at === 0) throw new Error('the process has died');
    return result;
  };
  return {
    get: (name) => store.get(name),
    getRange: (name, start, length) => store.getRange(name, start, length),
    list: (prefix) => store.list(prefix),
    readHead: (name) => store.readHead(name),
    putIfAbsent: (name, bytes) => step(() => store.putIfAbsent(name, bytes)),
    compareAndSetHead: (name, version, bytes) => step(() => store.compareAndSetHead(name, version, bytes)),
    remove: (name) => step(() => store.remove(name)),
    rewriteOlder: (name, rewrite) => step(() => store.rewriteOlder(name, rewrite)),
    removeUnfinished: (holds) => step(() => store.removeUnfinished(holds)),
  };
}

/** A store that answers after a number of turns that a seed decides, so that workers interleave in every way. */
export function slowStore(store: ObjectStore, random: () => number): ObjectStore {
  const later = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await Promise.resolve();
    return work();
  };
  return {
    get: (name) => later(() => store.get(name)),
    getRange: (name, start, length) => later(() => store.getRange(name, start, length)),
    list: (prefix) => later(() => store.list(prefix)),
    readHead: (name) => later(() => store.readHead(name)),
    putIfAbsent: (name, bytes) => later(() => store.putIfAbsent(name, bytes)),
    compareAndSetHead: (name, version, bytes) => later(() => store.compareAndSetHead(name, version, bytes)),
    remove: (name) => later(() => store.remove(name)),
    rewriteOlder: (name, rewrite) => later(() => store.rewriteOlder(name, rewrite)),
    removeUnfinished: (holds) => later(() => store.removeUnfinished(holds)),
  };
}

export const entry = (text: string): Uint8Array => new TextEncoder().encode(text);
