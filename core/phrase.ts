/** How a record is said to people: by its label, or by the phrase of its type with the names of what it refers to. */
import type { TaxonomyType } from './federation/taxonomy.js';
import { parseTemplate } from './federation/template.js';
import { referenceOf, type Reference } from './lens/reference.js';
import type { Fields } from './record.js';

/** A part of a phrase: literal text, or another record whose name is to be put there. */
export type PhrasePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reference'; readonly reference: Reference; readonly withType: boolean };

/** Null where the type has no phrase, or the record lacks a field of it. */
export function phraseParts(taxonomy: TaxonomyType, fields: Fields): readonly PhrasePart[] | null {
  const template = taxonomy.phrase ?? (taxonomy.label === undefined ? defaultPhrase(taxonomy) : null);
  const parsed = template === null ? null : parseTemplate(template);
  if (parsed?.kind !== 'parsed') return null;
  const parts: PhrasePart[] = [];
  for (const part of parsed.parts) {
    if (part.kind === 'text') {
      parts.push({ kind: 'text', text: part.text });
      continue;
    }
    const value = fields[part.text];
    const kind = taxonomy.fields[part.text];
    const reference = kind?.kind === 'reference' ? referenceOf(value) : null;
    if (reference)
      parts.push({ kind: 'reference', reference, withType: kind?.kind === 'reference' && kind.of.length > 1 });
    else if (typeof value === 'string' && value !== '') parts.push({ kind: 'text', text: value });
    else return null;
  }
  return parts;
}

/** `principal …, role …, scope …` for a key of references; null where a plain field names the record well enough. */
function defaultPhrase({ key, fields }: TaxonomyType): string | null {
  if (!key?.some((field) => fields[field]?.kind === 'reference')) return null;
  return key.map((field) => `${field} {${field}}`).join(', ');
}
