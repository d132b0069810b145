/** Taxonomy files: labels, and references that can be followed in some order. */
import { faultAt, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { isBroken, typeNames, typeOf, type FederationParts } from './parts.js';
import type { TaxonomyType } from './taxonomy.js';

export function checkTaxonomy(parts: FederationParts): readonly PathFault[] {
  const faults: PathFault[] = [];
  for (const { file, value } of parts.taxonomy) {
    const fields = Object.keys(value.fields);
    if (value.label !== undefined && !fields.includes(value.label))
      faults.push(faultAt(file, ['label'], `is not a field of this type; ${suggestion(value.label, fields)}`));
    for (const [name, field] of Object.entries(value.fields)) {
      if (field.kind !== 'set' || field.of === 'text') continue;
      const path = ['fields', name, 'of'];
      if (!typeOf(parts, field.of)) {
        if (!isBroken(parts, 'taxonomy', field.of))
          faults.push(
            faultAt(
              file,
              path,
              `no type "${field.of}" in taxonomy/; ${suggestion(field.of, ['text', ...typeNames(parts)])}`,
            ),
          );
      } else {
        const circle = circleThrough(parts, value.type, field.of);
        if (circle)
          faults.push(
            faultAt(
              file,
              path,
              `types refer to each other in a circle: ${circle.join(' → ')}; none could be written first`,
            ),
          );
      }
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
  return Object.values(type?.fields ?? {}).flatMap((field) =>
    field.kind === 'set' && field.of !== 'text' ? [field.of] : [],
  );
}
