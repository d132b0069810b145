/**
 * Which of many texts came before, in about twelve bytes each: a list that changes while it is paged may show an object
 * twice, and of millions of ids nearly none comes again. The texts themselves are kept only of those that seem to.
 *
 * Two texts may have one hash. Then one of them is taken for a text that came before, which costs its owner a look and
 * changes nothing; a text that did come before is never missed.
 */
const emptyPlace = 0;

export class Sightings {
  /** Pairs of halves of a hash; a first half of 0 is an empty place. */
  #pairs = new Uint32Array(2 * 1024);
  #count = 0;
  /** Texts that came again, and at which position last. */
  readonly again = new Map<string, number>();

  add(text: string, position: number): void {
    let high = 0x9e3779b9;
    let low = 0x85ebca6b;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      high = Math.imul(high ^ unit, 0x9e3779b1);
      low = Math.imul(low ^ unit, 0x5f356495);
      high ^= high >>> 15;
    }
    low = (low ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)) >>> 0;
    high = (high ^ Math.imul(low ^ (low >>> 16), 0x85ebca77)) >>> 0;
    if (this.#hold(high === emptyPlace ? 1 : high, low)) this.again.set(text, position);
  }

  /** Whether the hash was held already. */
  #hold(high: number, low: number): boolean {
    const found = placeOf(this.#pairs, high, low);
    if (this.#pairs[found] === high) return true;
    this.#pairs[found] = high;
    this.#pairs[found + 1] = low;
    this.#count += 1;
    // Places that are found within a few steps: at most two of three are taken.
    if (this.#count * 3 > this.#pairs.length) this.#grow();
    return false;
  }

  #grow(): void {
    const before = this.#pairs;
    const pairs = new Uint32Array(before.length * 2);
    for (let at = 0; at < before.length; at += 2) {
      const high = before[at] ?? 0;
      if (high === emptyPlace) continue;
      const low = before[at + 1] ?? 0;
      const place = placeOf(pairs, high, low);
      pairs[place] = high;
      pairs[place + 1] = low;
    }
    this.#pairs = pairs;
  }
}

/** Where the pair is, or the empty place where it would be. */
function placeOf(pairs: Uint32Array, high: number, low: number): number {
  const mask = pairs.length / 2 - 1;
  let place = (low & mask) * 2;
  for (;;) {
    const held = pairs[place];
    if (held === emptyPlace || (held === high && pairs[place + 1] === low)) return place;
    place = (place + 2) & (pairs.length - 1);
  }
}
