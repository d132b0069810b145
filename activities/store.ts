/**
 * Where sealed data and private state live: one small interface, a file system behind it by default.
 *
 * Objects are immutable once put; a head is a name whose value moves by compare-and-set. Both are built on the one
 * primitive that a file system (`link(2)`) and S3 (`If-None-Match: *`) share: put if absent.
 */
export interface ObjectStore {
  /** Documents larger than this are put in pieces of it (activities/documents/). 32 MB, in pieces of 8, where absent. */
  readonly documentPieceBytes?: number;
  /** About how many links an authority's table of them has in a bucket (activities/link-write.ts). 1,024 where absent. */
  readonly linksInBucket?: number;
  /** Returns false, and changes nothing, where the name is taken. Durable (fsync) before it returns. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean>;
  /** null where there is none. */
  get(name: string): Promise<Uint8Array | null>;
  /**
   * As `get`, into the beginning of memory that is there, where a store has a cheap way to. Says how many bytes the object has:
   * where they are more than there is room for, nothing was read.
   */
  getInto?(name: string, room: Uint8Array): Promise<number | null>;
  /** A piece of an object, for bodies inside a segment. Throws storeFault where the object is missing or shorter. */
  getRange(name: string, start: number, length: number): Promise<Uint8Array>;
  /** Many pieces of one object at once, in their order, where the store has a cheaper way than one after the other. Throws as getRange. */
  getRanges?(name: string, ranges: readonly ByteRange[]): Promise<readonly Uint8Array[]>;
  /** How pieces are best asked for where each is a request; a store on this machine says nothing of it. */
  readonly requests?: PieceRequests;
  /** Bytes of an object without reading it, null where there is none. Where a store cannot say, `get` has to. */
  size?(name: string): Promise<number | null>;
  /** Names under a prefix, in code unit order. */
  list(prefix: string): Promise<readonly string[]>;
  readHead(name: string): Promise<Head | null>;
  /** Moves a head from the version that was read (0 where there was none). Returns false where somebody was faster. */
  compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean>;
  /** Private state only (drafts, cursors): removes an object. Missing is fine. */
  remove(name: string): Promise<void>;
  /**
   * For erasure in private state only: puts other bytes into what a store keeps of the versions before the current one.
   * `rewrite` gives null where a version may stay as it is. Says how many were changed.
   */
  rewriteOlder(name: string, rewrite: (bytes: Uint8Array) => Uint8Array | null): Promise<number>;
  /** For erasure only: removes what a writer that died left half written, where `holds` says so. */
  removeUnfinished(holds: (bytes: Uint8Array) => boolean): Promise<number>;
}

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

export interface Head {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface PieceRequests {
  readonly atOnce: number;
  /** What lies no further apart is cheaper to read in one go, as measured so far. */
  gapBytes(): number;
}
