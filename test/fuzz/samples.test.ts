/** The samples that peer-bytes.test.ts starts from: one of every message that a peer can write, with something in every part. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { byCodeUnit, type Json } from '../../core/json.js';
import { samples } from './samples.js';
import { messageTypes, schemas, type SampleName } from './schemas.js';

const root = path.resolve(import.meta.dirname, '../..');
const names = Object.keys(samples) as readonly SampleName[];
const sources = ['core', 'activities', 'cli', 'workers', 'workflows'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8')),
);

it('there is one of every type of signed or encrypted message that the sources name', () => {
  const named = new Set(
    sources.flatMap((text) => [...text.matchAll(/'([a-z-]+\+(?:jws|jwt|jwe))'/g)].map(([, typ = '']) => typ)),
  );
  expect(named.size).toBeGreaterThan(20);
  expect([...named].sort(byCodeUnit)).toEqual(Object.keys(messageTypes).sort(byCodeUnit));
});

/** What is read out of the exchange store: `getDocument(…, Plan)`, `schema: Open`, `parsePublished(…, TableManifest)`. */
const readings =
  /(?:getDocument|findDocument|exchangeDocument|parsePublished)\([^;]*?,\s*([A-Z]\w+)\)|schema: ([A-Z]\w+)(?=\s*[,})])/g;

it('there is one of every shape that is read out of the exchange store', () => {
  const read = new Set<string>(
    sources.flatMap((text) => [...text.matchAll(readings)].map(([, one, other]) => one ?? other ?? '')),
  );
  expect(read.size).toBeGreaterThan(15);
  const table = readFileSync(path.join(import.meta.dirname, 'schemas.ts'), 'utf8');
  expect([...read].filter((name) => !name.endsWith('Schema') && !table.includes(`: ${name},`)).sort()).toEqual([]);
});

/** `crit` must not be there; what a Configuration holds are the files of a folder, in as many forms as there are kinds of field and lens. */
const elsewhere = /^configuration\.|\.crit$/;

it('there is something in every part of each', () => {
  const empty = names.flatMap((name) =>
    emptyParts(
      z.toJSONSchema(schemas[name], { unrepresentable: 'any', io: 'input' }) as Shape,
      samples[name] as Json,
      name,
    ),
  );
  expect(empty.filter((part) => !elsewhere.test(part))).toEqual([]);
});

interface Shape {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly additionalProperties?: Shape | boolean;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly type?: string;
  readonly const?: Json;
}

/** Paths of members that the shape allows and no value there has, and of lists without an item. */
function emptyParts(shape: Shape, value: Json, at: string): readonly string[] {
  const ways = shape.anyOf ?? shape.oneOf;
  if (ways) return ways.filter((way) => fits(way, value)).flatMap((way) => emptyParts(way, value, at));
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    if (items.length === 0) return [at];
    const { items: inner } = shape;
    if (!inner) return [];
    // A part is there where one of the items has it.
    const missing = items.map((item) => new Set(emptyParts(inner, item, `${at}[]`)));
    return [...(missing[0] ?? [])].filter((part) => missing.every((one) => one.has(part)));
  }
  if (typeof value !== 'object' || value === null) return [];
  const members = value as Readonly<Record<string, Json>>;
  const declared = Object.entries(shape.properties ?? {}).flatMap(([name, inner]) =>
    members[name] === undefined ? [`${at}.${name}`] : emptyParts(inner, members[name], `${at}.${name}`),
  );
  return declared;
}

function fits(shape: Shape, value: Json): boolean {
  if (shape.type === 'null') return value === null;
  if (shape.type === 'array') return Array.isArray(value);
  if (shape.type === 'object' || shape.properties) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const members = value as Readonly<Record<string, Json>>;
    return Object.entries(shape.properties ?? {}).every(
      ([name, inner]) => inner.const === undefined || members[name] === inner.const,
    );
  }
  return true;
}
