/**
 * The step `escape: iam-tag`. An IAM tag value holds `[\p{L}\p{Z}\p{N}_.:/=+\-@]` (IAM API reference, Tag). Anything
 * else, and `=` itself, is written as `=XX` per byte of its UTF-8, in upper-case hexadecimal.
 *
 * Decoding needs no Unicode tables, so every machine reads a tag alike. Encoding asks for letters and digits beyond
 * ASCII; two machines with different Unicode versions may write another spelling, and both read the same text.
 */
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { isWellFormed, notText } from './text.js';

const equals = 61;

/** ASCII that stands for itself. Of the separators only the plain space does: others would be invisible. */
function standsForItself(unit: number): boolean {
  return (
    (unit >= 97 && unit <= 122) ||
    (unit >= 65 && unit <= 90) ||
    (unit >= 45 && unit <= 58) || // - . / 0-9 :
    unit === 32 ||
    unit === 43 || // +
    unit === 64 || // @
    unit === 95 // _
  );
}

function isUpperHex(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 70);
}

/** The text that `escaped` stands for, or null where this escape could not have written it. */
function unescape(escaped: string): string | null {
  let text = '';
  for (let at = 0; at < escaped.length;) {
    const unit = escaped.charCodeAt(at);
    if (unit !== equals) {
      if (unit < 128 && !standsForItself(unit)) return null;
      text += escaped.charAt(at);
      at++;
      continue;
    }
    let run = '';
    for (; escaped.charCodeAt(at) === equals; at += 3) {
      if (!isUpperHex(escaped.charCodeAt(at + 1)) || !isUpperHex(escaped.charCodeAt(at + 2))) return null;
      run += `%${escaped.slice(at + 1, at + 3)}`;
    }
    let decoded: string;
    try {
      decoded = decodeURIComponent(run);
    } catch {
      return null; // not UTF-8
    }
    for (let index = 0; index < decoded.length; index++) {
      if (standsForItself(decoded.charCodeAt(index))) return null;
    }
    text += decoded;
  }
  return text;
}

function escape(text: string): string {
  let escaped = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 128) {
      escaped += standsForItself(point) ? character : `=${point.toString(16).toUpperCase().padStart(2, '0')}`;
    } else {
      escaped += /^[\p{L}\p{N}]$/u.test(character) ? character : encodeURIComponent(character).replaceAll('%', '=');
    }
  }
  return escaped;
}

/** A native value that the escape could not have written (`a=b`, `=zz`, `=41`) is meant as it stands. */
function read(native: string): string {
  return native.includes('=') ? (unescape(native) ?? native) : native;
}

export const iamTagStep: StepLens = nullStaysNull({
  get: (native) => (typeof native === 'string' ? value(read(native)) : untranslatable(notText)),
  put: (wanted, native) => {
    if (typeof wanted !== 'string') return refused(notText);
    if (typeof native === 'string' && read(native) === wanted) return source(native);
    return isWellFormed(wanted) ? source(escape(wanted)) : refused('the value is not well-formed Unicode');
  },
});
