/**
 * NaN and the infinities: values of a decimal field where its taxonomy names them, and texts of a mesh that are no numbers
 * (the step `special`). The names are those of PostgreSQL, Parquet readers and IEEE 754 in JavaScript; NaN equals NaN.
 */
import type { Json } from '../json.js';
import { refused, roundTripOf, source, value, type StepLens } from './contract.js';

export const specialValues = ['NaN', 'Infinity', '-Infinity'] as const;
export type SpecialValue = (typeof specialValues)[number];

export function isSpecial(of: Json | undefined): of is SpecialValue {
  return specialValues.some((special) => special === of);
}

/** What a special value is in a unit that is `isNegative` times another one. */
export function turned(special: SpecialValue, isNegative: boolean): SpecialValue {
  if (!isNegative || special === 'NaN') return special;
  return special === 'Infinity' ? '-Infinity' : 'Infinity';
}

/** Native texts, the preferred one first; those of `noValue` read as null. */
export type SpecialWords = Readonly<Partial<Record<SpecialValue | 'noValue', readonly string[] | undefined>>>;

/** The first text that stands twice, or null: what it means would be unclear. */
export function repeatedWord(words: SpecialWords): string | null {
  const all = Object.values(words).flatMap((texts) => texts ?? []);
  return all.find((text, at) => all.indexOf(text) !== at) ?? null;
}

/**
 * Around all other steps of a map (`rest`), which never see a word: what a text means that is no number is nothing that can
 * be counted in another unit. No word may stand twice. As with `emptyAs`, null is put as null, unless a word says it already.
 */
export function specialStep(words: SpecialWords, rest: StepLens): StepLens {
  const meanings = new Map<Json, SpecialValue | null>(
    Object.entries(words).flatMap(([name, texts]) =>
      (texts ?? []).map((text): [string, SpecialValue | null] => [text, isSpecial(name) ? name : null]),
    ),
  );
  const meaningOf = (native: Json): SpecialValue | null | undefined => (native === null ? null : meanings.get(native));
  const restRoundTrip = roundTripOf(rest);
  return {
    roundTrip: (native, references) => {
      const meaning = meaningOf(native);
      return meaning === undefined ? restRoundTrip(native, references) : meaning;
    },
    get: (native, references) => {
      const meaning = meaningOf(native);
      return meaning === undefined ? rest.get(native, references) : value(meaning);
    },
    put: (wanted, native, references) => {
      const now = native === undefined ? undefined : meaningOf(native);
      if (native !== undefined && now === wanted) return source(native);
      if (wanted === null) return source(null);
      const isKnown = native !== undefined && now === undefined;
      if (isSpecial(wanted)) {
        const got = isKnown ? rest.get(native, references) : undefined;
        if (isKnown && got?.kind === 'value' && got.value === wanted) return source(native);
        const preferred = words[wanted]?.[0];
        if (preferred !== undefined) return source(preferred);
      }
      const put = rest.put(wanted, isKnown ? native : undefined, references);
      if (put.kind === 'refused' || meaningOf(put.value) === undefined) return put;
      return refused('what this mesh would hold means something else here: see the step special of its map');
    },
  };
}
