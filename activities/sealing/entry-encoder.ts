/** Turns a record into the bytes in which it waits for its segment (entry-buffer.ts). */
import type { Fields } from '../../core/record.js';
import { digestBytes, entryShape, hashBytes } from './entry-buffer.js';
import type { KeyHash } from './key-hash.js';
import type { RecordLayout } from './record-layout.js';
import { sha256Binary } from './sha256.js';

const utf8BytesPerUnitMax = 3;

export class EntryEncoder {
  readonly #layout: RecordLayout;
  readonly #hashKey: KeyHash;
  readonly #headBytes: number;
  #scratch = Buffer.allocUnsafeSlow(16 * 1024);

  constructor(layout: RecordLayout, hashKey: KeyHash) {
    this.#layout = layout;
    this.#hashKey = hashKey;
    this.#headBytes = entryShape(layout.groups.length).headBytes;
  }

  /** Good until the next call. Null where the record has a field that no group holds; throws on what is not JSON. */
  encode(key: string, fields: Fields): Buffer | null {
    const texts = this.#layout.texts(key, fields);
    if (texts === null) return null;
    const room = this.#headBytes + texts.whole.length * utf8BytesPerUnitMax;
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(room * 2);
    const scratch = this.#scratch;
    scratch.writeBigUInt64BE(this.#hashKey(key), 0);
    const jsonBytes = scratch.write(texts.whole, this.#headBytes, 'utf8');
    let at = hashBytes;
    for (const text of texts.groups) {
      // One group holds all fields for most types: its text is there as bytes already.
      const bytes = text === texts.whole ? scratch.subarray(this.#headBytes, this.#headBytes + jsonBytes) : text;
      scratch.write(sha256Binary(bytes), at, 'latin1');
      at += digestBytes;
    }
    scratch.writeUInt32BE(jsonBytes, at);
    return scratch.subarray(0, this.#headBytes + jsonBytes);
  }
}
