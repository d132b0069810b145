/**
 * The schema of this authority's stores of records, as each read shows it, held against the one of the last agreement.
 * Both stay in its private store; peers are told what drifted, by the names of properties and by no value.
 */
import { z } from 'zod';
import { canonicalJson, Digest } from '../../core/digest.js';
import { usualDriftRules, type DriftRules } from '../../core/drift/drift-rules.js';
import { NativeShape } from '../../core/drift/native-shape.js';
import { pathsOf, placesOn } from '../../core/drift/paths-read.js';
import { isHeld, nextShape, schemaDrift, type SchemaDrift } from '../../core/drift/schema-drift.js';
import { ShapeCounter } from '../../core/drift/shape-counter.js';
import { ConcordatError } from '../../core/errors.js';
import type { HeldFields } from '../../core/compare.js';
import type { Mesh } from '../../core/federation/authority.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { TypeMap } from '../../core/federation/map.js';
import { hasColumns, isRecordMesh, rowKeyOf } from '../../core/federation/native-types.js';
import type { ScopeEnd } from '../connectors/connector.js';
import { Hmac } from '../log/hmac.js';
import type { ObjectStore } from '../store.js';
import { authorityOf, type AuthorityContext } from './context.js';

/** By federated type. */
const Shapes = z.record(z.string(), NativeShape);
type Shapes = z.infer<typeof Shapes>;

const agreedName = (dataset: string): string => `schemas/${dataset}/agreed`;
const runsPrefix = (dataset: string): string => `schemas/${dataset}/runs/`;
/** Of a run, the ids of what drifted in it. */
const toldPrefix = (dataset: string): string => `schemas/${dataset}/told/`;
const approvedHead = (dataset: string): string => `schemas/${dataset}/approved`;
const DriftIds = z.strictObject({ ids: z.array(Digest) });

/** What one type may tell in this run. */
export interface HeldByDrift {
  /** Nothing of the type: a field of its key drifted, or the dataset says `stop`. */
  readonly isStopped: boolean;
  /** Fields that no record of it tells. */
  readonly fields: ReadonlySet<string>;
}

export interface Judged {
  readonly drifts: readonly SchemaDrift[];
  readonly held: HeldByDrift;
}

export class SchemaSeen {
  readonly #context: AuthorityContext;
  readonly #agreed: Shapes;
  readonly #approved: ReadonlySet<Digest>;
  readonly #rules: (type: string) => DriftRules;
  /** By type, as the base says it: what was agreed on can be emptied. */
  readonly #heldAtBase: Readonly<Record<string, HeldFields>>;
  /** By native type, what the store says of its own columns. */
  readonly #declares: ReadonlyMap<string, NativeShape['declares']>;
  readonly #next: Shapes = {};
  readonly #drifts: SchemaDrift[] = [];

  private constructor(
    context: AuthorityContext,
    agreed: Shapes,
    approved: ReadonlySet<Digest>,
    rules: (type: string) => DriftRules,
    heldBefore: Readonly<Record<string, HeldFields>>,
    declares: ReadonlyMap<string, NativeShape['declares']>,
  ) {
    this.#context = context;
    this.#agreed = agreed;
    this.#approved = approved;
    this.#rules = rules;
    this.#heldAtBase = heldBefore;
    this.#declares = declares;
  }

  /** null for a cloud, whose schema is its API. */
  static async load(
    context: AuthorityContext,
    dataset: string,
    heldBefore: Readonly<Record<string, HeldFields>>,
    ends: readonly ScopeEnd[],
  ): Promise<SchemaSeen | null> {
    if (!isRecordMesh(authorityOf(context).mesh)) return null;
    const declared = context.federation.datasets[dataset]?.drift ?? {};
    const agreed = await readShapes(context, agreedName(dataset));
    return new SchemaSeen(
      context,
      agreed,
      new Set((await readApproved(context, dataset)).ids),
      (type) => declared[type] ?? usualDriftRules,
      heldBefore,
      new Map(ends.map(({ nativeType, declares }) => [nativeType, declares])),
    );
  }

  counter(map: TypeMap, expectedCount: number): ShapeCounter {
    const keyed = new Hmac(this.#context.linkKey);
    return new ShapeCounter({
      expectedCount,
      digest: (text) => keyed.hexOfText(`schema\n${map.type}\n${text}`),
      paths: pathsOf(map),
    });
  }

  /** What was counted, with what the store declares. */
  withDeclared({ native }: TypeMap, shape: NativeShape): NativeShape {
    const declares = this.#declares.get(native);
    return declares === undefined ? shape : { ...shape, declares };
  }

  isDeclaredAnew({ native }: TypeMap, known: NativeShape): boolean {
    return canonicalJson(this.#declares.get(native) ?? {}) !== canonicalJson(known.declares ?? {});
  }

  /** Holds what was counted against the agreed schema and the map, once all objects of the type have passed. */
  judge({ taxonomy, policy }: DatasetType, map: TypeMap, now: NativeShape): Judged {
    const { id } = this.#context;
    const { mesh } = authorityOf(this.#context);
    const { key = [], fields: kinds } = taxonomy;
    const drifts = schemaDrift(this.#agreedOf(map), now, {
      map,
      kinds,
      rules: this.#rules(map.type),
      keyProperties: keyProperties(mesh, map, key),
      approved: this.#approved,
      hasColumns: hasColumns(mesh, map.native),
      mayEmpty: new Set([
        ...(this.#heldAtBase[map.type]?.[id] ?? []),
        ...Object.keys(policy?.fields ?? {}),
        ...(policy?.together ?? []).flat(),
      ]),
    });
    const held = drifts.filter(isHeld);
    const fields = new Set(held.flatMap((drift) => drift.fields));
    const isStopped = held.some(({ action }) => action === 'stop') || key.some((field) => fields.has(field));
    return { drifts, held: { isStopped, fields } };
  }

  keep(map: TypeMap, now: NativeShape, drifts: readonly SchemaDrift[]): void {
    const agreed = this.#agreedOf(map);
    this.#drifts.push(...drifts);
    // Nothing was there, so there is nothing to go by: what was agreed on stays.
    this.#next[map.type] = now.objects === 0 ? agreed : nextShape(agreed, now, drifts);
  }

  #agreedOf({ type }: TypeMap): NativeShape {
    return this.#agreed[type] ?? { objects: 0, sampled: 0, sampleBits: 0, properties: {} };
  }

  isHeld(type: string): boolean {
    return this.#drifts.some((drift) => drift.type === type && isHeld(drift));
  }

  /** For the snapshot; and keeps what the schema is held against from the next agreement on. */
  async put(dataset: string, run: Digest): Promise<readonly SchemaDrift[]> {
    const { privateStore } = this.#context;
    await putAnew(privateStore, `${toldPrefix(dataset)}${run}`, { ids: this.#drifts.map(({ id }) => id) });
    await putAnew(privateStore, `${runsPrefix(dataset)}${run}`, { ...this.#agreed, ...this.#next });
    return this.#drifts;
  }
}

/** The shape, with how many objects the map could not read by each field: there, or at what stands where it looks inside. */
export function withUnreadable(shape: NativeShape, map: TypeMap, counts: ReadonlyMap<string, number>): NativeShape {
  const properties = { ...shape.properties };
  for (const [field, unreadable] of counts) {
    const from = map.fields[field];
    if (!from || !('path' in from)) continue;
    const place = [from.path, ...placesOn(from.path).toReversed()].find(
      (one) => (properties[one]?.filled ?? 0) >= unreadable,
    );
    const own = place === undefined ? undefined : properties[place];
    if (place !== undefined && own)
      properties[place] = { ...own, unreadable: Math.max(own.unreadable ?? 0, unreadable) };
  }
  return { ...shape, properties };
}

/** What rows are known by in the store, and records in the federation. */
function keyProperties(mesh: Mesh, { native, fields }: TypeMap, key: readonly string[]): readonly string[] {
  const places = key.flatMap((field) => {
    const from = fields[field];
    return from && 'path' in from ? [from.path] : [];
  });
  return [...new Set([...places, ...(isRecordMesh(mesh) ? rowKeyOf(mesh, native) : [])])];
}

/** The schema of the run of a sealed base is what later runs are held against. */
export async function agreeOnSchema(context: AuthorityContext, dataset: string, run: Digest): Promise<void> {
  const name = `${runsPrefix(dataset)}${run}`;
  if ((await context.privateStore.get(name)) === null) return;
  await endApprovals(context, dataset, run);
  await putAnew(context.privateStore, agreedName(dataset), await readShapes(context, name));
  for (const prefix of [toldPrefix(dataset), runsPrefix(dataset)])
    for (const old of await context.privateStore.list(prefix)) await context.privateStore.remove(old);
}

/**
 * What a person approved is over with the agreement in which it no longer drifts. HAZARD: else a column that comes back, is agreed
 * on and is lost again one day would be lost with the approval of years ago.
 */
async function endApprovals(context: AuthorityContext, dataset: string, run: Digest): Promise<void> {
  const bytes = await context.privateStore.get(`${toldPrefix(dataset)}${run}`);
  if (!bytes) return;
  const told = new Set(DriftIds.parse(JSON.parse(new TextDecoder().decode(bytes))).ids);
  await changeApproved(context, dataset, (ids) => ids.filter((id) => told.has(id)));
}

/** A person of this authority says that a drift is meant: its fields are told again from the next run on. */
export async function approveDrift(context: AuthorityContext, dataset: string, id: Digest): Promise<void> {
  await changeApproved(context, dataset, (ids) => (ids.includes(id) ? ids : [...ids, id]));
}

async function changeApproved(
  context: AuthorityContext,
  dataset: string,
  change: (ids: readonly Digest[]) => readonly Digest[],
): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { ids: before, version } = await readApproved(context, dataset);
    const ids = change(before);
    if (ids.length === before.length) return;
    const bytes = new TextEncoder().encode(JSON.stringify({ ids }));
    if (await context.privateStore.compareAndSetHead(approvedHead(dataset), version, bytes)) return;
  }
  throw new ConcordatError('storeFault', `the approved drifts of ${dataset} are being written by somebody else`);
}

async function readApproved(
  context: AuthorityContext,
  dataset: string,
): Promise<{ readonly ids: readonly Digest[]; readonly version: number }> {
  const head = await context.privateStore.readHead(approvedHead(dataset));
  if (!head) return { ids: [], version: 0 };
  return { ...DriftIds.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

async function readShapes(context: AuthorityContext, name: string): Promise<Shapes> {
  const bytes = await context.privateStore.get(name);
  return bytes ? Shapes.parse(JSON.parse(new TextDecoder().decode(bytes))) : {};
}

async function putAnew(store: ObjectStore, name: string, content: Shapes | z.infer<typeof DriftIds>): Promise<void> {
  await store.remove(name);
  await store.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(content)));
}
