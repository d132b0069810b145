/**
 * Seals by what changed: only objects that changes named, and those that do not simply stand in the seal, are looked at
 * again; every bucket that none of them touches stays the object that it was.
 *
 * HAZARD: the result must be the seal that a full read would give, byte for byte. Whatever can reach beyond the object
 * that changed (references, links, a key that two objects share, a schema that drifted, other maps) is sealed whole, from
 * the pages that are there: that costs time and no read.
 */
import { digestOf, type Digest } from '../../../core/digest.js';
import { usualDriftRules } from '../../../core/drift/drift-rules.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import { pathsOf } from '../../../core/drift/paths-read.js';
import { mayHaveEmptied } from '../../../core/drift/value-changes.js';
import { ConcordatError } from '../../../core/errors.js';
import type { DatasetType } from '../../../core/federation/federation.js';
import type { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { isRecordMesh } from '../../../core/federation/native-types.js';
import { byCodeUnit } from '../../../core/json.js';
import type { ReadReport, RunInputs } from '../../../core/messages.js';
import { planAlgorithm } from '../../../core/plan.js';
import type { NativeObject } from '../../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../../core/sealed.js';
import { createSegmentReader } from '../../sealing/segment-reader.js';
import { authorityOf, type AuthorityContext } from '../context.js';
import { readRecord, readTally } from '../pages.js';
import type { HeldByDrift, SchemaSeen } from '../schema-seen.js';
import { Ledger } from './ledger.js';
import { ChangesHeldAgainstAll } from './proof.js';
import { readLineKeys, unknown } from './line-keys.js';
import { differenceOfReads, type ReadDifference } from './read-difference.js';
import { incrementOf, type ReadRecord } from './read-plan.js';
import { readApart, type TypeSealing } from './recorder.js';
import { keepState, stateBefore, type NativeState, type SealState, type StateBefore } from './state.js';
import { TouchedSeal, type Changed } from './touched-seal.js';
import { WholeSeal } from './whole-seal.js';

/** Of all objects, in percent: a schema is only counted over all of them, and this few cannot hide that it drifted. */
const changedPercentMax = 5;
/** Runs: so often all is translated and sealed although nearly nothing changed, as if there were nothing to go on from. */
const sealedWholeEvery = 32;

export class IncrementSeals {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #record: ReadRecord;
  readonly #before: StateBefore | null;
  readonly #mayTouch: boolean;
  /** Whether the store tells what changed; else two reads of everything are held against each other. */
  readonly #isTold: boolean;
  #difference: ReadonlyMap<string, ReadDifference> | null | undefined;
  readonly #seals: Record<string, SealState> = {};
  readonly #missed = new Map<string, number>();

  private constructor(
    context: AuthorityContext,
    inputs: RunInputs,
    record: ReadRecord,
    before: StateBefore | null,
    { mayTouch, isTold }: { readonly mayTouch: boolean; readonly isTold: boolean },
  ) {
    this.#context = context;
    this.#inputs = inputs;
    this.#record = record;
    this.#before = before;
    this.#mayTouch = mayTouch;
    this.#isTold = isTold;
  }

  /** Null where nothing is gone on from: clouds that tell no changes. `mayTouch`: nothing but its own object decides what a record says. */
  static async load(
    context: AuthorityContext,
    inputs: RunInputs,
    types: readonly DatasetType[],
    mayTouch: boolean,
  ): Promise<IncrementSeals | null> {
    const told = await readRecord(context, inputs.dataset, inputs.run);
    const before = await stateBefore(context, inputs.dataset, inputs.run);
    const record = told ?? (await recordOfWholeRead(context, inputs, before));
    if (!record) return null;
    const alone = types.every(({ taxonomy }) => standsAlone(taxonomy));
    return new IncrementSeals(context, inputs, record, before, { mayTouch: mayTouch && alone, isTold: told !== null });
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
    if (!this.#mayTouch || type.taxonomy.key === undefined || !known || !read?.next) return null;
    const { dataset } = this.#inputs;
    const since = this.#isTold ? await this.#told(map.native) : await this.#readTwice(map.native, known);
    if (!since) return null;
    const { objects } = since;
    const changed = known.changed + objects.size;
    const rules = this.#context.federation.datasets[dataset]?.drift?.[type.taxonomy.type] ?? usualDriftRules;
    if (changed * 100 > read.next.count * Math.min(changedPercentMax, rules.emptiedBy)) return null;
    if (schema && (!known.shape || schema.isDeclaredAnew(map, known.shape))) return null;
    if (schema && known.shape && showsNewThings(schema, sealing, known.shape, objects.values(), read.next.count))
      return null;
    const bodies = [...objects.values()].map((object) => object?.body ?? null);
    if (schema && known.shape && mayHaveEmptied(known.shape, pathsOf(map), known.changed, bodies)) return null;
    const judged = schema && known.shape ? schema.judge(type, map, known.shape) : null;
    if (judged?.held.isStopped) return null;
    if (fingerprintOf(this.#context, sealing, judged?.held ?? null) !== known.fingerprint) return null;
    try {
      const seal = await TouchedSeal.begin(this.#context, this.#inputs, sealing, known, since, judged?.held ?? null);
      if (seal && judged && schema && known.shape) schema.keep(map, known.shape, judged.drifts);
      return seal;
    } catch (error) {
      // What the state builds on was erased or lost.
      if (error instanceof ConcordatError && error.code === 'storeFault') return null;
      throw error;
    }
  }

  /** What the store told; null where the type was read whole. */
  async #told(native: string): Promise<Changed | null> {
    const read = this.#record.plan.types[native];
    if (read?.read !== 'increment' || !read.next) return null;
    const { run, dataset } = this.#inputs;
    const layers = read.next.layers.filter((one) => one === run);
    return { ...(await incrementOf(this.#context, dataset, layers, native)), before: null, lineKeys: null };
  }

  /** What parts this read from the one before; null where there is none, or too much does. */
  async #readTwice(native: string, { lineKeys: known }: SealState): Promise<Changed | null> {
    const { run, dataset } = this.#inputs;
    const [state, next] = [this.#before?.state.natives[native], this.#record.plan.types[native]?.next];
    if (!state || !next || next.runs === 0 || state.layers.length > 0) return null;
    if (this.#difference === undefined) {
      const { types } = this.#record.plan;
      const count = Object.values(types).reduce((sum, { objects }) => sum + objects, 0);
      const reads = { before: state.full, now: run };
      const changedMax = (count * changedPercentMax) / 100;
      this.#difference = await differenceOfReads(this.#context, dataset, reads, Object.keys(types), changedMax);
    }
    const difference = this.#difference?.get(native);
    if (!difference) return null;
    const { before, now, places } = difference;
    const objects = new Map<string, NativeObject | null>(now);
    for (const id of before.keys()) if (!now.has(id)) objects.set(id, null);
    const keys = known === undefined ? null : await readLineKeys(this.#context.privateStore, known, state.count);
    return { objects, before, lineKeys: keys && places.map((place) => keys[place - 1] ?? unknown) };
  }

  /** For a seal over all objects: null where the next run could not go on from it. */
  whole(sealing: TypeSealing, held: HeldByDrift | null): WholeSeal | null {
    const { map, type } = sealing;
    const read = this.#record.plan.types[map.native];
    if (!this.#mayTouch || type.taxonomy.key === undefined || !read?.next || held?.isStopped) return null;
    const fingerprint = fingerprintOf(this.#context, sealing, held);
    const { dataset } = this.#inputs;
    return new WholeSeal(this.#context, this.#inputs, type, {
      fingerprint,
      dataset,
      expectedCount: read.next.count,
      hasLedger: this.#isTold,
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
        const missed = [
          ...[...maps].flatMap(([type, of]) => (of === native ? (this.#missed.get(type) ?? []) : [])),
          ...[this.#record.missed?.[native] ?? []].flat(),
        ];
        const wrong = missed.reduce((sum, count) => sum + count, 0);
        return [[native, missed.length === 0 ? next : { ...next, isTrusted: wrong === 0 }]];
      }),
    );
    const { written } = this.#record.plan;
    const state = { natives, seals: this.#seals, salts, ...(written ? { written } : {}) };
    await keepState(this.#context, this.#inputs.dataset, this.#inputs.run, state);
    if (!this.#isTold) return [];
    return [...maps].flatMap(([type, native]): readonly ReadReport[] => {
      const read = this.#record.plan.types[native];
      const missed = this.#missed.get(type) ?? this.#record.missed?.[native];
      if (!read) return [];
      return [
        { type, read: read.read, why: read.why, objects: read.objects, ...(missed === undefined ? {} : { missed }) },
      ];
    });
  }
}

/**
 * Of a store of records that tells no changes: every read is one of everything, and the next one can be held against it. Null
 * of a cloud.
 */
async function recordOfWholeRead(
  context: AuthorityContext,
  { dataset, run }: RunInputs,
  before: StateBefore | null,
): Promise<ReadRecord | null> {
  if (!isRecordMesh(authorityOf(context).mesh)) return null;
  const { objects, ends } = await readTally(context, dataset, run);
  const types = [...new Set(ends.map(({ nativeType }) => nativeType))].map((native) => {
    const own = ends.filter(({ nativeType }) => nativeType === native);
    const count = objects[native] ?? 0;
    const known = before?.state.natives[native];
    const runs = known && known.cursor === '' && known.runs + 1 < sealedWholeEvery ? known.runs + 1 : 0;
    const scopes = own.map(({ scope }) => scope);
    // What was not read to its end is in its seal as it was read; the next read parts from it too much to be worth it.
    const next: NativeState | null = own.every(({ complete }) => complete)
      ? { full: run, count, layers: [], changed: 0, runs, cursor: '', isTrusted: true, scopes }
      : null;
    return [native, { read: 'full', why: 'first', objects: count, next, isChecked: false }] as const;
  });
  return { plan: { types: Object.fromEntries(types) }, ends, meanwhile: {} };
}

function standsAlone({ fields }: TaxonomyType): boolean {
  return Object.values(fields).every(
    (field) => field.kind !== 'reference' && field.kind !== 'effect' && !(field.kind === 'set' && field.of !== 'text'),
  );
}

/** A property, or one of a few values, that the schema did not have. */
function showsNewThings(
  seen: SchemaSeen,
  { map }: TypeSealing,
  shape: NativeShape,
  objects: Iterable<NativeObject | null>,
  count: number,
): boolean {
  const counter = seen.counter(map, count);
  for (const object of objects) if (object) counter.add(object.id, object.body);
  return Object.entries(counter.shape().properties).some(([property, { sample, few }]) => {
    const known = shape.properties[property];
    if (!known) return true;
    const values = new Set(known.few);
    return known.few !== null && (few ?? sample).some((value) => !values.has(value));
  });
}

function fingerprintOf(
  context: AuthorityContext,
  { type, map, surface }: TypeSealing,
  held: HeldByDrift | null,
): Digest {
  return digestOf({
    algorithm: planAlgorithm,
    map: JSON.parse(JSON.stringify(map)) as never,
    taxonomy: JSON.parse(JSON.stringify(type.taxonomy)) as never,
    surface: JSON.parse(JSON.stringify(surface)) as never,
    mesh: JSON.parse(JSON.stringify(authorityOf(context).mesh)) as never,
    fields: groupsHeldBy(type.groups, context.id)
      .flatMap(({ fields }) => fields)
      .sort(byCodeUnit),
    held: [...(held?.fields ?? [])].sort(byCodeUnit),
  });
}
