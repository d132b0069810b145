/**
 * Reads the body of a segment, be it one object or two (core/sealed.ts, LaterLines). Lines that lie in two are put together as
 * if they were one, so whoever reads a body knows only its offsets.
 */
import { ConcordatError } from '../../core/errors.js';
import type { LaterLines, SealedSegment } from '../../core/sealed.js';
import type { ByteRange } from '../store.js';
import { LinePlaces, placeBytes, type LyingStretch } from './line-places.js';
import type { MakeRoom, SegmentReader } from './segment-reader.js';

/** As SegmentReader.pieces. */
export async function bodyPieces(
  segment: SealedSegment,
  ranges: readonly ByteRange[],
  reader: SegmentReader,
  accept: (bytes: Buffer, index: number) => void,
): Promise<void> {
  const { body, later } = segment;
  if (!later) return await reader.pieces(body, ranges, accept);
  const places = await placesOf(segment, later, reader);
  const pieces = ranges.map(({ start, length }) => ({
    bytes: Buffer.allocUnsafe(length),
    stretches: [...places.within(start, length)],
  }));
  const acceptAll = (): void => pieces.forEach(({ bytes }, index) => accept(bytes, index));
  try {
    await filled(pieces, segment, later, reader);
    acceptAll();
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    // Somebody spoiled one of the two under its prefix. Held to their digests, both are looked for under the others.
    const [earlier, lines] = [
      await reader.whole(body, later.earlierBytes),
      await reader.whole(later.body, later.bodyBytes),
    ];
    for (const { bytes, stretches } of pieces) put(bytes, stretches, earlier, lines);
    acceptAll();
  }
}

/** As SegmentReader.piece. */
export async function bodyPiece<T>(
  segment: SealedSegment,
  start: number,
  length: number,
  reader: SegmentReader,
  accept: (bytes: Buffer) => T,
): Promise<T> {
  if (!segment.later) return await reader.piece(segment.body, start, length, accept);
  const results: T[] = [];
  await bodyPieces(segment, [{ start, length }], reader, (bytes) => {
    results.length = 0;
    results.push(accept(bytes));
  });
  return results[0] as T;
}

/** As SegmentReader.whole: every byte is held to a digest. */
export async function wholeBody(segment: SealedSegment, reader: SegmentReader, room?: MakeRoom): Promise<Buffer> {
  const { body, bodyBytes, later } = segment;
  if (!later) return await reader.whole(body, bodyBytes, room);
  const places = await placesOf(segment, later, reader);
  const bytes = room ? room() : Buffer.allocUnsafeSlow(bodyBytes);
  const earlier = await reader.whole(body, later.earlierBytes);
  put(bytes, places.within(0, bodyBytes), earlier, await reader.whole(later.body, later.bodyBytes));
  return bytes;
}

export async function placesOf(segment: SealedSegment, later: LaterLines, reader: SegmentReader): Promise<LinePlaces> {
  return LinePlaces.read(await reader.wholeKept(later.places, later.placesCount * placeBytes), segment, later);
}

interface Piece {
  readonly bytes: Buffer;
  readonly stretches: readonly LyingStretch[];
}

async function filled(
  pieces: readonly Piece[],
  { body }: SealedSegment,
  later: LaterLines,
  reader: SegmentReader,
): Promise<void> {
  const asked = { earlier: [] as ByteRange[], later: [] as ByteRange[] };
  const targets = { earlier: [] as Buffer[], later: [] as Buffer[] };
  for (const { bytes, stretches } of pieces) {
    let at = 0;
    for (const { isLater, start, length } of stretches) {
      const which = isLater ? 'later' : 'earlier';
      asked[which].push({ start, length });
      targets[which].push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  const fill = async (digest: string, ranges: readonly ByteRange[], into: readonly Buffer[]): Promise<void> => {
    if (ranges.length === 0) return;
    await reader.pieces(digest, ranges, (found, index) => {
      const target = into[index];
      if (target) found.copy(target);
    });
  };
  await Promise.all([fill(body, asked.earlier, targets.earlier), fill(later.body, asked.later, targets.later)]);
}

function put(bytes: Buffer, stretches: Iterable<LyingStretch>, earlier: Buffer, later: Buffer): void {
  let at = 0;
  for (const { isLater, start, length } of stretches)
    at += (isLater ? later : earlier).copy(bytes, at, start, start + length);
}
