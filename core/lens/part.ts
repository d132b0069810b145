/**
 * The step `part`: one of the two parts of a text, before and after the first separator. Two fields may share a text this
 * way; putting one leaves the other. An empty part is null, and a text of two empty parts is null.
 */
import type { Json } from '../json.js';
import { refused, source, untranslatable, value, type StepLens } from './contract.js';
import { notText } from './text.js';

export interface TextPart {
  readonly part: 'first' | 'rest';
  readonly at: string;
}

function partsOf(text: string, separator: string): readonly [string, string] {
  const found = text.indexOf(separator);
  return found === -1 ? [text, ''] : [text.slice(0, found), text.slice(found + separator.length)];
}

export function partStep({ part, at }: TextPart): StepLens {
  const position = part === 'first' ? 0 : 1;
  return {
    get: (whole) => {
      if (whole === null) return value(null);
      if (typeof whole !== 'string') return untranslatable(notText);
      const held = partsOf(whole, at)[position];
      return value(held === '' ? null : (held ?? null));
    },
    put: (wanted, whole) => {
      if (wanted !== null && (typeof wanted !== 'string' || wanted === ''))
        return refused(wanted === '' ? 'an empty part is null' : notText);
      const before = typeof whole === 'string' ? whole : '';
      const [first, rest] = partsOf(before, at);
      const next: readonly [string, string] = position === 0 ? [wanted ?? '', rest] : [first, wanted ?? ''];
      // Kept as it is where it says the same: a separator that nothing follows stays.
      if (next[0] === first && next[1] === rest) return source<Json>(typeof whole === 'string' ? whole : null);
      const joined = next[1] === '' ? next[0] : `${next[0]}${at}${next[1]}`;
      const [readFirst, readRest] = partsOf(joined, at);
      if (readFirst !== next[0] || readRest !== next[1]) return refused('the part holds what separates the parts');
      return source<Json>(joined === '' ? null : joined);
    },
  };
}
