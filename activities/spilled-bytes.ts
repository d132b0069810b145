/**
 * Bytes that were written once and are read at any place, in a file without a name: as much of it is in memory as the system has room
 * for, and none of it in that of the process.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A descriptor that nobody closed goes with whoever held it. */
const descriptors = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

export class SpilledBytes {
  readonly #file: number;
  /** What was read last, and where it begins. */
  #window: Buffer = Buffer.allocUnsafeSlow(4 * 1024);
  #from = 0;
  #to = 0;
  #end = 0;

  constructor() {
    const path = join(tmpdir(), `concordat-links-${process.pid}-${randomBytes(8).toString('hex')}`);
    this.#file = openSync(path, 'wx+', 0o600);
    // Without a name the file goes when the process does, however it ends: it holds native ids.
    unlinkSync(path);
    descriptors.register(this, this.#file);
  }

  /** Of what nothing was read since. */
  write(bytes: Buffer, position: number): void {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.#file, bytes, done, bytes.length - done, position + done);
    this.#end = Math.max(this.#end, position + bytes.length);
  }

  /** At least so many bytes from there on; good until the next call. */
  read(position: number, length: number): Buffer {
    if (position >= this.#from && position + length <= this.#to)
      return this.#window.subarray(position - this.#from, this.#to - this.#from);
    if (length > this.#window.length) this.#window = Buffer.allocUnsafeSlow(2 * length);
    const wanted = Math.min(this.#window.length, this.#end - position);
    let done = 0;
    while (done < wanted) {
      const read = readSync(this.#file, this.#window, done, wanted - done, position + done);
      if (read === 0) break;
      done += read;
    }
    if (done < length) throw new Error('a spilled file is shorter than what was written to it');
    [this.#from, this.#to] = [position, position + done];
    return this.#window.subarray(0, done);
  }
}
