/**
 * Reads tiles of a log, one's own or a peer's, and makes proofs of them. What it reads is not trusted: a proof made of
 * altered tiles does not verify.
 */
import { ConcordatError } from '../../core/errors.js';
import { entriesName, entriesOf, tileName, tileOfSubtree, tileWidth, type Tile } from '../../core/log/tiles.js';
import {
  consistencyRanges,
  foldSubtrees,
  hashBytes,
  inclusionRanges,
  nodeHash,
  subtreesOf,
  type Range,
  type Subtree,
} from '../../core/log/tree.js';
import type { ObjectStore } from '../store.js';
import { sha256 } from './sha256.js';

const tilesKeptMax = 64;

export class LogReader {
  readonly #store: Pick<ObjectStore, 'get'>;
  readonly #prefix: string;
  /** The size at which the tiles were last known to be written: partial ones have its width. */
  readonly #size: number;
  /** Promises, because the steps of one proof ask for one tile at once. */
  readonly #tiles = new Map<string, Promise<TileRows>>();

  constructor(store: Pick<ObjectStore, 'get'>, prefix: string, size: number) {
    this.#store = store;
    this.#prefix = prefix;
    this.#size = size;
  }

  /** The root that the log had at a size, from the empty one on. */
  async rootAt(size: number): Promise<Uint8Array> {
    return this.#hashOf({ start: 0, end: size });
  }

  async inclusion(index: number, size: number): Promise<readonly Uint8Array[]> {
    return Promise.all(inclusionRanges(index, size).map((range) => this.#hashOf(range)));
  }

  async consistency(from: number, to: number): Promise<readonly Uint8Array[]> {
    return from === 0 ? [] : Promise.all(consistencyRanges(from, to).map((range) => this.#hashOf(range)));
  }

  async leafAt(index: number): Promise<Uint8Array> {
    return this.#subtree({ level: 0, index });
  }

  async entryAt(index: number): Promise<Uint8Array> {
    const tile = Math.floor(index / tileWidth);
    const width = Math.min(tileWidth, this.#size - tile * tileWidth);
    const bundle =
      (await this.#read(entriesName({ index: tile, width }))) ??
      (await this.#read(entriesName({ index: tile, width: tileWidth })));
    const entry = bundle && entriesOf(bundle)?.[index - tile * tileWidth];
    if (!entry) throw new ConcordatError('storeFault', `entry ${index} of ${this.#prefix} cannot be read`);
    return entry;
  }

  async #hashOf(range: Range): Promise<Uint8Array> {
    return foldSubtrees(await Promise.all(subtreesOf(range).map((subtree) => this.#subtree(subtree))), sha256);
  }

  async #subtree(subtree: Subtree): Promise<Uint8Array> {
    const { tile, from, to } = tileOfSubtree(subtree, this.#size);
    const rows = await this.#tile(tile);
    const length = to - from;
    return rows.hash(Math.log2(length), from / length);
  }

  #tile(tile: Tile): Promise<TileRows> {
    const name = tileName(tile);
    const known = this.#tiles.get(name);
    if (known) return known;
    const [oldest] = this.#tiles.keys();
    if (oldest !== undefined && this.#tiles.size >= tilesKeptMax) this.#tiles.delete(oldest);
    const rows = this.#readTile(tile, name);
    this.#tiles.set(name, rows);
    // A read that failed may succeed when it is asked for again.
    rows.catch(() => this.#tiles.delete(name));
    return rows;
  }

  async #readTile(tile: Tile, name: string): Promise<TileRows> {
    // The log may have grown meanwhile, and a tile that was completed replaces its partial forms.
    const bytes = (await this.#read(name)) ?? (await this.#read(tileName({ ...tile, width: tileWidth })));
    if (!bytes || bytes.length < tile.width * hashBytes)
      throw new ConcordatError('storeFault', `${this.#prefix}/${name} is missing or too short`);
    return new TileRows(bytes);
  }

  #read(name: string): Promise<Uint8Array | null> {
    return this.#store.get(`${this.#prefix}/${name}`);
  }
}

/** A tile with the levels of the tree above its hashes, each made when it is first needed: a proof asks for several. */
class TileRows {
  readonly #rows: (readonly Uint8Array[])[];

  constructor(bytes: Uint8Array) {
    this.#rows = [
      Array.from({ length: bytes.length / hashBytes }, (_, at) => bytes.subarray(at * hashBytes, (at + 1) * hashBytes)),
    ];
  }

  hash(level: number, index: number): Uint8Array {
    const hash = this.#row(level)[index];
    if (!hash) throw new RangeError('a tile does not hold that subtree');
    return hash;
  }

  #row(level: number): readonly Uint8Array[] {
    for (let above = this.#rows.length; above <= level; above += 1) {
      const below = this.#rows[above - 1] ?? [];
      const row: Uint8Array[] = [];
      for (let at = 0; at + 1 < below.length; at += 2) {
        const [left, right] = [below[at], below[at + 1]];
        if (left && right) row.push(nodeHash(left, right, sha256));
      }
      this.#rows.push(row);
    }
    return this.#rows[level] ?? [];
  }
}
