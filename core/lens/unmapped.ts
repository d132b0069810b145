/** Which native properties nobody declared: a schema that drifted shows here, by name and never by value. */
import type { TypeMap } from '../federation/map.js';
import { byCodeUnit, isJsonObject, type JsonObject } from '../json.js';
import { tagName, tagsProperty } from './location.js';

/** What is known of the properties below one path. Names, not paths: putting those together for each object is what costs. */
interface Level {
  readonly prefix: string;
  /** Known with everything in it. */
  readonly whole: ReadonlySet<string>;
  /** Known for something inside it: its other properties are looked at one by one. */
  readonly within: ReadonlySet<string>;
  /** The tags that the map reads, where this is the level of the tags. */
  readonly tags: readonly string[] | null;
  /** Made when an object first needs them. */
  readonly below: Map<string, Level>;
}

interface Known {
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  readonly top: Level;
}

const memory = new WeakMap<TypeMap, Known>();

function knownOf(map: TypeMap): Known {
  const cached = memory.get(map);
  if (cached) return cached;
  const fields = Object.values(map.fields);
  const tags = fields.flatMap((field) => ('tag' in field ? [field.tag] : []));
  const paths = [
    ...fields.flatMap((field) => ('path' in field ? [field.path] : [])),
    ...Object.keys(map.create),
    ...map.ignore,
  ];
  const known = { paths, tags, top: levelOf(paths, tags, '') };
  memory.set(map, known);
  return known;
}

function levelOf(paths: readonly string[], tags: readonly string[], prefix: string): Level {
  const whole = new Set(paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : [])));
  const within = new Set<string>(prefix === '' && tags.length > 0 ? [tagsProperty] : []);
  for (const path of whole)
    for (let at = path.indexOf('.'); at !== -1; at = path.indexOf('.', at + 1)) within.add(path.slice(0, at));
  return { prefix, whole, within, tags: prefix === `${tagsProperty}.` ? tags : null, below: new Map() };
}

function levelBelow({ paths, tags }: Known, level: Level, name: string): Level {
  let below = level.below.get(name);
  if (!below) {
    below = levelOf(paths, tags, `${level.prefix}${name}.`);
    level.below.set(name, below);
  }
  return below;
}

/** The properties of objects, as one shape after another of them was met. */
interface Shape {
  readonly names: readonly string[];
  /** Of its own names, where none of the objects within has any; null where each object must be asked. */
  readonly unmapped: readonly string[] | null;
  readonly within: readonly Within[];
}
/** An object within, all of whose names are known where they are as before. */
interface Within {
  readonly name: string;
  names: readonly string[];
}
const shapesKept = 8;

/** unmappedProperties for very many objects of few shapes: what names say is found once a shape, and once for objects within it. */
export function unmappedFinder(map: TypeMap): (body: JsonObject) => readonly string[] {
  const known = knownOf(map);
  const { top } = known;
  const shapes: Shape[] = [];
  let next = 0;
  const shapeOf = (names: readonly string[]): Shape => {
    const met = shapes.find((shape) => sameNames(shape.names, names));
    if (met) return met;
    const inside = names.filter((name) => !top.whole.has(name) && top.within.has(name));
    // Which tags are known depends on how this object writes them.
    const asksEach = inside.some((name) => levelBelow(known, top, name).tags !== null);
    const outside = asksEach ? null : names.filter((name) => !top.whole.has(name) && !top.within.has(name));
    const shape: Shape = {
      names,
      unmapped: outside?.sort(byCodeUnit) ?? null,
      within: inside.map((name) => ({ name, names: noNames })),
    };
    shapes[next] = shape;
    next = (next + 1) % shapesKept;
    return shape;
  };
  /** Whether nothing within it is unmapped, as far as names that were met say. */
  const isKnownWithin = (body: JsonObject, within: Within): boolean => {
    const inner = body[within.name];
    if (!isJsonObject(inner)) return true;
    const names = Object.keys(inner);
    if (sameNames(within.names, names)) return true;
    const { whole } = levelBelow(known, top, within.name);
    if (!names.every((name) => whole.has(name))) return false;
    within.names = names;
    return true;
  };
  let last: Shape = { names: [], unmapped: [], within: [] };
  return (body) => {
    const names = Object.keys(body);
    if (!sameNames(last.names, names)) last = shapeOf(names);
    const { unmapped, within } = last;
    if (unmapped === null) return unmappedProperties(body, map);
    for (const one of within) if (!isKnownWithin(body, one)) return unmappedProperties(body, map);
    return unmapped;
  };
}
const noNames: readonly string[] = [];

export function sameNames(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) if (left[at] !== right[at]) return false;
  return true;
}

/** Dotted names, sorted by code unit. A property with a mapped one inside it is reported part by part. */
export function unmappedProperties(body: JsonObject, map: TypeMap): readonly string[] {
  const known = knownOf(map);
  const found: string[] = [];
  const visit = (object: JsonObject, level: Level): void => {
    const mappedTags = level.tags && new Set(level.tags.map((tag) => tagName(object, tag)));
    for (const name of Object.keys(object)) {
      if (level.whole.has(name) || mappedTags?.has(name)) continue;
      if (!level.within.has(name)) {
        found.push(level.prefix + name);
        continue;
      }
      const inner = object[name];
      if (isJsonObject(inner)) visit(inner, levelBelow(known, level, name));
    }
  };
  visit(body, known.top);
  return found.length > 1 ? found.sort(byCodeUnit) : found;
}
