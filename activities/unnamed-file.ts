/**
 * A file without a name, for what has no place in memory while a step computes: it goes when the process does, however that
 * ends, and when nothing holds it any more.
 *
 * HAZARD: it holds values of records, native ids or salts, which nobody may find later. Where its folder lies in memory (`tmpfs`), so
 * does what is written.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of files that nobody holds any more. */
const forgotten = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

export class UnnamedFile {
  readonly #descriptor: number;
  #isOpen = true;

  /** `purpose`: the name that it has for a moment is `concordat-<purpose>-…`. The folder is made where there is none. */
  constructor(purpose: string, folder: string = tmpdir()) {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `concordat-${purpose}-${process.pid}-${randomBytes(8).toString('hex')}`);
    this.#descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    forgotten.register(this, this.#descriptor, this);
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done);
  }

  /** Fills `into` from there on. Throws where the file ends before. */
  read(into: Buffer, position: number): void {
    for (let done = 0; done < into.length;) {
      const read = readSync(this.#descriptor, into, done, into.length - done, position + done);
      if (read === 0) throw new Error('an unnamed file is shorter than what was written to it');
      done += read;
    }
  }

  /** Gives back the place on disk at once. Nothing can be read or written afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    forgotten.unregister(this);
    closeSync(this.#descriptor);
  }
}
