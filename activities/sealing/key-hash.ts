/** The hash that orders and buckets records. It carries no meaning beyond that: equality rests on bytes and SHA-256. */
import createXxhash from 'xxhash-wasm';

/** 64 bits of a key. Only tests give another one, to make keys collide. */
export type KeyHash = (key: string) => bigint;

const xxhash = await createXxhash();

/** xxh64 with seed 0 over the UTF-8 bytes of the key (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). */
export const xxh64: KeyHash = (key) => xxhash.h64(key);

/** 32 bits of a text, for places in tables that are looked up and never signed. */
export const xxh32 = (text: string): number => xxhash.h32(text);
