/** A file without a name that is appended to through a buffer, and read at any place. */
import { UnnamedFile } from '../unnamed-file.js';

const bufferBytes = 256 * 1024;

export class ScratchFile {
  readonly #file = new UnnamedFile('plan');
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #buffered = 0;
  #written = 0;

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
    this.#file.write(bytes, this.#written);
    this.#written += bytes.length;
  }

  /** Fills `into` from `start`. Throws where the file ends before. */
  read(into: Buffer, start: number): void {
    this.#file.read(into, start);
  }

  /** Gives back the place on disk at once. Nothing can be read afterwards. */
  discard(): void {
    this.#file.close();
  }
}
