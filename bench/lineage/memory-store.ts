/** A store in memory, so that what is measured is our own work and not a disk. */
import type { Head, ObjectStore } from '../../activities/store.js';

export function memoryStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  const heads = new Map<string, Head>();
  return {
    putIfAbsent: (name, bytes) => {
      if (objects.has(name)) return Promise.resolve(false);
      objects.set(name, bytes);
      return Promise.resolve(true);
    },
    get: (name) => Promise.resolve(objects.get(name) ?? null),
    getRange: (name, start, length) => {
      const bytes = objects.get(name);
      return bytes ? Promise.resolve(bytes.subarray(start, start + length)) : Promise.reject(new Error(name));
    },
    list: (prefix) => Promise.resolve([...objects.keys()].filter((name) => name.startsWith(prefix)).sort()),
    readHead: (name) => Promise.resolve(heads.get(name) ?? null),
    compareAndSetHead: (name, fromVersion, bytes) => {
      if ((heads.get(name)?.version ?? 0) !== fromVersion) return Promise.resolve(false);
      heads.set(name, { version: fromVersion + 1, bytes });
      return Promise.resolve(true);
    },
    remove: (name) => {
      objects.delete(name);
      return Promise.resolve();
    },
    rewriteOlder: () => Promise.resolve(0),
    removeUnfinished: () => Promise.resolve(0),
  };
}
