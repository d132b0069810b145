/**
 * Bytes that were written once and are read at any place, in a file without a name: as much of it is in memory as the system has room
 * for, and none of it in that of the process.
 */
import { UnnamedFile } from './unnamed-file.js';

export class SpilledBytes {
  readonly #file = new UnnamedFile('links');
  /** What was read last, and where it begins. */
  #window: Buffer = Buffer.allocUnsafeSlow(4 * 1024);
  #from = 0;
  #to = 0;
  #end = 0;

  /** Of what nothing was read since. */
  write(bytes: Buffer, position: number): void {
    this.#file.write(bytes, position);
    this.#end = Math.max(this.#end, position + bytes.length);
  }

  /** At least so many bytes from there on; good until the next call. */
  read(position: number, length: number): Buffer {
    if (position >= this.#from && position + length <= this.#to)
      return this.#window.subarray(position - this.#from, this.#to - this.#from);
    if (length > this.#window.length) this.#window = Buffer.allocUnsafeSlow(2 * length);
    const wanted = Math.min(this.#window.length, this.#end - position);
    if (wanted < length) throw new Error('more is asked for than was written');
    const found = this.#window.subarray(0, wanted);
    this.#file.read(found, position);
    [this.#from, this.#to] = [position, position + wanted];
    return found;
  }
}
