/** Turns what is right into what a peer might send instead: bytes changed, values of other kinds, nesting, repetition, look-alikes. */
import type { Json, JsonObject } from '../../core/json.js';

export type Random = () => number;

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/** Texts that programs have stumbled over. */
const strangeTexts = [
  '',
  '\u0000',
  '\ud800',
  '\u202eevil',
  'аws',
  'ａｗｓ',
  'aws\u200b',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  'aws/../sov/documents/x',
  'a'.repeat(3_000),
  '𝔞𝔴𝔰',
  'null',
  '-0',
  '1e999',
];
const strangeNumbers = [0, -1, 1.5, Number.MAX_SAFE_INTEGER, 2 ** 53, -(2 ** 31), 1e308, 5e-324];

function nested(depth: number, random: Random): Json {
  let value: Json = 'deep';
  for (let level = 0; level < depth; level += 1) value = random() < 0.5 ? [value] : { inner: value };
  return value;
}

function strangeValue(random: Random): Json {
  const kind = random();
  if (kind < 0.3) return pick(random, strangeTexts);
  if (kind < 0.5) return pick(random, strangeNumbers);
  if (kind < 0.6) return random() < 0.5;
  if (kind < 0.7) return null;
  if (kind < 0.76) return nested(pick(random, [3, 20, 70, 400]), random);
  if (kind < 0.84) return Array.from({ length: Math.floor(random() * 40) }, () => pick(random, strangeTexts));
  if (kind < 0.92) return [];
  return { [pick(random, strangeTexts)]: pick(random, strangeTexts) };
}

/** One to three places of a value changed, wherever they are. */
export function mutatedValue(value: Json, random: Random): Json {
  let changed = value;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) changed = changedOnce(changed, random);
  return changed;
}

function changedOnce(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random() < 0.12) return strangeValue(random);
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    if (list.length === 0 || random() < 0.15) return [...list, strangeValue(random)];
    const at = Math.floor(random() * list.length);
    const act = random();
    if (act < 0.1) return [...list, ...list];
    if (act < 0.2) return list.filter((_, position) => position !== at);
    return list.map((item, position) => (position === at ? changedOnce(item, random) : item));
  }
  const entries = Object.entries(value as JsonObject);
  if (entries.length === 0 || random() < 0.1)
    return Object.fromEntries([...entries, [pick(random, strangeTexts), strangeValue(random)]]);
  const at = Math.floor(random() * entries.length);
  const act = random();
  if (act < 0.1) return Object.fromEntries(entries.filter((_, position) => position !== at));
  return Object.fromEntries(
    entries.map(([name, inner], position) =>
      position === at ? [act < 0.15 ? pick(random, strangeTexts) : name, changedOnce(inner, random)] : [name, inner],
    ),
  );
}

/** A text with some characters changed, taken out, repeated or put in. */
export function mutatedText(text: string, random: Random): string {
  let changed = text;
  for (let count = 1 + Math.floor(random() * 4); count > 0; count -= 1) {
    const at = Math.floor(random() * (changed.length + 1));
    const act = random();
    if (act < 0.3)
      changed = `${changed.slice(0, at)}${String.fromCharCode(Math.floor(random() * 128))}${changed.slice(at + 1)}`;
    else if (act < 0.5) changed = `${changed.slice(0, at)}${changed.slice(at + 1 + Math.floor(random() * 8))}`;
    else if (act < 0.65)
      changed = `${changed.slice(0, at)}${changed.slice(Math.floor(random() * at), at)}${changed.slice(at)}`;
    else if (act < 0.8)
      changed = `${changed.slice(0, at)}${pick(random, ['.', '{', '[', '"', '\\u0000', ',', ':', '=', ' '])}${changed.slice(at)}`;
    else if (act < 0.9)
      changed = `${changed.slice(0, at)}${pick(random, strangeTexts).slice(0, 60)}${changed.slice(at)}`;
    else changed = changed.slice(0, at);
  }
  return changed;
}
