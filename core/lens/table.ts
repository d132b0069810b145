/** The step `enum`: native text on one side, any federated value on the other, one to one. */
import type { Json } from '../json.js';
import { refused, source, untranslatable, value, type StepLens } from './contract.js';
import { sameJson } from './same-json.js';

export type EnumTable = Readonly<Record<string, Json>>;

export function isOneToOne(table: EnumTable): boolean {
  const values = Object.values(table);
  return values.every((one, at) => values.findIndex((other) => sameJson(one, other)) === at);
}

/** The table must be one to one. Null is null unless the table gives a text for it. */
export function enumStep(table: EnumTable): StepLens {
  const entries = Object.entries(table);
  const values = new Map(entries);
  return {
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
