/** The XML that the AWS query protocol answers with. Writing only: requests are form bodies. */

/** A list becomes `<member>` elements, undefined leaves the element out. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escape(text: string): string {
  // Control characters that XML 1.0 can hold only as references.
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '').replace(/\r/g, '&#13;');
}

function isList(value: Xml): value is readonly Xml[] {
  return Array.isArray(value);
}

export function xml(value: Xml): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return escape(String(value));
  if (isList(value)) return value.map((item) => `<member>${xml(item)}</member>`).join('');
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => `<${name}>${xml(inner)}</${name}>`)
    .join('');
}
