/** Taxonomy files: labels, and references that can be followed in some order. */
import { checkPrivileges } from './check-privileges.js';
import { faultAt, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { isBroken, repeatedAt, typeNames, typeOf, type FederationParts } from './parts.js';
import { referredTypes, type FieldKind, type TaxonomyType } from './taxonomy.js';
import { parseTemplate } from './template.js';

export function checkTaxonomy(parts: FederationParts): readonly PathFault[] {
  const faults: PathFault[] = [];
  for (const { file, value } of parts.taxonomy) {
    const fields = Object.keys(value.fields);
    if (value.label !== undefined && !fields.includes(value.label))
      faults.push(faultAt(file, ['label'], `is not a field of this type; ${suggestion(value.label, fields)}`));
    faults.push(...checkKey(file, value), ...checkPhrase(file, value));
    for (const [name, field] of Object.entries(value.fields)) {
      faults.push(...checkPrivileges(file, ['fields', name], field), ...checkElements(file, name, field));
      referredTypes(field).forEach((target, at) => {
        const path = ['fields', name, 'of', ...(field.kind === 'reference' ? [at] : [])];
        if (!typeOf(parts, target)) {
          if (!isBroken(parts, 'taxonomy', target))
            faults.push(
              faultAt(
                file,
                path,
                `no type "${target}" in taxonomy/; ${suggestion(target, [...(field.kind === 'set' ? ['text'] : []), ...typeNames(parts)])}`,
              ),
            );
          return;
        }
        const circle = circleThrough(parts, value.type, target);
        if (circle)
          faults.push(
            faultAt(
              file,
              path,
              `types refer to each other in a circle: ${circle.join(' → ')}; none could be written first`,
            ),
          );
      });
    }
  }
  return faults;
}

/** The way from `type` over `first` back to `type`, if there is one. */
function circleThrough(parts: FederationParts, type: string, first: string): readonly string[] | undefined {
  const seen = new Set<string>();
  const ways: (readonly string[])[] = [[type, first]];
  for (let way = ways.shift(); way; way = ways.shift()) {
    const last = way.at(-1) ?? '';
    if (last === type) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const next of referencesOf(typeOf(parts, last)?.value)) ways.push([...way, next]);
  }
  return undefined;
}

function referencesOf(type: TaxonomyType | undefined): readonly string[] {
  return Object.values(type?.fields ?? {}).flatMap((field) => referredTypes(field));
}

/** What a set or list says of its elements fits together. */
function checkElements(file: string, name: string, field: FieldKind): readonly PathFault[] {
  const path = ['fields', name];
  if (field.kind === 'set' && field.elements !== undefined) {
    if (field.of !== 'text')
      return [faultAt(file, [...path, 'elements'], `elements refer to ${field.of}: a reference has no other equality`)];
    if (field.elements.kind === 'boolean')
      return [faultAt(file, [...path, 'elements'], 'a set of true and false is no set; write two fields')];
  }
  if (field.kind !== 'keyedList') return [];
  const key = Object.hasOwn(field.fields, field.by) ? field.fields[field.by] : undefined;
  if (!key)
    return [
      faultAt(file, [...path, 'by'], `is none of its fields; ${suggestion(field.by, Object.keys(field.fields))}`),
    ];
  return key.kind === 'boolean' ? [faultAt(file, [...path, 'by'], 'is true or false and tells no elements apart')] : [];
}

function checkKey(file: string, { key = [], fields }: TaxonomyType): readonly PathFault[] {
  const repeated = repeatedAt(key, (field) => field).map((at) => faultAt(file, ['key', at], 'is listed already'));
  return [
    ...repeated,
    ...key.flatMap((field, at) => {
      const kind = Object.hasOwn(fields, field) ? fields[field] : undefined;
      if (!kind)
        return [faultAt(file, ['key', at], `is not a field of this type; ${suggestion(field, Object.keys(fields))}`)];
      if (kind.kind === 'set')
        return [faultAt(file, ['key', at], 'is a set; a key is made of single values, which never change')];
      if (kind.kind === 'effect')
        return [faultAt(file, ['key', at], 'is an effect, which changes with every policy; a key never changes')];
      if (kind.kind === 'list' || kind.kind === 'keyedList')
        return [faultAt(file, ['key', at], 'is a list; a key is made of single values, which never change')];
      return [];
    }),
  ];
}

function checkPhrase(file: string, { phrase, fields }: TaxonomyType): readonly PathFault[] {
  if (phrase === undefined) return [];
  const parsed = parseTemplate(phrase);
  if (parsed.kind === 'malformed') return [faultAt(file, ['phrase'], parsed.detail)];
  return parsed.parts.flatMap((part) =>
    part.kind === 'field' && !Object.hasOwn(fields, part.text)
      ? [faultAt(file, ['phrase'], `no field "${part.text}"; ${suggestion(part.text, Object.keys(fields))}`)]
      : [],
  );
}
