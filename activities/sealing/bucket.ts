/** Buckets are ranges of the key hash, named by its top bits. */

export function bucketBitsOf(bucketCount: number): number {
  return 31 - Math.clz32(bucketCount);
}

/** Which of 2^bits buckets a hash belongs to, by its upper 32 bits. */
export function bucketOfHigh(hashHigh: number, bucketBits: number): number {
  return bucketBits === 0 ? 0 : hashHigh >>> (32 - bucketBits);
}

/** Position of the first entry of a sorted key column that does not lie below the bucket. */
export function firstEntryOfBucket(keys: Buffer, bucket: number, bucketBits: number): number {
  let low = 0;
  let high = keys.length / 8;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bucketOfHigh(keys.readUInt32BE(middle * 8), bucketBits) < bucket) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Position of the first entry of a sorted key column whose hash is not below the given one. */
export function firstEntryWithHash(keys: Buffer, hash: bigint): number {
  let low = 0;
  let high = keys.length / 8;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys.readBigUInt64BE(middle * 8) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}
