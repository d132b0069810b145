/**
 * Events against the published JSON Schemas, by a validator that is not ours (ajv): the event as a whole, then every facet
 * against the schema that it names itself, so a facet with a wrong or unknown `_schemaURL` fails too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const folders = ['../activities/open-lineage/schemas/', '../../docs/schemas/openlineage/'];

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
for (const folder of folders) {
  const at = fileURLToPath(new URL(folder, import.meta.url));
  for (const file of readdirSync(at).filter((name) => name.endsWith('.json')))
    ajv.addSchema(JSON.parse(readFileSync(`${at}${file}`, 'utf8')) as object);
}

/** What is wrong with an event; empty where nothing is. */
export function faultsOf(event: unknown): readonly string[] {
  return [
    ...against('https://openlineage.io/spec/2-0-2/OpenLineage.json', event, 'event'),
    ...[...facetsIn(event, 'event')].flatMap(({ facet, place }) => against(facet['_schemaURL'], facet, place)),
  ];
}

/** How many facets an event has: a walk that finds none would find no fault either. */
export function facetCount(event: unknown): number {
  return [...facetsIn(event, 'event')].length;
}

function against(schema: unknown, value: unknown, place: string): readonly string[] {
  const validate = typeof schema === 'string' ? ajv.getSchema(schema) : undefined;
  if (!validate) return [`${place}: no schema is published as ${String(schema)}`];
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${place}${instancePath} ${message}`);
}

function* facetsIn(
  value: unknown,
  place: string,
): Generator<{ readonly facet: Readonly<Record<string, unknown>>; readonly place: string }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const where = `${place}/${name}`;
    if (name === 'facets' || name === 'inputFacets' || name === 'outputFacets')
      for (const [key, facet] of Object.entries(inner as Readonly<Record<string, Readonly<Record<string, unknown>>>>))
        yield { facet, place: `${where}/${key}` };
    else yield* facetsIn(inner, where);
  }
}
