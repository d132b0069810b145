/** Which records an authority shows otherwise than in an earlier seal of its own. */
import { canonicalJson } from '../../core/digest.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { Fields } from '../../core/record.js';
import type { SealedType } from '../../core/sealed.js';
import { readOne } from '../sealing/read-records.js';
import type { SegmentReader } from '../sealing/segment-reader.js';
import { walkDiffering } from '../sealing/walk-differing.js';

/** Where groups changed, the walk yields every record. */
function isSame(before: Fields | undefined, now: Fields | undefined): boolean {
  return before === undefined || now === undefined ? before === now : canonicalJson(before) === canonicalJson(now);
}

export interface Difference {
  readonly before: Fields | undefined;
  readonly now: Fields | undefined;
}

/** A record that stands as it stood. */
export async function standing(now: SealedType, key: string, reader: SegmentReader): Promise<Difference> {
  const fields = (await readOne(now, key, reader))?.fields;
  return { before: fields, now: fields };
}

const beforeParticipant = '(before)';
const nowParticipant = '(now)';

/** In the order of what is sealed. */
export async function* changesBetween(
  before: SealedType,
  now: SealedType,
  groups: readonly FieldGroup[],
  reader: SegmentReader,
): AsyncGenerator<{ readonly key: string; readonly difference: Difference }> {
  const participants = [
    { id: beforeParticipant, sealed: before },
    { id: nowParticipant, sealed: now },
  ];
  for await (const { key, present } of walkDiffering({ participants, groups, reader })) {
    const difference = { before: present[beforeParticipant], now: present[nowParticipant] };
    if (!isSame(difference.before, difference.now)) yield { key, difference };
  }
}

/** Null where there are more than `most`. */
export async function differing(
  before: SealedType,
  now: SealedType,
  groups: readonly FieldGroup[],
  reader: SegmentReader,
  most: number,
): Promise<ReadonlyMap<string, Difference> | null> {
  const found = new Map<string, Difference>();
  for await (const { key, difference } of changesBetween(before, now, groups, reader)) {
    if (found.size === most) return null;
    found.set(key, difference);
  }
  return found;
}
