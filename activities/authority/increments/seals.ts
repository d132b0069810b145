/**
 * Seals by what changed: only objects that changes named, and those that do not simply stand in the seal, are looked at
 * again; every bucket that none of them touches stays the object that it was.
 *
 * HAZARD: the result must be the seal that a full read would give, byte for byte. Whatever can reach beyond the object
 * that changed (references, links, a key that two objects share, a schema that drifted, other maps) is sealed whole, from
 * the pages that are there: that costs time and no read.
 */
import { z } from 'zod';
import { digestOf, type Digest } from '../../../core/digest.js';
import type { DatasetType } from '../../../core/federation/federation.js';
import type { TypeMap } from '../../../core/federation/map.js';
import { exposedFields, type TypeSurface } from '../../../core/federation/surface.js';
import type { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { ReadReport, RunInputs } from '../../../core/messages.js';
import { planAlgorithm } from '../../../core/plan.js';
import { isProvisional, type Fields, type FederatedRecord, type NativeObject } from '../../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../../core/sealed.js';
import { ConcordatError } from '../../../core/errors.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import { usualDriftRules } from '../../../core/drift/drift-rules.js';
import type { Links } from '../../links.js';
import { readAll, readOne } from '../../sealing/read-records.js';
import { resealChanged } from '../../sealing/reseal-changed.js';
import { createSealer } from '../../sealing/sealer.js';
import { createSegmentReader } from '../../sealing/segment-reader.js';
import { letOthersRun } from '../../event-loop.js';
import type { AuthorityContext } from '../context.js';
import { authorityOf } from '../context.js';
import { NaturalKeys } from '../natural-keys.js';
import { readRecord } from '../pages.js';
import type { HeldByDrift, SchemaSeen } from '../schema-seen.js';
import { asLedgerFields, Ledger, ledgerSealer, putLayer, type LedgerEntry } from './ledger.js';
import { ChangesHeldAgainstAll } from './proof.js';
import { folderOf, incrementOf, type ReadRecord } from './read-plan.js';
import { keepState, putAnew, stateBefore, type SealState, type StateBefore, type Tally } from './state.js';

/** More of them are looked at in every run, so then all are. */
const apartMax = 5_000;
/** Of all objects, in percent: a schema is only counted over all of them, and this few cannot hide that it drifted. */
const changedPercentMax = 5;

/** An object that does not simply stand in the seal, and the key under which it does, if at all. */
const Apart = z.array(z.strictObject({ object: z.custom<NativeObject>(), key: z.string().nullable() }));
type Apart = z.infer<typeof Apart>;

export interface TypeSealing {
  readonly type: DatasetType;
  readonly map: TypeMap;
  readonly surface: TypeSurface;
  readonly isExposed: ((object: NativeObject) => boolean) | null;
  readonly schema: SchemaSeen | null;
  readonly links: Links;
}

/** What became of each object on its way into the seal. */
export interface SealingRecorder {
  /** It simply stands there. */
  plain(id: string, entry: LedgerEntry): Promise<void>;
  /** It is hidden, opaque, set aside or cannot be translated. */
  apart(object: NativeObject, key: string | null): void;
  /** A further object of one record. */
  doubled(): void;
}

export class IncrementSeals {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #record: ReadRecord;
  readonly #before: StateBefore | null;
  readonly #mayTouch: boolean;
  readonly #seals: Record<string, SealState> = {};
  readonly #missed = new Map<string, number>();

  private constructor(
    context: AuthorityContext,
    inputs: RunInputs,
    record: ReadRecord,
    before: StateBefore | null,
    mayTouch: boolean,
  ) {
    this.#context = context;
    this.#inputs = inputs;
    this.#record = record;
    this.#before = before;
    this.#mayTouch = mayTouch;
  }

  /** Null where the mesh declares no changes. `mayTouch`: nothing but its own object decides what a record says. */
  static async load(
    context: AuthorityContext,
    inputs: RunInputs,
    types: readonly DatasetType[],
    mayTouch: boolean,
  ): Promise<IncrementSeals | null> {
    const record = await readRecord(context, inputs.dataset, inputs.run);
    if (!record) return null;
    const before = await stateBefore(context, inputs.dataset, inputs.run);
    const alone = types.every(({ taxonomy }) => standsAlone(taxonomy));
    return new IncrementSeals(context, inputs, record, before, mayTouch && alone);
  }

  /** Whether no type of the dataset needs to know which objects of others there are. */
  get isAlone(): boolean {
    return this.#mayTouch;
  }

  expectedCount(native: string): number {
    return this.#record.plan.types[native]?.next?.count ?? 0;
  }

  /** Of the salts that the last snapshot proposed: records that did not change still need theirs. */
  get saltsBefore(): Digest | null {
    return this.#before?.state.salts ?? null;
  }

  /** Null where the type must be sealed whole. */
  async touched(sealing: TypeSealing): Promise<TouchedSeal | null> {
    const { type, map, schema } = sealing;
    const read = this.#record.plan.types[map.native];
    const known = this.#before?.state.seals[type.taxonomy.type];
    if (!this.#mayTouch || type.taxonomy.key === undefined || !known || read?.read !== 'increment' || !read.next)
      return null;
    const { run, dataset } = this.#inputs;
    const { objects } = await incrementOf(
      this.#context,
      dataset,
      read.next.layers.filter((one) => one === run),
      map.native,
    );
    const changed = known.changed + objects.size;
    const rules = this.#context.federation.datasets[dataset]?.drift?.[type.taxonomy.type] ?? usualDriftRules;
    if (changed * 100 > read.next.count * Math.min(changedPercentMax, rules.emptiedBy)) return null;
    if (schema && (!known.shape || showsNewThings(schema, sealing, known.shape, objects.values(), read.next.count)))
      return null;
    const judged = schema && known.shape ? schema.judge(map, known.shape, type.taxonomy.key) : null;
    if (judged?.held.isStopped) return null;
    if (fingerprintOf(this.#context, sealing, judged?.held ?? null) !== known.fingerprint) return null;
    try {
      const seal = await TouchedSeal.begin(this.#context, this.#inputs, sealing, known, objects, judged?.held ?? null);
      if (seal && judged && schema && known.shape) schema.keep(map, known.shape, judged.drifts);
      return seal;
    } catch (error) {
      // What the state builds on was erased or lost.
      if (error instanceof ConcordatError && error.code === 'storeFault') return null;
      throw error;
    }
  }

  /** For a seal over all objects: null where the next run could not go on from it. */
  whole(sealing: TypeSealing, held: HeldByDrift | null, shape: NativeShape | null): WholeSeal | null {
    const { map, type } = sealing;
    const read = this.#record.plan.types[map.native];
    if (!this.#mayTouch || type.taxonomy.key === undefined || !read?.next || held?.isStopped) return null;
    const fingerprint = fingerprintOf(this.#context, sealing, held);
    const { dataset } = this.#inputs;
    return new WholeSeal(this.#context, this.#inputs, type, {
      fingerprint,
      shape,
      dataset,
      expectedCount: read.next.count,
    });
  }

  /** For a full read that changes can be held against; null where they cannot. */
  async proof(sealing: TypeSealing, held: HeldByDrift | null): Promise<ChangesHeldAgainstAll | null> {
    const { map, type } = sealing;
    const read = this.#record.plan.types[map.native];
    const meanwhile = this.#record.meanwhile[map.native];
    const known = this.#before?.state.seals[type.taxonomy.type];
    if (!read?.isChecked || !meanwhile || !known) return null;
    if (known.fingerprint !== fingerprintOf(this.#context, sealing, held)) return null;
    const { dataset, run } = this.#inputs;
    return new ChangesHeldAgainstAll(await incrementOf(this.#context, dataset, [run], map.native), meanwhile);
  }

  /** How many the changes were wrong about, once all is sealed. */
  async prove(
    { type }: TypeSealing,
    proof: ChangesHeldAgainstAll,
    whole: WholeSeal | null,
    sealed: SealedType,
  ): Promise<void> {
    const name = type.taxonomy.type;
    const known = this.#before?.state.seals[name];
    if (!known || !whole?.state) return;
    const { exchange: store, id, federation } = this.#context;
    const reader = createSegmentReader({ store, prefixes: [id, ...federation.file.members.map((one) => one.id)] });
    const explained = new Set<string>();
    try {
      for (const state of [known, whole.state]) {
        const ledger = await Ledger.load(this.#context, this.#inputs.dataset, state);
        for (const { key } of (await ledger?.entriesOf(proof.ids()))?.values() ?? []) explained.add(key);
        for (const { object, key } of await readApart(this.#context, state.apart))
          if (key !== null && (proof.ids().has(object.id) || state === known)) explained.add(key);
      }
      const groups = groupsHeldBy(type.groups, id);
      this.#missed.set(name, await proof.missed({ before: known.sealed, now: sealed, groups, explained, reader }));
    } catch (error) {
      // What was sealed before is gone, so nothing can be held against it.
      if (!(error instanceof ConcordatError) || error.code !== 'storeFault') throw error;
    }
  }

  keep(name: string, state: SealState | null): void {
    if (state) this.#seals[name] = state;
  }

  /** For the snapshot. From here on the next run goes on from this one. */
  async finish(maps: ReadonlyMap<string, string>, salts: Digest | null): Promise<readonly ReadReport[]> {
    const natives = Object.fromEntries(
      Object.entries(this.#record.plan.types).flatMap(([native, { next }]) => {
        if (!next) return [];
        const missed = [...maps].flatMap(([type, of]) => (of === native ? (this.#missed.get(type) ?? []) : []));
        const wrong = missed.reduce((sum, count) => sum + count, 0);
        return [[native, missed.length === 0 ? next : { ...next, isTrusted: wrong === 0 }]];
      }),
    );
    await keepState(this.#context, this.#inputs.dataset, this.#inputs.run, { natives, seals: this.#seals, salts });
    return [...maps].flatMap(([type, native]): readonly ReadReport[] => {
      const read = this.#record.plan.types[native];
      const missed = this.#missed.get(type);
      if (!read) return [];
      return [
        { type, read: read.read, why: read.why, objects: read.objects, ...(missed === undefined ? {} : { missed }) },
      ];
    });
  }
}

function standsAlone({ fields }: TaxonomyType): boolean {
  return Object.values(fields).every(
    (field) => field.kind !== 'reference' && field.kind !== 'effect' && !(field.kind === 'set' && field.of !== 'text'),
  );
}

/** A property, or one of a few values, that the schema did not have. */
function showsNewThings(
  schema: SchemaSeen,
  { type }: TypeSealing,
  shape: NativeShape,
  objects: Iterable<NativeObject | null>,
  count: number,
): boolean {
  const counter = schema.counter(type.taxonomy.type, count);
  for (const object of objects) if (object) counter.add(object.id, object.body);
  return Object.entries(counter.shape().properties).some(([property, { sample, few }]) => {
    const known = shape.properties[property];
    if (!known) return true;
    const values = new Set(known.few);
    return known.few !== null && (few ?? sample).some((value) => !values.has(value));
  });
}

function fingerprintOf(
  { federation, id }: AuthorityContext,
  { type, map, surface }: TypeSealing,
  held: HeldByDrift | null,
): Digest {
  return digestOf({
    algorithm: planAlgorithm,
    map: JSON.parse(JSON.stringify(map)) as never,
    taxonomy: JSON.parse(JSON.stringify(type.taxonomy)) as never,
    surface: JSON.parse(JSON.stringify(surface)) as never,
    mesh: JSON.parse(JSON.stringify(authorityOf({ federation, id } as AuthorityContext).mesh)) as never,
    fields: groupsHeldBy(type.groups, id)
      .flatMap(({ fields }) => fields)
      .sort(),
    held: [...(held?.fields ?? [])].sort(),
  });
}

async function readApart(context: AuthorityContext, name: string): Promise<Apart> {
  const bytes = await context.privateStore.get(name);
  if (!bytes) throw new ConcordatError('storeFault', `${name} is missing`);
  return JSON.parse(new TextDecoder().decode(bytes)) as Apart;
}

const partName = ({ dataset, run }: RunInputs, part: string, type: string): string =>
  `${folderOf(dataset, run)}${part}-${type}`;

class ApartObjects {
  readonly #objects: Apart[number][] = [];
  #isTooMany = false;

  add(object: NativeObject, key: string | null): void {
    if (this.#objects.length >= apartMax) this.#isTooMany = true;
    else this.#objects.push({ object, key });
  }
  /** Null where they are too many. */
  async put(context: AuthorityContext, inputs: RunInputs, type: string): Promise<string | null> {
    if (this.#isTooMany) return null;
    const name = partName(inputs, 'apart', type);
    await putAnew(context, name, this.#objects);
    return name;
  }
}

class Counted {
  readonly #unmapped: Map<string, number>;
  #lossy: number;

  constructor(from: Tally = { unmapped: {}, lossy: 0 }) {
    this.#unmapped = new Map(Object.entries(from.unmapped));
    this.#lossy = from.lossy;
  }
  add({ unmapped, lossy }: Pick<LedgerEntry, 'unmapped' | 'lossy'>, by: 1 | -1): void {
    for (const property of unmapped) this.#unmapped.set(property, (this.#unmapped.get(property) ?? 0) + by);
    if (lossy) this.#lossy += by;
  }
  tally(): Tally {
    return { unmapped: Object.fromEntries([...this.#unmapped].filter(([, count]) => count > 0)), lossy: this.#lossy };
  }
}

export class WholeSeal implements SealingRecorder {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #name: string;
  readonly #given: { readonly fingerprint: Digest; readonly shape: NativeShape | null };
  readonly #ledger;
  readonly #apart = new ApartObjects();
  readonly #counted = new Counted();
  #mayGoOn = true;
  state: SealState | null = null;

  constructor(
    context: AuthorityContext,
    inputs: RunInputs,
    type: DatasetType,
    given: { fingerprint: Digest; shape: NativeShape | null; dataset: string; expectedCount: number },
  ) {
    this.#context = context;
    this.#inputs = inputs;
    this.#name = type.taxonomy.type;
    this.#given = given;
    this.#ledger = ledgerSealer(context, given.dataset, this.#name, given.expectedCount);
  }

  plain(id: string, entry: LedgerEntry): Promise<void> {
    if (isProvisional(entry.key)) this.#mayGoOn = false;
    this.#counted.add(entry, 1);
    this.#ledger.add({ type: this.#name, key: id, fields: asLedgerFields(entry) });
    return Promise.resolve();
  }
  apart(object: NativeObject, key: string | null): void {
    this.#apart.add(object, key);
  }
  doubled(): void {
    this.#mayGoOn = false;
  }
  /** What the next run goes on from; null where it cannot. */
  async finish(sealed: SealedType): Promise<SealState | null> {
    const apart = this.#mayGoOn ? await this.#apart.put(this.#context, this.#inputs, this.#name) : null;
    if (apart === null) return null;
    const { fingerprint, shape } = this.#given;
    const ledger = await this.#ledger.finish();
    this.state = {
      fingerprint,
      sealed,
      ledger,
      ledgerLayers: [],
      apart,
      tally: this.#counted.tally(),
      shape,
      changed: 0,
    };
    return this.state;
  }
  discard(): void {
    this.#ledger.discard();
  }
}

export class TouchedSeal implements SealingRecorder {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #type: DatasetType;
  readonly #known: SealState;
  readonly #looked: readonly NativeObject[];
  readonly #changes: Map<string, Fields | null>;
  readonly #layer: Map<string, LedgerEntry | null>;
  readonly #changed: number;
  readonly #apart = new ApartObjects();
  readonly #counted: Counted;
  /** Of the objects that are not looked at again. */
  readonly rest: Tally;
  readonly held: HeldByDrift | null;

  private constructor(
    context: AuthorityContext,
    inputs: RunInputs,
    type: DatasetType,
    known: SealState,
    part: {
      readonly looked: readonly NativeObject[];
      readonly changes: Map<string, Fields | null>;
      readonly layer: Map<string, LedgerEntry | null>;
      readonly counted: Counted;
      readonly changed: number;
      readonly held: HeldByDrift | null;
    },
  ) {
    this.#context = context;
    this.#inputs = inputs;
    this.#type = type;
    this.#known = known;
    this.#looked = part.looked;
    this.#changes = part.changes;
    this.#layer = part.layer;
    this.#counted = part.counted;
    this.#changed = part.changed;
    this.rest = part.counted.tally();
    this.held = part.held;
  }

  /** Null where a key would have two objects, now or before. */
  static async begin(
    context: AuthorityContext,
    inputs: RunInputs,
    sealing: TypeSealing,
    known: SealState,
    objects: ReadonlyMap<string, NativeObject | null>,
    held: HeldByDrift | null,
  ): Promise<TouchedSeal | null> {
    const ledger = await Ledger.load(context, inputs.dataset, known);
    if (!ledger) return null;
    const apart = await readApart(context, known.apart);
    const entries = await ledger.entriesOf(objects.keys());
    const counted = new Counted(known.tally);
    const changes = new Map<string, Fields | null>();
    const layer = new Map<string, LedgerEntry | null>();
    for (const id of objects.keys()) layer.set(id, null);
    for (const entry of entries.values()) {
      counted.add(entry, -1);
      changes.set(entry.key, null);
    }
    for (const { key } of apart) if (key !== null) changes.set(key, null);
    const looked = [
      ...apart.flatMap(({ object }) => (objects.has(object.id) ? [] : [object])),
      ...[...objects.values()].filter((object) => object !== null),
    ];
    if (await meetsAnother(context, sealing, held, known.sealed, changes, looked)) return null;
    const changed = objects.size;
    return new TouchedSeal(context, inputs, sealing.type, known, { looked, changes, layer, counted, changed, held });
  }

  objects(): readonly NativeObject[] {
    return this.#looked;
  }

  add({ key, fields }: FederatedRecord): void {
    this.#changes.set(key, fields);
  }
  plain(id: string, entry: LedgerEntry): Promise<void> {
    this.#counted.add(entry, 1);
    this.#layer.set(id, entry);
    return Promise.resolve();
  }
  apart(object: NativeObject, key: string | null): void {
    this.#apart.add(object, key);
    this.#layer.set(object.id, null);
  }
  doubled(): void {
    throw new Error('a key that two objects share was looked for before');
  }
  discard(): void {
    this.#changes.clear();
  }

  async finish(): Promise<SealedType> {
    const { exchange: store, id: prefix, federation } = this.#context;
    const { sealed: previous } = this.#known;
    const groups = groupsHeldBy(this.#type.groups, prefix);
    const reader = createSegmentReader({ store, prefixes: [prefix, ...federation.file.members.map(({ id }) => id)] });
    const changes = this.#changes;
    const resealed = await resealChanged({ previous, changes, groups, reader, store, prefix });
    if (resealed) return resealed;
    const { type } = previous;
    const sealer = createSealer({ store, prefix, type, groups, expectedCount: previous.count });
    try {
      for await (const record of readAll(previous, reader)) {
        await letOthersRun();
        if (!changes.has(record.key)) sealer.add(record);
      }
      for (const [key, fields] of changes) if (fields) sealer.add({ type, key, fields });
      return await sealer.finish();
    } finally {
      sealer.discard();
    }
  }

  async state(sealed: SealedType): Promise<SealState | null> {
    const name = this.#type.taxonomy.type;
    const apart = await this.#apart.put(this.#context, this.#inputs, name);
    if (apart === null) return null;
    const layer = partName(this.#inputs, 'ledger', name);
    if (this.#layer.size > 0) await putLayer(this.#context, layer, this.#layer);
    return {
      ...this.#known,
      sealed,
      apart,
      ledgerLayers: this.#layer.size > 0 ? [...this.#known.ledgerLayers, layer] : this.#known.ledgerLayers,
      tally: this.#counted.tally(),
      changed: this.#known.changed + this.#changed,
    };
  }
}

/** Whether an object that is looked at has the key of another one. `freed`: keys that only such objects had before. */
async function meetsAnother(
  context: AuthorityContext,
  { type, map, surface, isExposed, links }: TypeSealing,
  held: HeldByDrift | null,
  sealed: SealedType,
  freed: ReadonlyMap<string, Fields | null>,
  looked: readonly NativeObject[],
): Promise<boolean> {
  const { taxonomy } = type;
  const name = taxonomy.type;
  const naturals = new NaturalKeys(links);
  const told = exposedFields(surface).filter((field) => held?.fields.has(field) !== true);
  const { exchange: store, id, federation } = context;
  const reader = createSegmentReader({ store, prefixes: [id, ...federation.file.members.map((one) => one.id)] });
  const keys = new Set<string>();
  for (const object of looked) {
    await letOthersRun();
    const translation =
      isExposed && !isExposed(object)
        ? null
        : naturals.keyed({ object, map, taxonomy, surface: told, resolve: () => null });
    const key =
      translation?.kind === 'record'
        ? translation.record.key
        : links.isLinked(name, object.id)
          ? links.keyOf(name, object.id)
          : null;
    if (key === null) continue;
    if (isProvisional(key) || keys.has(key)) return true;
    keys.add(key);
    if (!freed.has(key) && (await readOne(sealed, key, reader))) return true;
  }
  return false;
}
