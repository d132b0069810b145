/** Finds what a document or a message says of sealed segments, whatever kind of document it is. */
import { isJsonObject, type Json } from '../../core/json.js';
import { SealedSegment } from '../../core/sealed.js';
import type { Digest } from '../../core/digest.js';

const depthMax = 24;

export function segmentsIn(value: Json, levels = depthMax): readonly SealedSegment[] {
  if (levels === 0 || typeof value !== 'object' || value === null) return [];
  if (isJsonObject(value) && 'body' in value && 'offsets' in value) {
    const segment = SealedSegment.safeParse(value);
    if (segment.success) return [segment.data];
  }
  return Object.values(value).flatMap((inner) => segmentsIn(inner as Json, levels - 1));
}

export function columnsOf({ keys, groups, offsets, later }: SealedSegment): readonly Digest[] {
  return [keys, ...groups, offsets, ...(later ? [later.places] : [])];
}
