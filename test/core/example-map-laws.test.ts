/**
 * The laws of translation for every map of the examples, whole records at once: putting back what was got changes
 * nothing, and what was put is got again, also when it comes from another mesh. CONCORDAT_MAP_CASES is the number of
 * cases of each map and law. A map that somebody adds to an example is looked at without being named here.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadFederation } from '../../activities/federation-folder/load.js';
import type { Federation } from '../../core/federation/federation.js';
import { stepsOf, type FieldMap, type TypeMap } from '../../core/federation/map.js';
import type { FieldKind, TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json, JsonObject } from '../../core/json.js';
import { translate, type Translation } from '../../core/translate.js';
import { translateBack } from '../../core/translate-back.js';
import { expectEqual } from '../support/expect-equal.js';
import { propertyRuns } from '../support/property-runs.js';

const runs = propertyRuns(Number(process.env['CONCORDAT_MAP_CASES'] ?? 250));
const examples = path.resolve(import.meta.dirname, '../../examples');
const mapFiles = readdirSync(examples)
  .map((name) => path.join(examples, name, 'federation'))
  .filter((folder) => existsSync(path.join(folder, 'maps')))
  .flatMap((folder) => readdirSync(path.join(folder, 'maps')).map((file) => ({ folder, file })));

/** Ids i0 to i5 have a link, k0 to k5; i6 and i7 have none. */
const references = {
  resolve: (_: string, id: string): string | null => (/^i[0-5]$/.test(id) ? `k${id.slice(1)}` : null),
  resolveBack: (_: string, key: string): string | null => (/^k[0-5]$/.test(key) ? `i${key.slice(1)}` : null),
};

const ids = fc.constantFrom('i0', 'i1', 'i2', 'i3', 'i4', 'i5', 'i6', 'i7');
const texts = fc.oneof(
  fc.constantFrom('', 'a', 'A', 'b', "O'Brien", 'R&D', 'ada@example.com', 'Ada@Example.com', '=41', 'e\u0301'),
  fc.string({ maxLength: 6 }),
);

/** As stores of records hold them: numbers as numbers or as text, moments with and without a zone. */
const numbers = fc.oneof(
  fc.integer({ min: -5000, max: 5000 }),
  fc.integer().map(String),
  fc.tuple(fc.integer(), fc.nat({ max: 999 })).map(([whole, rest]) => `${whole}.${rest}`),
);
const moments = fc
  .tuple(
    fc.date({ min: new Date('1980-01-01'), max: new Date('2080-01-01'), noInvalidDate: true }),
    fc.constantFrom('', '', 'Z', '+02:00'),
  )
  .map(([date, zone]) => `${date.toISOString().slice(0, 19)}${zone}`);

function plainValues(kind: FieldKind, text: fc.Arbitrary<string>): fc.Arbitrary<Json> {
  switch (kind.kind) {
    case 'integer':
    case 'decimal':
      return numbers;
    case 'instant':
      return moments;
    case 'boolean':
      return fc.boolean();
    default:
      return text;
  }
}

/** What a cloud may hold where a field lies: mostly what the map is about. */
function nativeValues(field: FieldMap, kind: FieldKind): fc.Arbitrary<Json> {
  const steps = stepsOf(field);
  const known = steps.flatMap((step) => {
    if ('enum' in step) return Object.keys(step.enum);
    return 'table' in step ? Object.values(step.table).flat() : [];
  });
  const types = steps.flatMap((step) => ('reference' in step ? Object.keys(step.reference) : []));
  const text = known.length > 0 ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, texts) : texts;
  const own: fc.Arbitrary<Json> =
    types.length > 0
      ? fc.tuple(fc.constantFrom(...types), ids).map((parts) => parts.join('/'))
      : kind.kind === 'set'
        ? fc.array(kind.of === 'text' ? text : ids, { maxLength: 4 })
        : known.length > 0
          ? text
          : plainValues(kind, text);
  return fc.oneof(
    { weight: 12, arbitrary: own },
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom<Json>(true, 7, [], ['x'], {}, 'unknown') },
  );
}

function placed(body: JsonObject, field: FieldMap, value: Json): JsonObject {
  if ('constant' in field || 'from' in field) return body;
  if ('tag' in field) {
    const tags = body['Tags'] as JsonObject | undefined;
    return value === null ? body : { ...body, Tags: { ...tags, [field.tag]: value } };
  }
  const [name = '', ...rest] = field.path.split('.');
  if (rest.length === 0) return { ...body, [name]: value };
  const inner = body[name];
  const deeper = { path: rest.join('.') };
  return { ...body, [name]: placed((inner ?? {}) as JsonObject, deeper, value) };
}

function bodiesOf(map: TypeMap, taxonomy: TaxonomyType): fc.Arbitrary<JsonObject> {
  const fields = Object.entries(map.fields).flatMap(([name, field]) => {
    const kind = taxonomy.fields[name];
    return kind ? [{ field, values: nativeValues(field, kind) }] : [];
  });
  return fc
    .tuple(...fields.map(({ values }) => values))
    .map((values) =>
      fields.reduce<JsonObject>((body, { field }, at) => placed(body, field, values[at] ?? null), { left: 'alone' }),
    );
}

function read(
  map: TypeMap,
  taxonomy: TaxonomyType,
  body: JsonObject,
  surface: readonly string[] = Object.keys(map.fields),
): Translation {
  return translate({
    object: { type: map.native, id: 'i0', body },
    map,
    taxonomy,
    surface,
    key: 'k0',
    resolve: references.resolve,
  });
}

it('finds the maps of the examples', () => {
  expect(mapFiles.length).toBeGreaterThanOrEqual(6);
});

describe.each(mapFiles)('$file of $folder', ({ folder, file }) => {
  let federation: Federation;
  let map: TypeMap;
  let taxonomy: TaxonomyType;

  beforeAll(async () => {
    const loaded = await loadFederation(folder);
    if (loaded.kind === 'invalid') throw new Error(`${folder} is not valid: ${JSON.stringify(loaded.faults[0])}`);
    federation = loaded.federation;
    map = federation.maps[file.replace(/\.yaml$/, '')] as TypeMap;
    taxonomy = federation.taxonomy[map.type] as TaxonomyType;
  });

  it('puts back what it got and leaves the object as it was', () => {
    let records = 0;
    fc.assert(
      fc.property(bodiesOf(map, taxonomy), (body) => {
        const got = read(map, taxonomy, body);
        if (got.kind !== 'record') return;
        records += 1;
        expectEqual(got.roundTrips, true);
        const back = translateBack({ ...references, changes: got.record.fields, native: body, map, taxonomy });
        expectEqual(back, { kind: 'body', after: body });
      }),
      runs,
    );
    expect(records).toBeGreaterThan(0);
  });

  it('gets what it put, whichever mesh it comes from, onto an object or as a new one, or refuses it', () => {
    const others = Object.values(federation.maps).filter(({ type }) => type === map.type);
    let written = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...others).chain((other) => fc.tuple(fc.constant(other), bodiesOf(other, taxonomy))),
        fc.option(bodiesOf(map, taxonomy)),
        ([other, theirs], body) => {
          const said = read(other, taxonomy, theirs);
          if (said.kind !== 'record') return;
          const changes = Object.fromEntries(
            Object.entries(said.record.fields).filter(([field]) => Object.hasOwn(map.fields, field)),
          );
          const back = translateBack({ ...references, changes, native: body, map, taxonomy });
          if (back.kind === 'refused') {
            expectEqual(back.reason === '', false);
            return;
          }
          written += 1;
          // What lay there before in other fields may say nothing that can be translated.
          const again = read(map, taxonomy, back.after, Object.keys(changes));
          const fields: JsonObject = again.kind === 'record' ? again.record.fields : {};
          for (const [field, value] of Object.entries(changes)) expectEqual([field, fields[field]], [field, value]);
          expectEqual(back.after['left'], body?.['left']);
        },
      ),
      runs,
    );
    expect(written).toBeGreaterThan(0);
  });
});
