/**
 * Templates of `create` in a map: native properties that a new object needs and no field gives.
 *
 * `{mail}` stands for the federated value of the text field `mail` of the record that is created;
 * `{mail:localPart}` for the part of it before the last `@` (all of it where there is none); `{subject:slug}` for a name
 * made of it that every cloud takes: at most 49 of a-z, 0-9 and -, with the start of its digest at the end, so that two
 * values have two names. Text outside braces is kept. There is no escape for braces and no other function: what needs
 * more belongs into a field and its lens.
 */
import { digestOf } from '../digest.js';
import { foldAscii } from '../lens/text.js';
import type { Fields } from '../record.js';

export interface TemplatePart {
  readonly kind: 'text' | 'field';
  /** The literal text, or the name of the field. */
  readonly text: string;
  readonly part: TemplateFunction | null;
}

const functions = ['localPart', 'slug'] as const;
export type TemplateFunction = (typeof functions)[number];

export type ParsedTemplate =
  | { readonly kind: 'parsed'; readonly parts: readonly TemplatePart[] }
  | { readonly kind: 'malformed'; readonly detail: string };

export function parseTemplate(template: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let rest = template;
  while (rest.length > 0) {
    const open = rest.indexOf('{');
    const literal = open < 0 ? rest : rest.slice(0, open);
    if (literal.includes('}')) return { kind: 'malformed', detail: 'a "}" has no "{" before it' };
    if (literal.length > 0) parts.push({ kind: 'text', text: literal, part: null });
    if (open < 0) break;
    const close = rest.indexOf('}', open);
    if (close < 0) return { kind: 'malformed', detail: 'a "{" is not closed' };
    const [field = '', part, ...more] = rest.slice(open + 1, close).split(':');
    if (!/^[a-z][A-Za-z0-9]*$/.test(field))
      return { kind: 'malformed', detail: 'braces must hold the name of a field' };
    const known = functions.find((each) => each === part);
    if ((part !== undefined && known === undefined) || more.length > 0)
      return { kind: 'malformed', detail: 'what can be named is localPart or slug, as in {mail:localPart}' };
    parts.push({ kind: 'field', text: field, part: known ?? null });
    rest = rest.slice(close + 1);
  }
  return { kind: 'parsed', parts };
}

export type FilledTemplate =
  | { readonly kind: 'filled'; readonly text: string }
  /** The record has no text for a field the template names: it cannot be created in this mesh (valueNotRepresentable). */
  | { readonly kind: 'missing'; readonly field: string };

/** Throws only where `validate` would have refused the map. */
export function fillTemplate(template: string, fields: Fields): FilledTemplate {
  const parsed = parseTemplate(template);
  if (parsed.kind === 'malformed') throw new Error(`a template that validate refuses: ${parsed.detail}`);
  let text = '';
  for (const part of parsed.parts) {
    if (part.kind === 'text') {
      text += part.text;
      continue;
    }
    const value = fields[part.text];
    if (typeof value !== 'string' || value === '') return { kind: 'missing', field: part.text };
    const used = part.part === 'localPart' ? localPart(value) : part.part === 'slug' ? slug(value) : value;
    if (used === '') return { kind: 'missing', field: part.text };
    text += used;
  }
  return { kind: 'filled', text };
}

function localPart(value: string): string {
  const at = value.lastIndexOf('@');
  return at < 0 ? value : value.slice(0, at);
}

const slugWordsMax = 40;
const slugDigestLength = 8;

/** Runs of anything but ASCII letters and digits become one `-`. */
function slug(value: string): string {
  let words = '';
  for (const character of foldAscii(value)) {
    const kept = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
    if (kept) words += character;
    else if (words !== '' && !words.endsWith('-')) words += '-';
  }
  const cut = words.slice(0, slugWordsMax);
  const digest = digestOf({ slug: value }).slice(0, slugDigestLength);
  return cut === '' ? digest : `${cut.endsWith('-') ? cut.slice(0, -1) : cut}-${digest}`;
}
