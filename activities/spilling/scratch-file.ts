/**
 * A file without a name, for what has no place in memory while a step computes: it goes when the process does, however that
 * ends, and when nothing reads it any more.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bufferBytes = 256 * 1024;

/** Of files whose lists nobody holds any more. */
const forgotten = new FinalizationRegistry<number>((file) => closeSync(file));

export class ScratchFile {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #buffered = 0;
  #written = 0;
  #isOpen = true;

  constructor() {
    const path = join(tmpdir(), `concordat-plan-${process.pid}-${randomBytes(8).toString('hex')}`);
    this.#file = openSync(path, 'wx+', 0o600);
    // HAZARD: it holds values of records, which nobody may find later.
    unlinkSync(path);
    forgotten.register(this, this.#file, this);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#written + this.#buffered;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length > bufferBytes - this.#buffered) this.flush();
    if (bytes.length > bufferBytes) {
      this.#write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  /** What was appended can be read from then on. */
  flush(): void {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    if (bytes.length > 0) this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#written + done);
    this.#written += bytes.length;
  }

  /** Fills `into` from `start`. Throws where the file ends before. */
  read(into: Buffer, start: number): void {
    for (let done = 0; done < into.length;) {
      const read = readSync(this.#file, into, done, into.length - done, start + done);
      if (read === 0) throw new Error('a scratch file is shorter than what was written to it');
      done += read;
    }
  }

  /** Gives back the place on disk at once. Nothing can be read afterwards. */
  discard(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    forgotten.unregister(this);
    closeSync(this.#file);
  }
}
