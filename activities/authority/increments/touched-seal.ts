/** A seal of which only the buckets are made again that hold objects which changed, or do not simply stand in it. */
import type { DatasetType } from '../../../core/federation/federation.js';
import { exposedFields } from '../../../core/federation/surface.js';
import type { RunInputs } from '../../../core/messages.js';
import { fieldsOf, isProvisional, type FederatedRecord, type Fields, type NativeObject } from '../../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../../core/sealed.js';
import { letOthersRun } from '../../event-loop.js';
import { readAll, readMany } from '../../sealing/read-records.js';
import { resealChanged } from '../../sealing/reseal-changed.js';
import { createSealer, type AddValues } from '../../sealing/sealer.js';
import { createSegmentReader } from '../../sealing/segment-reader.js';
import type { AuthorityContext } from '../context.js';
import { NaturalKeys } from '../natural-keys.js';
import type { HeldByDrift } from '../schema-seen.js';
import { putLineKeys } from './line-keys.js';
import { Ledger, putLayer, type LedgerEntry } from './ledger.js';
import { ApartObjects, Counted, partName, readApart, type SealingRecorder, type TypeSealing } from './recorder.js';
import type { SealState, Tally } from './state.js';

/** What changed of one native type since the last seal. */
export interface Changed {
  /** By id, as they are now; null where they are gone. */
  readonly objects: ReadonlyMap<string, NativeObject | null>;
  /** By id, as they were; null where a ledger tells under which keys they stood. */
  readonly before: ReadonlyMap<string, NativeObject> | null;
  /** Of the objects as they are now, by those that did not change; null where that is not known. */
  readonly lineKeys: Uint32Array | null;
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
  readonly #lineKeys: Uint32Array | null;
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
      readonly lineKeys: Uint32Array | null;
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
    this.#lineKeys = part.lineKeys;
    this.rest = part.counted.tally();
    this.held = part.held;
  }

  /** Null where a key would have two objects, now or before. */
  static async begin(
    context: AuthorityContext,
    inputs: RunInputs,
    sealing: TypeSealing,
    known: SealState,
    { objects, before, lineKeys }: Changed,
    held: HeldByDrift | null,
  ): Promise<TouchedSeal | null> {
    const apart = await readApart(context, known.apart);
    const entries = before
      ? entriesByObjects(sealing, held, before, new Set(apart.map(({ object }) => object.id)))
      : await (await Ledger.load(context, inputs.dataset, known))?.entriesOf(objects.keys());
    if (!entries) return null;
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
    const part = { looked, changes, layer, counted, changed, lineKeys, held };
    return new TouchedSeal(context, inputs, sealing.type, known, part);
  }

  objects(): readonly NativeObject[] {
    return this.#looked;
  }

  add({ key, fields }: FederatedRecord): void {
    this.#changes.set(key, fields);
  }
  adder(names: readonly string[]): AddValues {
    return (key, values) => {
      this.#changes.set(key, fieldsOf(names, values));
    };
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
    const isLayered = this.#known.ledger !== null && this.#layer.size > 0;
    if (isLayered) await putLayer(this.#context, layer, this.#layer);
    const lineKeys = this.#lineKeys && partName(this.#inputs, 'lines', name);
    if (lineKeys) await putLineKeys(this.#context.privateStore, lineKeys, this.#lineKeys);
    const { lineKeys: _before, ...known } = this.#known;
    return {
      ...known,
      sealed,
      apart,
      ...(lineKeys ? { lineKeys } : {}),
      ledgerLayers: isLayered ? [...this.#known.ledgerLayers, layer] : this.#known.ledgerLayers,
      tally: this.#counted.tally(),
      changed: this.#known.changed + this.#changed,
    };
  }
}

/** Of those that simply stood in the seal; null where one of them cannot have, so that the state is not of these pages. */
function entriesByObjects(
  { type: { taxonomy }, map, surface, links }: TypeSealing,
  held: HeldByDrift | null,
  before: ReadonlyMap<string, NativeObject>,
  apart: ReadonlySet<string>,
): ReadonlyMap<string, LedgerEntry> | null {
  const naturals = new NaturalKeys(links);
  const told = exposedFields(surface).filter((field) => held?.fields.has(field) !== true);
  const entries = new Map<string, LedgerEntry>();
  for (const object of before.values()) {
    if (apart.has(object.id)) continue;
    const translation = naturals.keyed({ object, map, taxonomy, surface: told, resolve: () => null });
    if (translation.kind !== 'record') return null;
    const { record, unmapped, roundTrips } = translation;
    entries.set(object.id, { key: record.key, unmapped: [...unmapped], lossy: !roundTrips });
  }
  return entries;
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
    const key = translation?.kind === 'record' ? translation.record.key : await links.linkedKeyOf(name, object.id);
    if (key === null) continue;
    if (isProvisional(key) || keys.has(key)) return true;
    keys.add(key);
  }
  const others = [...keys].filter((key) => !freed.has(key));
  const found = await readMany(sealed, others, reader).next();
  return found.done !== true;
}
