/**
 * Where the hashes and entries of a log lie (C2SP tlog-tiles): a tile holds 256 hashes of one level, a level of tiles is
 * eight levels of the tree. The last tile of a level is partial and named with its width, so a name never changes what
 * it holds.
 */
import { nodeHash, type Sha256, type Subtree } from './tree.js';

export const tileWidth = 256;
export const tileLevels = 8;

export interface Tile {
  readonly level: number;
  readonly index: number;
  /** How many hashes or entries it holds: 256 unless it is partial. */
  readonly width: number;
}

/** `tile/0/x001/067.p/8`: relative to the log. */
export function tileName({ level, index, width }: Tile): string {
  return `tile/${level}/${indexName(index)}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** The bundle of entries that a tile of level 0 was made from. */
export function entriesName({ index, width }: Pick<Tile, 'index' | 'width'>): string {
  return `tile/entries/${indexName(index)}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** Groups of three digits, all but the last with an `x` before them. */
function indexName(index: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** The tiles that a log gained when it grew, lowest level first; the partial ones as wide as the new size makes them. */
export function tilesBetween(from: number, to: number): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0, before = from, now = to; now > 0; level += 1) {
    for (let index = Math.floor(before / tileWidth); index * tileWidth < now; index += 1) {
      const width = Math.min(tileWidth, now - index * tileWidth);
      if (index * tileWidth + width > before) tiles.push({ level, index, width });
    }
    before = Math.floor(before / tileWidth);
    now = Math.floor(now / tileWidth);
  }
  return tiles;
}

/** Which tile of a log of that size holds what a complete subtree is made of, and from where to where in it. */
export function tileOfSubtree(
  subtree: Subtree,
  size: number,
): { readonly tile: Tile; readonly from: number; readonly to: number } {
  const level = Math.floor(subtree.level / tileLevels);
  const inside = 2 ** (subtree.level % tileLevels);
  const first = subtree.index * inside;
  const index = Math.floor(first / tileWidth);
  const hashes = Math.floor(size / tileWidth ** level);
  const width = Math.min(tileWidth, hashes - index * tileWidth);
  const from = first - index * tileWidth;
  if (from + inside > width) throw new RangeError('the log is too short to hold that subtree');
  return { tile: { level, index, width }, from, to: from + inside };
}

/** The hash of a row of hashes whose number is a power of two. */
export function rowHash(hashes: readonly Uint8Array[], hash?: Sha256): Uint8Array {
  let row = [...hashes];
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at + 1 < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]];
      if (left && right) above.push(nodeHash(left, right, hash));
    }
    row = above;
  }
  const [only] = row;
  if (!only) throw new RangeError('a row of no hashes has no hash');
  return only;
}

export const entryBytesMax = 65_535;

/** C2SP bundle: each entry behind its length in two bytes, big-endian. Throws RangeError for an entry that is too long. */
export function bundleOf(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((sum, { length }) => sum + 2 + length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > entryBytesMax) throw new RangeError(`an entry of a log may have ${entryBytesMax} bytes`);
    bundle[at] = entry.length >>> 8;
    bundle[at + 1] = entry.length & 255;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** Null where the bytes are no bundle. */
export function entriesOf(bundle: Uint8Array): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length;) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
    if (at + 2 + length > bundle.length) return null;
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}
