/** The steps `set` and `references`: arrays of text whose order and repetition carry no meaning. */
import { byCodeUnit, type Json } from '../json.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { sameJson } from './same-json.js';
import { isWellFormed } from './text.js';

const notTexts = 'the value is not a list of texts';
const notCanonical = 'the elements are not sorted by code unit without repetition';

export function isTexts(list: Json | undefined): list is readonly string[] {
  return Array.isArray(list) && list.every((item) => typeof item === 'string' && isWellFormed(item));
}

function isSortedUnique(list: readonly string[]): boolean {
  for (let at = 1; at < list.length; at++) if (!((list[at - 1] ?? '') < (list[at] ?? ''))) return false;
  return true;
}

export function sortedUnique(list: readonly string[]): readonly string[] {
  if (isSortedUnique(list)) return list;
  return list.length <= shortMost ? inserted(list) : [...new Set(list)].sort(byCodeUnit);
}

/** Up to here putting each element into its place costs less than calling for an order. */
const shortMost = 12;

function inserted(list: readonly string[]): readonly string[] {
  const sorted: string[] = [];
  for (const item of list) {
    let at = sorted.length;
    while (at > 0 && item < (sorted[at - 1] ?? '')) at--;
    if (at > 0 && sorted[at - 1] === item) continue;
    for (let from = sorted.length; from > at; from--) sorted[from] = sorted[from - 1] ?? '';
    sorted[at] = item;
  }
  return sorted;
}

export const setStep: StepLens = nullStaysNull({
  roundTrip: (native) => (isTexts(native) ? sortedUnique(native) : undefined),
  get: (native) => (isTexts(native) ? value(sortedUnique(native)) : untranslatable(notTexts)),
  put: (wanted, native) => {
    if (!isTexts(wanted)) return refused(notTexts);
    if (!isSortedUnique(wanted)) return refused(notCanonical);
    return source(isTexts(native) && sameJson(sortedUnique(native), wanted) ? native : wanted);
  },
});

/**
 * Native ids to federated keys. An id without a link is set aside: it is counted, it is not in the value, and a put
 * leaves it where it is. A key that no native id stands for refuses the put: the object does not exist here yet.
 */
export function referencesStep(type: string): StepLens {
  return nullStaysNull({
    get: (native, { resolve }) => {
      if (!isTexts(native)) return untranslatable(notTexts);
      const keys: string[] = [];
      let setAside = 0;
      for (const id of sortedUnique(native)) {
        const key = resolve(type, id);
        if (key === null) setAside++;
        else keys.push(key);
      }
      return setAside > 0 ? { ...value(sortedUnique(keys)), setAside } : value(sortedUnique(keys));
    },
    put: (wanted, native, { resolve, resolveBack }) => {
      if (!isTexts(wanted)) return refused(notTexts);
      if (!isSortedUnique(wanted)) return refused(notCanonical);
      const wantedKeys = new Set(wanted);
      const missing = new Set(wanted);
      const before = isTexts(native) ? native : null;
      const ids: string[] = [];
      for (const id of before ?? []) {
        const key = resolve(type, id);
        if (key !== null) missing.delete(key);
        if (key === null || wantedKeys.has(key)) ids.push(id);
      }
      if (before !== null && missing.size === 0 && ids.length === before.length) return source(before);
      for (const key of missing) {
        const id = resolveBack(type, key);
        if (id === null) return refused(`this mesh holds no ${type} for one of the keys`, 'dependencyNotMet');
        if (resolve(type, id) !== key) return refused(`a ${type} of this mesh stands for another key by now`);
        ids.push(id);
      }
      return source(sortedUnique(ids));
    },
  });
}
