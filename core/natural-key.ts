/**
 * Natural keys: a type that declares `key` has no links and no cases. Its records are known by the values of these fields,
 * so the same edge has the same key in every mesh; in these fields it is created or deleted, never changed.
 */
import { canonicalJson, sha256Hex, type Digest } from './digest.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import { byCodeUnit, type Json } from './json.js';
import { referenceOf, type Reference } from './lens/reference.js';
import { isProvisional, type Fields } from './record.js';

export type NaturalKey =
  | { readonly kind: 'key'; readonly key: string }
  /** It refers to a record that no link joins yet: asked again once there is one. */
  | { readonly kind: 'provisional' }
  | { readonly kind: 'incomplete'; readonly field: string };

/**
 * The federated key that the fields of a record give. Throws nothing; call for types with `key` only. `sha256`: by which
 * code; whoever makes millions of keys has a faster one than the pure code of core.
 */
export function naturalKeyOf(
  taxonomy: TaxonomyType,
  fields: Fields,
  sha256: (text: string) => Digest = sha256Hex,
): NaturalKey {
  const named: Record<string, Json> = {};
  let isOpen = false;
  let isText = true;
  for (const field of [...(taxonomy.key ?? [])].sort(byCodeUnit)) {
    const value = fields[field];
    if (value === undefined || value === null || value === '') return { kind: 'incomplete', field };
    named[field] = value;
    isText &&= typeof value === 'string';
    if (taxonomy.fields[field]?.kind === 'reference' && isProvisional(referenceOf(value)?.key ?? '')) isOpen = true;
  }
  return isOpen ? { kind: 'provisional' } : { kind: 'key', key: sha256(keyText(taxonomy.type, named, isText)) };
}

/**
 * The canonical JSON of a key. JSON.stringify writes texts as RFC 8785 does, and names of fields and their order are such
 * that it keeps it; only a lone surrogate it lets pass, which canonicalJson does not.
 */
function keyText(type: string, key: Readonly<Record<string, Json>>, isText: boolean): string {
  const text = isText ? JSON.stringify({ key, type }) : '';
  return isText && !text.includes('\\ud') ? text : canonicalJson({ type, key });
}

/**
 * The same of very many records whose values stand in the order of `names`: null where they are not all plain texts and
 * naturalKeyOf must be asked.
 */
export function naturalKeysOf(
  taxonomy: TaxonomyType,
  names: readonly string[],
  sha256: (text: string) => Digest,
): (values: readonly (Json | undefined)[]) => string | null {
  const fields = [...(taxonomy.key ?? [])].sort(byCodeUnit);
  // Other names JavaScript may put in an order of its own, and naturalKeyOf takes that for the order of the key.
  const isPlain = fields.every((field) => /^[A-Za-z]\w*$/.test(field) && names.includes(field));
  if (!isPlain || fields.length === 0) return () => null;
  const parts = fields.map((field, index) => ({
    at: names.indexOf(field),
    before: `${index === 0 ? '{"key":{' : ','}"${field}":`,
    isReference: taxonomy.fields[field]?.kind === 'reference',
  }));
  const end = `},"type":${JSON.stringify(taxonomy.type)}}`;
  return (values) => {
    let text = '';
    let isPlainText = true;
    for (const { at, before, isReference } of parts) {
      const value = values[at];
      if (typeof value !== 'string' || value === '') return null;
      if (isReference && isProvisional(referenceOf(value)?.key ?? '')) return null;
      if (standsForItself.test(value)) text += `${before}"${value}"`;
      else {
        text += before + JSON.stringify(value);
        isPlainText = false;
      }
    }
    return isPlainText || !text.includes('\\ud') ? sha256(text + end) : null;
  };
}

/** Text of ASCII that JSON writes as it is. To look costs a third of having it written. */
const standsForItself = /^[ !#-[\]-~]*$/;

/** A type whose every field is of its key: its records are there or not, and nothing else. */
export function isEdge(taxonomy: TaxonomyType): boolean {
  return taxonomy.key !== undefined && Object.keys(taxonomy.fields).every((field) => taxonomy.key?.includes(field));
}

/** The records that one refers to by single values, in code unit order of the fields. */
export function referencesOf(taxonomy: TaxonomyType, fields: Fields | undefined): readonly Reference[] {
  return Object.entries(taxonomy.fields)
    .sort(([left], [right]) => byCodeUnit(left, right))
    .flatMap(([field, kind]) => (kind.kind === 'reference' ? (referenceOf(fields?.[field]) ?? []) : []));
}
