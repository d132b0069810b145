/** Where a field lies in a native body: under a dotted path, in the tags, or nowhere (a constant). */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { absent, refused, source, untranslatable, value, type Got, type LocationLens, type Put } from './contract.js';
import { sameJson } from './same-json.js';
import { foldAscii } from './text.js';

/** The body property that holds the tags of an object, by key. */
export const tagsProperty = 'Tags';

const crossesNonObject = 'the path crosses a native value that is not an object';

function own(body: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(body, name) ? body[name] : undefined;
}

function getAt(body: JsonObject, path: readonly string[]): Got {
  let at: Json = body;
  for (const name of path) {
    if (at === null) return value(null);
    if (!isJsonObject(at)) return untranslatable(crossesNonObject);
    at = own(at, name) ?? null;
  }
  return value(at);
}

function putAt(wanted: Json, body: JsonObject, path: readonly string[]): Put<JsonObject> {
  const [name, ...rest] = path;
  if (name === undefined) return refused('the path of the map is empty');
  const before = own(body, name);
  if (rest.length === 0) return source({ ...body, [name]: wanted });
  if (before !== undefined && before !== null && !isJsonObject(before)) return refused(crossesNonObject);
  const inner = putAt(wanted, before ?? {}, rest);
  return inner.kind === 'refused' ? inner : source({ ...body, [name]: inner.value });
}

/** What is missing reads as null (held and empty), except a property that its connector leaves out where it could not be read. */
export function pathLocation(dotted: string, leftOutWhereUnread: boolean): LocationLens {
  const path = dotted.split('.');
  // Names that every object seems to have are asked for by `own`.
  const isOwnIfThere = path.length === 1 && !(dotted in Object.prototype);
  return {
    ...(isOwnIfThere
      ? {
          read: (body: JsonObject) =>
            body[dotted] ?? (leftOutWhereUnread && body[dotted] === undefined ? undefined : null),
        }
      : {}),
    get: (body) => (leftOutWhereUnread && own(body, dotted) === undefined ? absent : getAt(body, path)),
    put: (wanted, body = {}) => {
      const before = getAt(body, path);
      if (before.kind !== 'value') return refused(crossesNonObject);
      const isThere = !leftOutWhereUnread || own(body, dotted) !== undefined;
      return isThere && sameJson(before.value, wanted) ? source(body) : putAt(wanted, body, path);
    },
  };
}

/** IAM tag keys are unique regardless of case and keep theirs (IAM user guide, Tags for IAM resources): writing `mail` replaces `Mail`. */
export function tagName(tags: JsonObject, key: string): string {
  if (Object.hasOwn(tags, key)) return key;
  for (const name of Object.keys(tags)) if (sameTag(name, key)) return name;
  return key;
}

function sameTag(left: string, right: string): boolean {
  return left.length === right.length && foldAscii(left) === foldAscii(right);
}

/** A tag that is missing reads as null, and null removes the tag: a tag list holds no null. */
export function tagLocation(key: string): LocationLens {
  const tagsOf = (body: JsonObject): JsonObject | null => {
    const tags = own(body, tagsProperty) ?? {};
    return isJsonObject(tags) ? tags : null;
  };
  return {
    get: (body) => {
      const tags = tagsOf(body);
      return tags ? value(own(tags, tagName(tags, key)) ?? null) : untranslatable('the native tags are not an object');
    },
    put: (wanted, body = {}) => {
      const tags = tagsOf(body);
      if (!tags) return refused('the native tags are not an object');
      const name = tagName(tags, key);
      if (sameJson(own(tags, name) ?? null, wanted)) return source(body);
      // IAM never holds two spellings of one key; where a stand-in does, none may show through once the tag is removed.
      const left = wanted === null ? Object.entries(tags).filter(([other]) => !sameTag(other, key)) : null;
      return source({ ...body, [tagsProperty]: left ? Object.fromEntries(left) : { ...tags, [name]: wanted } });
    },
  };
}

/** The mesh says this of every record: it can hear it, and nothing else. */
export function constantLocation(constant: Json): LocationLens {
  return {
    read: () => constant,
    get: () => value(constant),
    put: (wanted, body = {}) =>
      sameJson(wanted, constant) ? source(body) : refused('this mesh says one thing of every record and it is another'),
  };
}

/** No place at all: the value is worked out from other objects when the snapshot is sealed, and nothing can be told it. */
export const derivedLocation: LocationLens = {
  get: () => absent,
  put: () => refused('the field is worked out from the policies of this mesh and cannot be written'),
};
