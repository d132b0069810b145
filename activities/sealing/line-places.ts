/** Where the lines of a body lie whose later ones are in an object of their own (core/sealed.ts, LaterLines). */
import type { LaterLines, SealedSegment } from '../../core/sealed.js';
import { notAuthentic } from './segment-columns.js';

export const placeBytes = 8;

/** A stretch of one of the two objects. */
export interface LyingStretch {
  readonly isLater: boolean;
  readonly start: number;
  readonly length: number;
}

export class LinePlaces {
  readonly #places: DataView;
  readonly #count: number;
  readonly #bodyBytes: number;

  private constructor(places: Buffer, bodyBytes: number) {
    this.#places = new DataView(places.buffer, places.byteOffset, places.byteLength);
    this.#count = places.byteLength / placeBytes;
    this.#bodyBytes = bodyBytes;
  }

  /** Of a body that is one object. */
  static ofOne(bodyBytes: number): LinePlaces {
    return new LinePlaces(Buffer.alloc(placeBytes), bodyBytes);
  }

  /** Throws inputNotAuthentic where they do not lead through the whole body, or out of an object. */
  static read(places: Buffer, { bodyBytes }: Pick<SealedSegment, 'bodyBytes'>, later: LaterLines): LinePlaces {
    const read = new LinePlaces(places, bodyBytes);
    if (places.byteLength !== later.placesCount * placeBytes || read.#placeAt(0) !== 0)
      throw notAuthentic('the places of its lines do not begin at the beginning');
    for (let at = 0; at < read.#count; at += 1) {
      const length = read.#placeAt(at + 1) - read.#placeAt(at);
      if (length < 0 || read.#startAt(at) + length > (isLaterAt(at) ? later.bodyBytes : later.earlierBytes))
        throw notAuthentic('the places of its lines lead out of its body');
    }
    return read;
  }

  /** What lies at so many bytes of the body from `start` on, in their order. */
  *within(start: number, length: number): Generator<LyingStretch> {
    const end = start + length;
    let from = start;
    for (let at = this.#lastNotAfter(start); from < end; at += 1) {
      const to = Math.min(end, this.#placeAt(at + 1));
      if (to > from)
        yield { isLater: isLaterAt(at), start: this.#startAt(at) + from - this.#placeAt(at), length: to - from };
      from = Math.max(from, to);
      // Beyond its end.
      if (at >= this.#count) throw notAuthentic('more of its body is asked for than there is');
    }
  }

  #lastNotAfter(place: number): number {
    let [low, high] = [0, this.#count - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#placeAt(middle) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #placeAt(at: number): number {
    return at >= this.#count ? this.#bodyBytes : this.#places.getUint32(at * placeBytes);
  }

  #startAt(at: number): number {
    return at >= this.#count ? 0 : this.#places.getUint32(at * placeBytes + 4);
  }
}

function isLaterAt(at: number): boolean {
  return at % 2 === 1;
}

/** Puts the places of a body together as its lines come in their order, and the bytes of the later ones. */
export class LinePlacesWriter {
  readonly #numbers: number[] = [0, 0];
  readonly #later: Buffer[] = [];
  #place = 0;
  #laterBytes = 0;
  #earlierEnd = 0;

  get bodyBytes(): number {
    return this.#place;
  }

  get laterBytes(): number {
    return this.#laterBytes;
  }

  earlier(start: number, length: number): void {
    if (this.#place === 0) this.#numbers[1] = start;
    else if (this.#isLaterOpen) this.#open(start);
    else if (this.#earlierEnd !== start) {
      this.#open(this.#laterBytes);
      this.#open(start);
    }
    this.#earlierEnd = start + length;
    this.#place += length;
  }

  later(bytes: Buffer): void {
    if (!this.#isLaterOpen) this.#open(this.#laterBytes);
    this.#later.push(bytes);
    this.#laterBytes += bytes.length;
    this.#place += bytes.length;
  }

  laterBody(): Buffer {
    return Buffer.concat(this.#later);
  }

  places(): Buffer {
    const places = Buffer.alloc(4 * this.#numbers.length);
    this.#numbers.forEach((number, at) => places.writeUInt32BE(number, 4 * at));
    return places;
  }

  get #isLaterOpen(): boolean {
    return this.#numbers.length % 4 === 0;
  }

  #open(start: number): void {
    this.#numbers.push(this.#place, start);
  }
}
