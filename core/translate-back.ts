/** Federated values → native body: what a mesh's own object must look like for the record to hold the agreed values. */
import type { ErrorCode } from './errors.js';
import type { TypeMap } from './federation/map.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import { fillTemplate } from './federation/template.js';
import { byCodeUnit, type JsonObject } from './json.js';
import { compiledFields } from './lens/compiled-map.js';
import type { References } from './lens/contract.js';
import { pathLocation } from './lens/location.js';
import { sameJson } from './lens/same-json.js';
import type { Fields } from './record.js';
import { assertPaired } from './translate.js';

export interface TranslateBackRequest extends References {
  /** The values that the touched fields shall have. Of a new record, all its fields. */
  readonly changes: Fields;
  /** The body as it is now; null makes a new object. */
  readonly native: JsonObject | null;
  readonly map: TypeMap;
  readonly taxonomy: TaxonomyType;
}

export type TranslationBack =
  | { readonly kind: 'body'; readonly after: JsonObject }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly field: string; readonly reason: string };

/**
 * Everything that no changed field names stays as it is, native spelling and unresolvable references included.
 * The answer was read again: `translate` of `after` gives exactly the changes, and no other field moved.
 * Throws only where map and taxonomy do not belong together (invalidFederation).
 */
export function translateBack(request: TranslateBackRequest): TranslationBack {
  const { changes, native, map, taxonomy } = request;
  assertPaired(map, taxonomy, map.native);
  const compiled = compiledFields(map, taxonomy);
  let after: JsonObject = native ?? {};
  for (const field of Object.keys(changes).sort(byCodeUnit)) {
    const wanted = changes[field];
    if (wanted === undefined) continue;
    const lens = compiled.find(({ name }) => name === field)?.lens;
    if (!lens) return refuse(field, 'this mesh has no place for the field');
    if (native !== null) {
      const now = lens.get(native, request);
      if (now.kind === 'absent') return refuse(field, 'what it holds now could not be read', 'expectationFailed');
      if (now.kind === 'untranslatable' || now.kind === 'outside')
        return refuse(field, now.reason, 'expectationFailed');
    }
    const put = lens.put(wanted, after, request);
    if (put.kind === 'refused') return refuse(field, put.reason, put.code);
    after = put.value;
  }
  if (native === null) {
    const created = addCreateProperties(after, changes, map);
    if (created.kind === 'refused') return created;
    after = created.after;
  }
  return readBack(request, after);
}

/** What a new object needs and no field gave; a field mapped to the same path wins, also where it is empty. */
function addCreateProperties(body: JsonObject, changes: Fields, map: TypeMap): TranslationBack {
  const givenByFields = new Set(
    Object.entries(map.fields).flatMap(([name, field]) =>
      'path' in field && Object.hasOwn(changes, name) ? [field.path] : [],
    ),
  );
  let after = body;
  for (const [path, rule] of Object.entries(map.create).sort(([left], [right]) => byCodeUnit(left, right))) {
    if (givenByFields.has(path)) continue;
    const location = pathLocation(path, false);
    let wanted = 'constant' in rule ? rule.constant : null;
    if ('template' in rule) {
      const filled = fillTemplate(rule.template, changes);
      if (filled.kind === 'missing') return refuse(filled.field, 'a new object here needs it, and it holds no text');
      wanted = filled.text;
    }
    const put = location.put(wanted, after, noReferences);
    if (put.kind === 'refused') return refuse(path, put.reason, put.code);
    after = put.value;
  }
  return { kind: 'body', after };
}

/** PutGet for the whole record: two fields, or a field and a create rule, may want the same native property. */
function readBack(request: TranslateBackRequest, after: JsonObject): TranslationBack {
  const { changes, native, map, taxonomy } = request;
  for (const { name, lens } of compiledFields(map, taxonomy)) {
    const now = lens.get(after, request);
    const wanted = Object.hasOwn(changes, name) ? changes[name] : undefined;
    if (wanted !== undefined) {
      if (now.kind !== 'value' || !sameJson(now.value, wanted)) {
        return refuse(name, 'another part of the map gives its native property another value');
      }
    } else if (native !== null) {
      const before = lens.get(native, request);
      const same = now.kind === 'value' ? before.kind === 'value' && sameJson(now.value, before.value) : true;
      if (!same || now.kind !== before.kind) return refuse(name, 'it would change along with another field');
    }
  }
  return { kind: 'body', after };
}

const noReferences: References = { resolve: () => null, resolveBack: () => null };

function refuse(field: string, reason: string, code: ErrorCode = 'valueNotRepresentable'): TranslationBack {
  return { kind: 'refused', code, field, reason };
}

/** A set after elements were added and removed; an element in both is held. Sorted by code unit, without repetition. */
export function applySetChange(
  current: readonly string[] | null,
  change: { readonly add: readonly string[]; readonly remove: readonly string[] },
): readonly string[] {
  const removed = new Set(change.remove);
  return [...new Set([...(current ?? []).filter((item) => !removed.has(item)), ...change.add])].sort(byCodeUnit);
}
