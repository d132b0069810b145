/** The step `enum`: native text on one side, any federated value on the other, one to one. */
import { canonicalJson } from '../digest.js';
import type { Json } from '../json.js';
import { refused, source, untranslatable, value, type StepLens } from './contract.js';

export type EnumTable = Readonly<Record<string, Json>>;

export function isOneToOne(table: EnumTable): boolean {
  const values = Object.values(table);
  return new Set(values.map((entry) => canonicalJson(entry))).size === values.length;
}

/** The table must be one to one. Null is null unless the table gives a text for it. */
export function enumStep(table: EnumTable): StepLens {
  const values = new Map(Object.entries(table));
  const texts = new Map(Object.entries(table).map(([text, of]) => [canonicalJson(of), text]));
  return {
    get: (native) => {
      if (native === null) return value(null);
      const found = typeof native === 'string' ? values.get(native) : undefined;
      return found === undefined ? untranslatable('the table of the map does not know the native value') : value(found);
    },
    put: (wanted, native) => {
      if (wanted === null && native === null) return source(null);
      const text = texts.get(canonicalJson(wanted));
      if (text !== undefined) return source(text);
      return wanted === null ? source(null) : refused('the table of the map has no native value for it');
    },
  };
}
