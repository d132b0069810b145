/** Steps over text: fold, emptyAs, maxLength. ASCII rules only, so that every machine gives the same bytes. */
import type { Json } from '../json.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';

/** A-Z become a-z and nothing else changes; no locale and no Unicode version takes part. */
export function foldAscii(text: string): string {
  let hasUpper = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Lower case of pure ASCII is the same in every locale and Unicode version; beyond ASCII it is not.
    if (unit > 127) return foldUnits(text);
    if (unit >= 65 && unit <= 90) hasUpper = true;
  }
  return hasUpper ? text.toLowerCase() : text;
}

function foldUnits(text: string): string {
  let folded = '';
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    folded += unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : text.charAt(at);
  }
  return folded;
}

/**
 * Simple case folding, as regular expressions with the flags `iu` compare: one code point stands for one code point, so
 * `ß` stays what it is and `Σ`, `σ`, `ς` are one. Follows the Unicode tables of the engine: for translation only, whose
 * result is signed by the authority that made it and never made again by peers.
 */
export function foldSimple(text: string): string {
  let folded = '';
  for (const character of text) {
    // The one letter whose upper case is that of another: for regular expressions the dotless i is no i.
    const upper = character === 'ı' ? character : character.toUpperCase();
    const single = isOneCodePoint(upper) ? upper : character;
    const lower = single.toLowerCase();
    folded += isOneCodePoint(lower) ? lower : single;
  }
  return folded;
}

function isOneCodePoint(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff);
}

export const normalForms = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;
export type NormalForm = (typeof normalForms)[number];

export interface TextEquality {
  readonly fold: 'ascii' | 'simple' | null;
  readonly normalForm: NormalForm | null;
}

/** Text that is compared in another form than it is written in; put keeps the native spelling of an equal value. */
export function equalTextStep({ fold, normalForm }: TextEquality): StepLens {
  const normal = (text: string): string => (normalForm === null ? text : text.normalize(normalForm));
  const canonical = (text: string): string => {
    const first = normal(text);
    if (fold === null) return first;
    // Folding may leave a normal form; once more makes the result a fixed point.
    return normal(fold === 'ascii' ? foldAscii(first) : foldSimple(first));
  };
  return nullStaysNull({
    roundTrip: (native) => (typeof native === 'string' ? canonical(native) : undefined),
    get: (native) => (typeof native === 'string' ? value(canonical(native)) : untranslatable(notText)),
    put: (wanted, native) => {
      if (typeof wanted !== 'string') return refused(notText);
      if (typeof native === 'string' && canonical(native) === wanted) return source(native);
      return canonical(wanted) === wanted ? source(wanted) : refused('the value is not in its canonical form');
    },
  });
}

/** False where a surrogate stands alone: such text has no UTF-8 and no canonical JSON. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

export const notText = 'the value is not text';

/** get folds; put keeps the native spelling where it folds to the value. Only folded text is in its range. */
export const foldStep: StepLens = nullStaysNull({
  roundTrip: (native) => (typeof native === 'string' ? foldAscii(native) : undefined),
  get: (native) => (typeof native === 'string' ? value(foldAscii(native)) : untranslatable(notText)),
  put: (wanted, native) => {
    if (typeof wanted !== 'string') return refused(notText);
    if (typeof native === 'string' && foldAscii(native) === wanted) return source(native);
    return foldAscii(wanted) === wanted
      ? source(wanted)
      : refused('the value has letters A-Z where this mesh compares without regard to case');
  },
});

/**
 * The empty text reads as null. A null that is not there yet is put as null, which every mesh takes for "clear it";
 * Microsoft Graph refuses the empty text for most properties.
 */
export const emptyAsNullStep: StepLens = {
  roundTrip: (native) => (native === '' ? null : native),
  get: (native) => value(native === '' ? null : native),
  put: (wanted, native) => {
    if (wanted === '') return refused('the empty text and null are one for this mesh, and null is its name');
    return source(wanted === null && native === '' ? native : wanted);
  },
};

/** `length` counts UTF-16 code units: never fewer than the characters that any cloud counts. What a cloud already holds passes. */
export function maxLengthStep(maxLength: number, loss: string): StepLens {
  return nullStaysNull({
    roundTrip: (native) => (typeof native === 'string' ? native : undefined),
    get: (native) => (typeof native === 'string' ? value(native) : untranslatable(notText)),
    put: (wanted: Json, native) => {
      if (typeof wanted !== 'string') return refused(notText);
      return wanted.length <= maxLength || wanted === native
        ? source(wanted)
        : refused(`the value is longer than ${maxLength} UTF-16 code units: ${loss}`);
    },
  });
}
