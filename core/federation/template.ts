/**
 * Templates of `create` in a map: native properties that a new object needs and no field gives.
 *
 * `{mail}` stands for the federated value of the text field `mail` of the record that is created;
 * `{mail:localPart}` for the part of it before the last `@` (all of it where there is none). Text outside braces is
 * kept. There is no escape for braces and no other function: what needs more belongs into a field and its lens.
 */
import type { Fields } from '../record.js';

export interface TemplatePart {
  readonly kind: 'text' | 'field';
  /** The literal text, or the name of the field. */
  readonly text: string;
  readonly localPart: boolean;
}

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
    if (literal.length > 0) parts.push({ kind: 'text', text: literal, localPart: false });
    if (open < 0) break;
    const close = rest.indexOf('}', open);
    if (close < 0) return { kind: 'malformed', detail: 'a "{" is not closed' };
    const [field = '', part, ...more] = rest.slice(open + 1, close).split(':');
    if (!/^[a-z][A-Za-z0-9]*$/.test(field))
      return { kind: 'malformed', detail: 'braces must hold the name of a field' };
    if ((part !== undefined && part !== 'localPart') || more.length > 0)
      return { kind: 'malformed', detail: 'the only part that can be named is localPart, as in {mail:localPart}' };
    parts.push({ kind: 'field', text: field, localPart: part !== undefined });
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
    const at = part.localPart ? value.lastIndexOf('@') : -1;
    const used = at < 0 ? value : value.slice(0, at);
    if (used === '') return { kind: 'missing', field: part.text };
    text += used;
  }
  return { kind: 'filled', text };
}
