/**
 * Values as an approver reads them: what cannot be seen, or looks like something else, is written as its code point, so
 * that two values that differ never look the same (Unicode TR 36 and TR 39).
 */
import type { Digest } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import { isSealedValue } from '../../core/sealed-value.js';

/**
 * As valueText; a sealed value in clear where these people may read it. Whoever may not learns only that it is another
 * value, and by the first digits of its digest which of several.
 */
export function shownValue(value: Json | undefined, clear: ReadonlyMap<Digest, Json>): string {
  return valueText(isSealedValue(value) && clear.has(value.hmac) ? clear.get(value.hmac) : value);
}

/** A value in quotes, escaped; texts, numbers and lists alike. */
export function valueText(value: Json | undefined): string {
  if (value === undefined || value === null) return '(none)';
  if (isSealedValue(value)) return `another value (digest ${value.hmac.slice(0, 8)})`;
  if (typeof value === 'string') return `"${visibleText(value.replace(/["\\]/g, (character) => `\\${character}`))}"`;
  if (Array.isArray(value))
    return value.length === 0 ? '[]' : `[${value.map((element) => valueText(element)).join(', ')}]`;
  return visibleText(JSON.stringify(value));
}

/** A name or another piece of foreign text without quotes. */
export function visibleText(text: string): string {
  // Marks that were not composed, such as e + U+0301, look like one that was.
  const decomposed = text.normalize('NFC') !== text;
  return text
    .replace(/\p{L}[\p{L}\p{M}]*/gu, (word) => withoutLookAlikes(word))
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]|(?! )\p{Z}/gu, codePointText)
    .replace(/\p{M}/gu, (mark) => (decomposed ? codePointText(mark) : mark));
}

/** Cyrillic and Greek letters that most fonts draw like a Latin one. */
const lookAlikes = new Set('аеорсухіјѕԁԛԝһьАВЕКМНОРСТХІЈЅУΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυικρχ');

function withoutLookAlikes(word: string): string {
  const letters = word.match(/\p{L}/gu) ?? [];
  const latin = letters.some((letter) => /\p{Script=Latin}/u.test(letter));
  const others = letters.filter((letter) => /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(letter));
  if (others.length === 0) return word;
  // A word in one of these scripts is fine, unless every letter of it could be a Latin one.
  const isSuspicious = latin || others.every((letter) => lookAlikes.has(letter));
  return isSuspicious
    ? word.replace(/[\p{Script=Cyrillic}\p{Script=Greek}]/gu, (letter) => codePointText(letter))
    : word;
}

function codePointText(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${point.toString(16).padStart(4, '0')}`;
}
