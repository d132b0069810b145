/**
 * Lists: `list` keeps the order of its elements, `keyedList` knows them by one of their properties and has no order of its
 * own. What the elements are is a kind of its own, with its own equality; a put keeps the native spelling, order and
 * further properties of what did not change.
 */
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../json.js';
import {
  nullStaysNull,
  refused,
  source,
  untranslatable,
  value,
  type Got,
  type Put,
  type StepLens,
} from './contract.js';
import { sameJson } from './same-json.js';

const notList = 'the value is not a list';

/** One step after another, the first next to the native side. */
export function inTurn(steps: readonly StepLens[]): StepLens {
  return {
    get: (native, references) => {
      let got: Got = value(native);
      for (const step of steps) {
        if (got.kind !== 'value') return got;
        got = step.get(got.value, references);
      }
      return got;
    },
    put: (wanted, native, references) => {
      const sources: (Json | undefined)[] = [];
      let now: Json | undefined = native;
      for (const step of steps) {
        sources.push(now);
        const got: Got | undefined = now === undefined ? undefined : step.get(now, references);
        now = got?.kind === 'value' ? got.value : undefined;
      }
      let next = wanted;
      for (let at = steps.length - 1; at >= 0; at -= 1) {
        const put = steps[at]?.put(next, sources[at], references);
        if (put?.kind === 'refused') return put;
        if (put) next = put.value;
      }
      return source(next);
    },
  };
}

export function listStep(element: StepLens): StepLens {
  return nullStaysNull({
    get: (native, references) => {
      if (!Array.isArray(native)) return untranslatable(notList);
      const elements: Json[] = [];
      for (const one of native as readonly Json[]) {
        const got = element.get(one, references);
        if (got.kind !== 'value') return got;
        elements.push(got.value);
      }
      return value(elements);
    },
    put: (wanted, native, references) => {
      if (!Array.isArray(wanted)) return refused(notList);
      const before: readonly Json[] = Array.isArray(native) ? native : [];
      const elements: Json[] = [];
      for (const [at, one] of (wanted as readonly Json[]).entries()) {
        const put = element.put(one, before[at], references);
        if (put.kind === 'refused') return put;
        elements.push(put.value);
      }
      return source(Array.isArray(native) && sameJson(native, elements) ? native : elements);
    },
  });
}

interface Known {
  readonly key: string;
  readonly value: JsonObject;
  readonly native: JsonObject;
}

/** `fields`: property → its lens; `by` is one of them, and its values are texts that stand once. */
export function keyedListStep(by: string, fields: ReadonlyMap<string, StepLens>): StepLens {
  const names = [...fields.keys()].sort(byCodeUnit);
  const read = (native: Json, references: Parameters<StepLens['get']>[1]): readonly Known[] | string => {
    if (!Array.isArray(native)) return notList;
    const known: Known[] = [];
    const keys = new Set<string>();
    for (const one of native as readonly Json[]) {
      if (!isJsonObject(one)) return 'an element of the list is not an object';
      const made: Record<string, Json> = {};
      for (const name of names) {
        const got = fields.get(name)?.get(Object.hasOwn(one, name) ? (one[name] ?? null) : null, references);
        if (got?.kind !== 'value') return got?.kind === 'untranslatable' ? got.reason : `${name} could not be read`;
        made[name] = got.value;
      }
      const key = made[by];
      if (typeof key !== 'string' || key === '') return 'an element of the list has no key';
      if (keys.has(key)) return 'a key stands twice in the list';
      keys.add(key);
      known.push({ key, value: made, native: one });
    }
    return known;
  };
  const sorted = (known: readonly Known[]): readonly JsonObject[] =>
    [...known].sort((left, right) => byCodeUnit(left.key, right.key)).map((one) => one.value);
  return nullStaysNull({
    get: (native, references) => {
      const known = read(native, references);
      return typeof known === 'string' ? untranslatable(known) : value(sorted(known));
    },
    put: (wanted, native, references) => {
      const target = read(wanted, references);
      if (typeof target === 'string') return refused(target);
      if (!sameJson(sorted(target), wanted)) return refused('the value is not in its canonical form');
      const now = native === undefined || native === null ? [] : read(native, references);
      const before = typeof now === 'string' ? [] : now;
      if (typeof now !== 'string' && native !== undefined && native !== null && sameJson(sorted(before), wanted))
        return source(native);
      const wantedOf = new Map(target.map((one) => [one.key, one]));
      const made = (one: Known, old: JsonObject | undefined): Put<JsonObject> => {
        const element: Record<string, Json> = { ...old };
        for (const name of names) {
          const held = old && Object.hasOwn(old, name) ? old[name] : undefined;
          const put = fields.get(name)?.put(one.value[name] ?? null, held, references);
          if (!put) continue;
          if (put.kind === 'refused') return put;
          if (put.value === null && held === undefined) continue;
          element[name] = put.value;
        }
        return source(element);
      };
      const elements: Json[] = [];
      const order = [
        ...before.filter(({ key }) => wantedOf.has(key)).map(({ key, native: old }) => ({ key, old })),
        ...target
          .filter(({ key }) => !before.some((one) => one.key === key))
          .map(({ key }) => ({ key, old: undefined as JsonObject | undefined })),
      ];
      for (const { key, old } of order) {
        const one = wantedOf.get(key);
        if (!one) continue;
        const element = made(one, old);
        if (element.kind === 'refused') return element;
        elements.push(element.value);
      }
      return source(elements);
    },
  });
}
