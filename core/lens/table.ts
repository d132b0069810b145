/**
 * The steps `enum` and `table`. `enum`: native text on one side, any federated value on the other, one to one. `table`:
 * several native texts to one federated text, none of which is the true one; the first is the one that is written.
 */
import type { Json } from '../json.js';
import { nullStaysNull, outside, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { sameJson } from './same-json.js';
import { notText } from './text.js';

export type EnumTable = Readonly<Record<string, Json>>;

export function isOneToOne(table: EnumTable): boolean {
  const values = Object.values(table);
  return values.every((one, at) => values.findIndex((other) => sameJson(one, other)) === at);
}

/** The table must be one to one. Null is null unless the table gives a text for it. */
export function enumStep(table: EnumTable): StepLens {
  const entries = Object.entries(table);
  const values = new Map(entries);
  const isWritten = ([text, of]: (typeof entries)[number]): boolean =>
    entries.find(([, other]) => sameJson(other, of))?.[0] === text;
  const written = new Map(entries.filter(isWritten));
  return {
    roundTrip: (native) => (native === null ? null : typeof native === 'string' ? written.get(native) : undefined),
    get: (native) => {
      if (native === null) return value(null);
      const found = typeof native === 'string' ? values.get(native) : undefined;
      return found === undefined ? untranslatable('the table of the map does not know the native value') : value(found);
    },
    put: (wanted, native) => {
      if (wanted === null && native === null) return source(null);
      const text = entries.find(([, of]) => sameJson(of, wanted))?.[0];
      if (text !== undefined) return source(text);
      return wanted === null ? source(null) : refused('the table of the map has no native value for it');
    },
  };
}

/** Federated text → native texts, the preferred one first. */
export type ManyToOne = Readonly<Record<string, readonly string[]>>;

/** The first native text that stands twice, or null: the way there would be unclear. */
export function repeatedText(table: ManyToOne): string | null {
  const seen = new Set<string>();
  for (const text of Object.values(table).flat()) {
    if (seen.has(text)) return text;
    seen.add(text);
  }
  return null;
}

/** No native text may stand twice. Null is null on both sides. */
export function tableStep(table: ManyToOne, otherwise?: 'setAside'): StepLens {
  const meaning = new Map(Object.entries(table).flatMap(([wanted, texts]) => texts.map((text) => [text, wanted])));
  const unknown = 'the table of the map does not know the native value';
  return nullStaysNull({
    roundTrip: (native) => (typeof native === 'string' ? meaning.get(native) : undefined),
    get: (native) => {
      if (typeof native !== 'string') return untranslatable(notText);
      const found = meaning.get(native);
      if (found !== undefined) return value(found);
      return otherwise === 'setAside' ? outside(unknown) : untranslatable(unknown);
    },
    put: (wanted, native) => {
      if (typeof wanted !== 'string') return refused(notText);
      if (typeof native === 'string' && meaning.get(native) === wanted) return source(native);
      const preferred = Object.hasOwn(table, wanted) ? table[wanted]?.[0] : undefined;
      return preferred === undefined ? refused('the table of the map has no native value for it') : source(preferred);
    },
  });
}

/** Where a native text stands among those of its value: 0 for the preferred one. */
export function preferenceOf(table: ManyToOne, native: string): number {
  for (const texts of Object.values(table)) {
    const at = texts.indexOf(native);
    if (at >= 0) return at;
  }
  return Number.MAX_SAFE_INTEGER;
}
