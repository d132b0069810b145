/** SHA-256 and HMAC-SHA-256 of the platform: the same results as core's, in a fraction of the time. */
import { hash } from 'node:crypto';
import { Hmac } from './hmac.js';

/** Measured: a text from it, made bytes again, costs two thirds of a Buffer from it. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

const keyed = new Hmac();

/** Hexadecimal. Whoever asks often under one key is better served by an Hmac of its own. */
export function hmacSha256(key: Uint8Array, text: string): string {
  keyed.setKey(key);
  return keyed.hexOfText(text);
}
