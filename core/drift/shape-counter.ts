/**
 * Counts the shape of a native type while its objects pass by, in memory that does not grow with their number. Properties of
 * objects within are counted where the map reads inside of them, under dotted names; those beside them are.
 */
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../json.js';
import { sameNames } from '../lens/unmapped.js';
import { valueKinds, type NativeShape, type PropertyShape } from './native-shape.js';
import { placesOn } from './paths-read.js';
import { exponentOf, kindNumber, magnitudeText, markOf, noKind, numberKind, textOf } from './value-kind.js';

/** How many objects the sample aims at, how many digests a property keeps, and up to how many values count as few. */
const sampleSize = 4_096;
const digestsKept = 64;
const fewMost = 24;
/** Beyond these a store has keys that are values, and no properties; of the rest only what the map reads is counted. */
const propertiesMax = 500;

interface Counting {
  seen: number;
  /** In the order of valueKinds: what is counted most often is counted fastest. */
  readonly kinds: number[];
  /** By exponent. */
  readonly magnitudes: Map<number, number>;
  /** Sorted. */
  sample: string[];
  few: Set<string> | null;
}

/** Objects of the same properties in the same order: what is counted of them is found once. */
interface Layout {
  readonly names: readonly string[];
  /** undefined for a property that nobody counts. */
  readonly countings: readonly (Counting | undefined)[];
  /** Properties that the map reads something inside of. */
  readonly within: readonly { readonly name: string; readonly level: Level }[];
  /** Objects that are not yet counted as seen with each property. */
  objects: number;
}
const layoutsKept = 8;

/** The objects themselves, or those within them at one place. */
interface Level {
  /** Empty, or a dotted path and a dot. */
  readonly prefix: string;
  readonly layouts: Layout[];
  layout: Layout;
  nextLayout: number;
}

export interface ShapeCounting {
  /** About how many objects will come. */
  readonly expectedCount: number;
  /** Hexadecimal, at least 16 digits: keyed, so that nobody else can guess values. */
  readonly digest: (text: string) => string;
  /** Dotted, what the map reads: counted however many properties there are. */
  readonly paths?: readonly string[];
}

export class ShapeCounter {
  readonly #digest: (text: string) => string;
  readonly #sampleBits: number;
  readonly #paths: ReadonlySet<string>;
  /** Paths of objects that something is read inside of. */
  readonly #inside: ReadonlySet<string>;
  readonly #properties = new Map<string, Counting>();
  readonly #levels = new Map<string, Level>();
  readonly #top: Level;
  #objects = 0;
  #sampled = 0;

  constructor({ expectedCount, digest, paths = [] }: ShapeCounting) {
    this.#digest = digest;
    this.#paths = new Set(paths);
    this.#inside = new Set(paths.flatMap(placesOn));
    this.#top = this.#levelOf('');
    let bits = 0;
    while (2 ** bits * sampleSize < expectedCount) bits += 1;
    this.#sampleBits = bits;
  }

  add(id: string, body: JsonObject): void {
    this.#objects += 1;
    const isSampled = isInSample(id, this.#sampleBits);
    if (isSampled) this.#sampled += 1;
    this.#count(this.#top, body, isSampled);
  }

  #count(level: Level, body: JsonObject, isSampled: boolean): void {
    const names = Object.keys(body);
    if (!sameNames(level.layout.names, names)) level.layout = this.#layoutOf(level, names);
    const { layout } = level;
    const { countings, within } = layout;
    layout.objects += 1;
    for (let at = 0; at < names.length; at += 1) {
      const counting = countings[at];
      const value = body[names[at] ?? ''];
      if (!counting) continue;
      if (value === undefined) {
        counting.seen -= 1;
        continue;
      }
      const kind = kindNumber(value);
      if (kind === noKind) continue;
      counting.kinds[kind] = (counting.kinds[kind] ?? 0) + 1;
      if (kind === numberKind) {
        const exponent = exponentOf(textOf(value));
        counting.magnitudes.set(exponent, (counting.magnitudes.get(exponent) ?? 0) + 1);
      }
      if (isSampled) this.#sample(counting, value);
    }
    for (let at = 0; at < within.length; at += 1) {
      const part = within[at];
      if (!part) continue;
      const value = body[part.name];
      // What bears a mark is one value, and no map reads inside of it.
      if (isJsonObject(value) && !markOf(value)) this.#count(part.level, value, isSampled);
    }
  }

  shape(): NativeShape {
    for (const { layout, layouts } of this.#levels.values()) for (const one of [layout, ...layouts]) countSeen(one);
    const properties: Record<string, PropertyShape> = {};
    for (const [property, { seen, kinds, magnitudes, sample, few }] of inOrder(this.#properties))
      properties[property] = {
        of: this.#objects,
        seen,
        filled: kinds.reduce((sum, count) => sum + count, 0),
        kinds: Object.fromEntries(
          inOrder(new Map(valueKinds.map((kind, at) => [kind, kinds[at] ?? 0]))).filter(([, count]) => count > 0),
        ),
        magnitudes: Object.fromEntries(
          inOrder(new Map([...magnitudes].map(([exponent, count]) => [magnitudeText(exponent), count]))),
        ),
        sample,
        few: few && [...few].sort(byCodeUnit),
      };
    return { objects: this.#objects, sampled: this.#sampled, sampleBits: this.#sampleBits, properties };
  }

  #levelOf(prefix: string): Level {
    const known = this.#levels.get(prefix);
    if (known) return known;
    const level: Level = {
      prefix,
      layouts: [],
      layout: { names: [], countings: [], within: [], objects: 0 },
      nextLayout: 0,
    };
    this.#levels.set(prefix, level);
    return level;
  }

  #layoutOf(level: Level, names: readonly string[]): Layout {
    const { prefix, layouts, nextLayout } = level;
    const known = layouts.find((layout) => sameNames(layout.names, names));
    if (known) return known;
    const layout = {
      names,
      countings: names.map((name) => this.#countingOf(this.#pathOf(prefix, name))),
      within: names
        .filter((name) => !name.includes('.') && this.#inside.has(prefix + name))
        .map((name) => ({ name, level: this.#levelOf(`${prefix}${name}.`) })),
      objects: 0,
    };
    const before = layouts[nextLayout];
    if (before) countSeen(before);
    layouts[nextLayout] = layout;
    level.nextLayout = (nextLayout + 1) % layoutsKept;
    return layout;
  }

  /** HAZARD: `a.b` may also be the name of one property; where the map reads `b` inside of `a` that is another one. */
  #pathOf(prefix: string, name: string): string {
    const isAnother = name.includes('.') && placesOn(prefix + name).some((place) => this.#inside.has(place));
    return prefix + (isAnother ? JSON.stringify(name) : name);
  }

  #countingOf(property: string): Counting | undefined {
    const known = this.#properties.get(property);
    const isRead = this.#paths.has(property) || this.#inside.has(property);
    if (known || (this.#properties.size >= propertiesMax && !isRead)) return known;
    const fresh: Counting = {
      seen: 0,
      kinds: valueKinds.map(() => 0),
      magnitudes: new Map(),
      sample: [],
      few: new Set(),
    };
    this.#properties.set(property, fresh);
    return fresh;
  }

  #sample(counting: Counting, value: Json): void {
    const digest = this.#digest(textOf(value)).slice(0, 16);
    counting.few?.add(digest);
    if (counting.few && counting.few.size > fewMost) counting.few = null;
    const { sample } = counting;
    const last = sample.at(-1);
    if (sample.length >= digestsKept && last !== undefined && digest >= last) return;
    if (sample.includes(digest)) return;
    sample.push(digest);
    sample.sort(byCodeUnit);
    if (sample.length > digestsKept) sample.pop();
  }
}

function countSeen(layout: Layout): void {
  for (const counting of layout.countings) if (counting) counting.seen += layout.objects;
  layout.objects = 0;
}

function inOrder<Value>(entries: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...entries].sort(([left], [right]) => byCodeUnit(left, right));
}

/** FNV-1a over code units, http://www.isthe.com/chongo/tech/comp/fnv/: spread is all that is asked of it. */
function isInSample(id: string, bits: number): boolean {
  if (bits === 0) return true;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  // Its low bits follow those of the last characters too closely.
  return ((hash ^ (hash >>> 15)) & ((1 << bits) - 1)) === 0;
}
