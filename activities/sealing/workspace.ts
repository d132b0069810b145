/**
 * Memory that is used again for each segment. Fresh buffers of tens of megabytes are freed late, because the collector of
 * JavaScript's garbage does not feel their weight; that cost 100 MB of peak where one segment needs 40.
 */
export class Workspace {
  readonly #buffers = new Map<string, Buffer>();

  /** That many bytes of whatever was there before. What was taken under the same name earlier is overwritten. */
  take(name: string, bytes: number): Buffer {
    let buffer = this.#buffers.get(name);
    if (!buffer || buffer.length < bytes) {
      buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.1));
      this.#buffers.set(name, buffer);
    }
    return buffer.subarray(0, bytes);
  }
}
