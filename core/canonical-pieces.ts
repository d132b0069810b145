/**
 * The canonical JSON of a value in pieces: their concatenation is `canonicalJson`, without one text of all of it, which no
 * machine of JavaScript could hold beyond half a gigabyte. Lists and maps at the top are walked, what stands in them is
 * written by `canonicalJson` itself.
 */
import { canonicalJson } from './digest.js';
import { byCodeUnit, type Json } from './json.js';
import { isWrittenList } from './long-list.js';

/** Documents hold lists of many parts at most so deep: `operations` of a plan, `operations` of each authority in a permit. */
const depthWalked = 3;
/** UTF-16 units: a piece is given as soon as it has so many, and is longer where one part is. */
const pieceUnits = 64 * 1024;

/** Throws, as canonicalJson does, on what is not JSON; the pieces that were given before are then no document. */
export function* canonicalPieces(value: Json | object): Generator<string> {
  let gathered = '';
  for (const text of walked(value, depthWalked)) {
    gathered += text;
    if (gathered.length < pieceUnits) continue;
    yield gathered;
    gathered = '';
  }
  if (gathered !== '') yield gathered;
}

function* walked(value: Json | object, depth: number): Generator<string> {
  if (typeof value === 'object' && value !== null && isWrittenList(value)) {
    yield* written(value.canonicalTexts());
    return;
  }
  if (depth === 0 || typeof value !== 'object' || value === null || hasOwnText(value)) {
    yield canonicalJson(value);
    return;
  }
  if (Array.isArray(value)) {
    yield* list(value as readonly unknown[], depth);
    return;
  }
  const members = value as Readonly<Record<string, Json | object | undefined>>;
  let before = '{';
  for (const name of Object.keys(members).sort(byCodeUnit)) {
    const member = members[name];
    // As canonicalJson: what is undefined is left out of a map.
    if (member === undefined) continue;
    yield `${before}${canonicalJson(name)}:`;
    yield* walked(member, depth - 1);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

function* list(parts: readonly unknown[], depth: number): Generator<string> {
  let before = '[';
  for (const part of parts) {
    const given = (part === undefined ? null : part) as Json | object;
    yield before;
    before = ',';
    // A list in a list may be long; an operation in a list of operations is not.
    if (Array.isArray(given)) yield* walked(given, depth - 1);
    else yield canonicalJson(given);
  }
  yield before === '[' ? '[]' : ']';
}

/** A list of which each item is written already. */
function* written(texts: Iterable<string>): Generator<string> {
  let before = '[';
  for (const text of texts) {
    yield before + text;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** Dates and the like, which say themselves what they are in JSON. */
function hasOwnText(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
