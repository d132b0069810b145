/** Which native properties nobody declared: a schema that drifted shows here, by name and never by value. */
import type { TypeMap } from '../federation/map.js';
import { byCodeUnit, isJsonObject, type JsonObject } from '../json.js';
import { tagName, tagsProperty } from './location.js';

interface Known {
  /** Known with everything in it. */
  readonly whole: ReadonlySet<string>;
  /** Known for something inside it: its other properties are looked at one by one. */
  readonly within: ReadonlySet<string>;
  readonly tags: readonly string[];
}

const memory = new WeakMap<TypeMap, Known>();

function knownOf(map: TypeMap): Known {
  const cached = memory.get(map);
  if (cached) return cached;
  const fields = Object.values(map.fields);
  const tags = fields.flatMap((field) => ('tag' in field ? [field.tag] : []));
  const paths = [...fields.flatMap((field) => ('path' in field ? [field.path] : [])), ...Object.keys(map.create)];
  const whole = new Set([...paths, ...map.ignore]);
  const within = new Set<string>(tags.length > 0 ? [tagsProperty] : []);
  for (const path of whole) {
    for (let at = path.indexOf('.'); at !== -1; at = path.indexOf('.', at + 1)) within.add(path.slice(0, at));
  }
  const known = { whole, within, tags };
  memory.set(map, known);
  return known;
}

/** Dotted names, sorted by code unit. A property with a mapped one inside it is reported part by part. */
export function unmappedProperties(body: JsonObject, map: TypeMap): readonly string[] {
  const known = knownOf(map);
  const found: string[] = [];
  const visit = (object: JsonObject, prefix: string): void => {
    const mappedTags = prefix === `${tagsProperty}.` ? new Set(known.tags.map((tag) => tagName(object, tag))) : null;
    for (const [name, inner] of Object.entries(object)) {
      const path = prefix + name;
      if (known.whole.has(path) || mappedTags?.has(name)) continue;
      if (!known.within.has(path)) found.push(path);
      else if (isJsonObject(inner)) visit(inner, `${path}.`);
    }
  };
  visit(body, '');
  return found.sort(byCodeUnit);
}
