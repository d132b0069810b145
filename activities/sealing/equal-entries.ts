/** Holds stretches of two columns against each other, word by word: below a hundred entries that costs less than one call of Buffer.compare. */
const wordBytes = 4;

/** How many of `size` entries from these two on are equal before one that is not. `width`: bytes of an entry, a multiple of four. */
export function equalEntries(
  left: DataView,
  leftEntry: number,
  right: DataView,
  rightEntry: number,
  width: number,
  size: number,
): number {
  const apart = (rightEntry - leftEntry) * width;
  const end = (leftEntry + size) * width;
  for (let at = leftEntry * width; at < end; at += wordBytes)
    if (left.getInt32(at) !== right.getInt32(at + apart)) return Math.floor(at / width) - leftEntry;
  return size;
}
