/**
 * The shape of one native type as a read showed it: which properties its objects have, of what kinds, how often empty,
 * and of a sample what their values are like. No value is in it: samples are keyed digests that only their authority can make.
 */
import { z } from 'zod';

/** What a value looks like. Stores that know text only, such as CSV, are told apart by what the text says. */
export const valueKinds = ['boolean', 'number', 'date', 'instant', 'text', 'list', 'object'] as const;
export const ValueKind = z.enum(valueKinds);
export type ValueKind = z.infer<typeof ValueKind>;

const Count = z.int().nonnegative();

export const PropertyShape = z.strictObject({
  /** Objects that there were. */
  of: Count,
  /** Objects that have the property, empty or not. */
  seen: Count,
  /** Objects in which it holds something. */
  filled: Count,
  kinds: z.partialRecord(ValueKind, Count),
  /** Objects in which the map could not read what it holds; absent where that is none. */
  unreadable: Count.optional(),
  /** Of numbers, by the power of ten of their first digit: how large they are, and nothing else. */
  magnitudes: z.record(z.string(), Count),
  /** The smallest keyed digests of values in the sample, sorted: how far two properties hold the same can be told by them. */
  sample: z.array(z.string()),
  /** Keyed digests of all values in the sample where they are few, sorted; null where there are many. */
  few: z.array(z.string()).nullable(),
});
export type PropertyShape = z.infer<typeof PropertyShape>;

export const NativeShape = z.strictObject({
  objects: Count,
  /** Objects of the sample: every one in `2 ** sampleBits` by a digest of its id, so that later samples hold the same ones. */
  sampled: Count,
  sampleBits: Count,
  properties: z.record(z.string(), PropertyShape),
  /** Property → its type as the store itself declares it; absent where the store declares nothing. */
  declares: z.record(z.string(), z.string()).optional(),
});
export type NativeShape = z.infer<typeof NativeShape>;
