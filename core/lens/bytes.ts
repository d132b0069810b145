/** Bytes: canonical base64 (RFC 4648 section 4, padded, unused bits zero) in the federation, hex or base64 natively. */
import type { Json } from '../json.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const digits = '0123456789abcdef';

const notBase64 = 'the value is not canonical base64';
const notHex = 'the value is not pairs of hexadecimal digits';

/** Exactly one text stands for each sequence of bytes. */
export function isCanonicalBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const end = text.length - padding;
  for (let at = 0; at < end; at += 1) if (!alphabet.includes(text.charAt(at))) return false;
  const last = alphabet.indexOf(text.charAt(end - 1));
  return padding === 0 || (padding === 1 ? (last & 3) === 0 : (last & 15) === 0);
}

function base64Of(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    const triple = (first << 16) | ((second ?? 0) << 8) | (third ?? 0);
    text += alphabet.charAt((triple >> 18) & 63) + alphabet.charAt((triple >> 12) & 63);
    text += second === undefined ? '=' : alphabet.charAt((triple >> 6) & 63);
    text += third === undefined ? '=' : alphabet.charAt(triple & 63);
  }
  return text;
}

function bytesOfBase64(text: string): readonly number[] {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const four = [0, 1, 2, 3].map((offset) => Math.max(alphabet.indexOf(text.charAt(at + offset)), 0));
    const triple = ((four[0] ?? 0) << 18) | ((four[1] ?? 0) << 12) | ((four[2] ?? 0) << 6) | (four[3] ?? 0);
    bytes.push((triple >> 16) & 255);
    if (text.charAt(at + 2) !== '=') bytes.push((triple >> 8) & 255);
    if (text.charAt(at + 3) !== '=') bytes.push(triple & 255);
  }
  return bytes;
}

function hexToBase64(native: Json): string | null {
  if (typeof native !== 'string' || native.length % 2 !== 0) return null;
  const bytes: number[] = [];
  for (let at = 0; at < native.length; at += 2) {
    const [high, low] = [native.charAt(at), native.charAt(at + 1)].map((digit) =>
      digits.indexOf(digit >= 'A' && digit <= 'F' ? String.fromCharCode(digit.charCodeAt(0) + 32) : digit),
    );
    if (high === undefined || low === undefined || high < 0 || low < 0) return null;
    bytes.push(high * 16 + low);
  }
  return base64Of(bytes);
}

export const bytesKindStep: StepLens = nullStaysNull({
  get: (native) =>
    typeof native === 'string' && isCanonicalBase64(native) ? value(native) : untranslatable(notBase64),
  put: (wanted) => (typeof wanted === 'string' && isCanonicalBase64(wanted) ? source(wanted) : refused(notBase64)),
});

/** The step `bytes: hex`. */
export const hexStep: StepLens = nullStaysNull({
  get: (native) => {
    const text = hexToBase64(native);
    return text === null ? untranslatable(notHex) : value(text);
  },
  put: (wanted, native) => {
    if (typeof wanted !== 'string' || !isCanonicalBase64(wanted)) return refused(notBase64);
    if (native !== undefined && hexToBase64(native) === wanted) return source(native);
    return source(
      bytesOfBase64(wanted)
        .map((byte) => digits.charAt(byte >> 4) + digits.charAt(byte & 15))
        .join(''),
    );
  },
});
