/**
 * The native objects that may stand behind records that are asked for, out of the pages that a run read: looked for once, by
 * their keys alone, and kept beside the pages until the run is over. Review, gate and commit of a run ask for the same.
 *
 * HAZARD: an object that is left out stands behind no record. So whatever has no plain key of its own stays: what is opaque,
 * what cannot be translated straight through, and an object whose earlier sight was one of them.
 */
import type { TypeMap } from '../../core/federation/map.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import { naturalKeysOf } from '../../core/natural-key.js';
import type { RunInputs } from '../../core/messages.js';
import type { Json } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { straightTranslation } from '../../core/straight-translation.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import type { ReadItem } from '../connectors/connector.js';
import type { Links } from '../links.js';
import { sha256Hex } from '../sealing/sha256.js';
import { askedKeys, nameOf, type AskedRecords } from './asked-records.js';
import type { AuthorityContext } from './context.js';
import { folderOf } from './increments/read-plan.js';
import { candidatesByLines } from './asked-lines.js';
import { storedPages } from './pages.js';

/** Of more objects than these everything is learned. */
const objectsMax = 50_000;

/** A type with a natural key whose fields refer to nothing. */
export interface AskedType {
  readonly taxonomy: TaxonomyType;
  readonly map: TypeMap;
  /** Fields that its records may tell. */
  readonly told: readonly string[];
  /** Null where every row is exposed. */
  readonly isExposed: ((object: NativeObject) => boolean) | null;
}

/** By type, in the order of the pages; an object that the pages show twice may stand there twice. */
export type AskedObjects = ReadonlyMap<string, readonly NativeObject[]>;

/** Null where they are too many. */
export async function askedObjects(
  context: AuthorityContext,
  inputs: Pick<RunInputs, 'dataset' | 'run'>,
  types: readonly AskedType[],
  asked: AskedRecords,
  links: Links,
): Promise<AskedObjects | null> {
  const name =
    asked.name === null
      ? null
      : `${folderOf(inputs.dataset, inputs.run)}asked-${nameOf([asked.name, types.map(({ taxonomy, map, told }) => [taxonomy, map, told])])}`;
  const kept = name && (await context.privateStore.get(name));
  // Written by this authority and read by nobody else: trusted inside, as the pages are.
  if (kept) return new Map(JSON.parse(new TextDecoder().decode(kept)) as [string, NativeObject[]][]);
  const finders = new Map<string, Finder>();
  for (const type of types) {
    const linked = await links.linkedTo(type.taxonomy.type, askedKeys(asked, type.taxonomy.type));
    finders.set(type.map.native, new Finder(type, asked, new Set(linked.map(([nativeId]) => nativeId))));
  }
  let pages = 0;
  let found = 0;
  const candidates = await candidatesByLines(context, inputs, types, asked, links, objectsMax);
  for await (const objects of candidates ? [candidates] : objectsOf(storedPages(context, inputs.dataset, inputs.run))) {
    pages += 1;
    for (const object of objects) {
      if (isSliceOver()) await letOthersRun();
      if (finders.get(object.type)?.take(object)) found += 1;
    }
    if (found > objectsMax) return null;
  }
  const objects = new Map([...finders.values()].map(({ type, found: ofType }) => [type, ofType]));
  const mayChange = [...finders.values()].some(({ dependsOnLinks }) => dependsOnLinks);
  // Of pages that are gone nothing is kept.
  if (name !== null && !mayChange && pages > 0)
    await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify([...objects])));
  return objects;
}

async function* objectsOf(pages: AsyncIterable<ReadItem>): AsyncGenerator<readonly NativeObject[]> {
  for await (const item of pages) if (item.kind === 'objects') yield item.objects;
}

class Finder {
  readonly type: string;
  readonly found: NativeObject[] = [];
  /** A hidden row was left out because no link joins it to what is asked for: a link may be made before the next look. */
  dependsOnLinks = false;
  readonly #ids = new Set<string>();
  readonly #asked: AskedRecords;
  /** Objects that links join to what is asked for. */
  readonly #linked: ReadonlySet<string>;
  readonly #isExposed: AskedType['isExposed'];
  readonly #keyOf: (object: NativeObject) => string | null;

  constructor({ taxonomy, map, told, isExposed }: AskedType, asked: AskedRecords, linked: ReadonlySet<string>) {
    this.type = taxonomy.type;
    this.#asked = asked;
    this.#linked = linked;
    this.#isExposed = isExposed;
    const fields = told.filter((field) => taxonomy.key?.includes(field));
    const straight = straightTranslation(map, taxonomy, fields, map.native);
    const keyOfValues = naturalKeysOf(taxonomy, straight.names, sha256Hex);
    const values: (Json | undefined)[] = [];
    this.#keyOf = ({ body }) => (straight.values(body, () => null, values) === null ? null : keyOfValues(values));
  }

  take(object: NativeObject): boolean {
    if (!this.#ids.has(object.id) && !this.#mayBe(object)) return false;
    this.#ids.add(object.id);
    this.found.push(object);
    return true;
  }

  #mayBe(object: NativeObject): boolean {
    if (object.opaque !== undefined) return true;
    if (this.#isExposed && !this.#isExposed(object)) {
      const isAsked = this.#linked.has(object.id);
      this.dependsOnLinks ||= !isAsked;
      return isAsked;
    }
    const key = this.#keyOf(object);
    // A link says what it was when it was joined: by now it may have another key, and still be what the link leads to.
    return key === null || this.#asked.has(this.type, key) || this.#linked.has(object.id);
  }
}
