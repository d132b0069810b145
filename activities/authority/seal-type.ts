/**
 * One type of a snapshot: its native objects translated, keyed, filtered by the surface and sealed.
 *
 * Nearly always one pass over the pages is enough, in which nothing is held of an object but a few bytes: it is taken for
 * granted that no object comes twice, that no two have one natural key and that the schema did not drift. What shows
 * otherwise is known at the end of the pass, and another one is made that knows it. What a pass did is taken back then.
 */
import { mapOf, surfaceIn, type DatasetType } from '../../core/federation/federation.js';
import { exposedFields } from '../../core/federation/surface.js';
import type { RunInputs } from '../../core/messages.js';
import type { ShapeCounter } from '../../core/drift/shape-counter.js';
import type { NativeObject } from '../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../core/sealed.js';
import type { StepProgress } from '../../core/step-progress.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import type { Links } from '../links.js';
import type { SaltProposals } from '../lineage/salts.js';
import type { RunMessages } from '../run-messages.js';
import { createSealer, RepeatedKeys, type Sealer } from '../sealing/sealer.js';
import type { FieldDigests } from '../surface/field-digests.js';
import type { AuthorityContext } from './context.js';
import type { IncrementSeals } from './increments/seals.js';
import type { TouchedSeal } from './increments/touched-seal.js';
import type { WholeSeal } from './increments/whole-seal.js';
import type { TypeSealing } from './increments/recorder.js';
import type { Effects } from './effects/effects.js';
import { createMatchSeal, type MatchSeal } from './match-seal.js';
import { preferenceRank, type NaturalKeys } from './natural-keys.js';
import type { OpaqueSeen } from './opaque.js';
import { storedObjects } from './pages.js';
import type { ResealClaims, TypeClaims } from './reseal-claims.js';
import { withUnreadable, type HeldByDrift, type SchemaSeen } from './schema-seen.js';
import { SealPass, translated, type Doubt } from './seal-pass.js';
import type { SetAside } from './set-aside.js';
import { Sightings } from './sightings.js';

export interface SealContext {
  readonly dataset: RunMessages['shape']['dataset'];
  readonly links: Links;
  /** By link, assignment or provisionally; not for types with a natural key. */
  readonly keyOf: (type: string, nativeId: string) => string;
  readonly naturals: NaturalKeys;
  readonly resolve: (type: string, nativeId: string) => string | null;
  /** Whether `resolve` may be asked for objects of the type. */
  readonly isReferredTo: (type: string) => boolean;
  /** Whether a type that was sealed before was not read to its end. */
  readonly isIncomplete: (type: string) => boolean;
  /** About how many objects of a native type there are. */
  readonly expectedCount: (native: string) => number;
  readonly counters: SetAside;
  readonly opaque: OpaqueSeen;
  /** null where this authority works out no effect. */
  readonly effects: Effects | null;
  readonly salts: SaltProposals;
  readonly digests: FieldDigests | null;
  readonly claims: ResealClaims | null;
  /** null where the mesh has the schema of an API. */
  readonly schema: SchemaSeen | null;
  /** null where the mesh declares no changes. */
  readonly increments: IncrementSeals | null;
  /** The row filter of the type; null where every row is exposed. */
  readonly isExposed: ((object: NativeObject) => boolean) | null;
}

export interface SealedHere {
  readonly sealed: SealedType;
  readonly matches: SealedType | undefined;
  readonly unlinked: number;
  readonly doubts: readonly Doubt[];
}

export async function sealType(
  context: AuthorityContext,
  inputs: RunInputs,
  type: DatasetType,
  sealing: SealContext,
): Promise<SealedHere | undefined> {
  const name = type.taxonomy.type;
  const map = mapOf(context.federation, context.id, name);
  const surface = surfaceIn(context.federation, context.id, name);
  if (!map || !surface || !type.held[context.id]) return undefined;
  const { isExposed, schema, links, naturals, increments } = sealing;
  const part = { type, map, surface, isExposed, schema, links };
  if (type.taxonomy.key !== undefined) naturals.take(name);
  const touched = (await increments?.touched(part)) ?? null;
  const seal = new TypeSeal(context, inputs, sealing, part);
  return touched ? await seal.touched(touched) : await seal.whole();
}

const objectsPerLook = 64;

/** What earlier passes over the same objects found out. */
interface Known {
  readonly held: HeldByDrift | null;
  /** Objects that came more than once: where last. A list that changes while it is paged may show one twice. */
  readonly again: ReadonlyMap<string, number>;
  /** Natural keys of which it was learned who has them. */
  readonly learned: ReadonlySet<string>;
}
const nothing: Known = { held: null, again: new Map(), learned: new Set() };

/** Of all objects, told in the first pass. */
interface Survey {
  readonly ids: Sightings;
  readonly counter: ShapeCounter | undefined;
}

/** One pass, and what it fills. */
interface Attempt {
  readonly pass: SealPass;
  readonly sealer: Sealer;
  readonly matches: MatchSeal | undefined;
  readonly claimed: TypeClaims | undefined;
  readonly whole: WholeSeal | null;
}

class TypeSeal {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #sealing: SealContext;
  readonly #part: TypeSealing;
  readonly #name: string;
  readonly #expectedCount: number;

  constructor(context: AuthorityContext, inputs: RunInputs, sealing: SealContext, part: TypeSealing) {
    this.#context = context;
    this.#inputs = inputs;
    this.#sealing = sealing;
    this.#part = part;
    this.#name = part.type.taxonomy.type;
    this.#expectedCount = sealing.expectedCount(part.map.native);
  }

  /** Only what changed, and what does not simply stand in the seal; no two of these objects are one record. */
  async touched(touched: TouchedSeal): Promise<SealedHere> {
    const { counters, increments } = this.#sealing;
    const attempt = this.#begin({ ...nothing, held: touched.held }, touched);
    try {
      for (const object of touched.objects()) {
        if (isSliceOver()) await letOthersRun();
        await attempt.pass.take(object);
      }
      const sealed = await this.#finish(attempt);
      for (const [property, count] of Object.entries(touched.rest.unmapped))
        counters.unmappedBefore(this.#name, property, count);
      counters.lossyBefore(this.#name, touched.rest.lossy);
      increments?.keep(this.#name, await touched.state(sealed.sealed));
      return sealed;
    } finally {
      discard(attempt);
    }
  }

  async whole(): Promise<SealedHere> {
    const { schema, increments, naturals } = this.#sealing;
    const { type, map } = this.#part;
    const survey: Survey = { ids: new Sightings(), counter: schema?.counter(map, this.#expectedCount) };
    let attempt = this.#begin(nothing, null);
    try {
      await this.#walk(attempt, nothing, survey);
      let shape = (schema && survey.counter && schema.withDeclared(map, survey.counter.shape())) ?? null;
      const unreadable = new Map<string, number>();
      let known: Known = { held: null, again: survey.ids.again, learned: nothing.learned };
      const again = async (): Promise<void> => {
        attempt.pass.forget();
        discard(attempt);
        attempt = this.#begin(known, null);
        await this.#walk(attempt, known, null);
      };
      let judged = schema && shape ? schema.judge(type, map, shape) : null;
      known = { ...known, held: judged?.held ?? null };
      const beginAgain = async (): Promise<void> => {
        if (type.taxonomy.key !== undefined) naturals.take(this.#name);
        await again();
      };
      if (known.again.size > 0 || isHolding(judged?.held)) await beginAgain();
      // Of an object the first field that cannot be read is told: once that is held, the next one shows.
      while (schema && shape && attempt.pass.unreadable.size > 0) {
        for (const [field, count] of attempt.pass.unreadable) unreadable.set(field, count);
        shape = withUnreadable(shape, map, unreadable);
        judged = schema.judge(type, map, shape);
        if (judged.held.isStopped === known.held?.isStopped && judged.held.fields.size === known.held.fields.size)
          break;
        known = { ...known, held: judged.held };
        await beginAgain();
      }
      if (schema && shape && judged) schema.keep(map, shape, judged.drifts);
      for (;;) {
        try {
          const sealed = await this.#finish(attempt);
          increments?.keep(this.#name, (await attempt.whole?.finish(sealed.sealed, shape)) ?? null);
          await this.#prove(attempt, known, sealed.sealed);
          return sealed;
        } catch (error) {
          if (!(error instanceof RepeatedKeys) || type.taxonomy.key === undefined) throw error;
          const learned = new Set([...known.learned, ...error.keys]);
          if (learned.size === known.learned.size) throw error;
          known = { ...known, learned };
          await this.#learn(known);
          await again();
        }
      }
    } finally {
      discard(attempt);
    }
  }

  #begin({ held, learned, again }: Known, touched: TouchedSeal | null): Attempt {
    const { dataset, digests, claims, increments } = this.#sealing;
    const { type, map, surface } = this.#part;
    const { exchange: store, id } = this.#context;
    const expectedCount = this.#expectedCount;
    const groups = groupsHeldBy(type.groups, id);
    const sealer = touched ?? createSealer({ store, prefix: id, type: this.#name, groups, expectedCount });
    const matches = createMatchSeal({ store, authority: id, dataset, type, digests, expectedCount });
    const claimed = claims?.beginType(type, expectedCount);
    const whole = touched ? null : (increments?.whole(this.#part, held) ?? null);
    if (again.size > 0) whole?.cameAgain();
    // What is held is not even translated: a column of another kind must not keep back the rest of its record.
    const told = exposedFields(surface).filter((field) => held?.fields.has(field) !== true);
    const recorder = touched ?? whole;
    const pass = new SealPass(this.#sealing, { type, map, told, sealer, matches, claimed, recorder, learned });
    return { pass, sealer, matches, claimed, whole };
  }

  async #walk({ pass }: Attempt, known: Known, survey: Survey | null): Promise<void> {
    await this.#each(known, (object, position) => {
      survey?.counter?.add(object.id, object.body);
      survey?.ids.add(object.id, position);
      // Once one came twice, another pass is needed: this one only goes on to see the rest.
      return survey && survey.ids.again.size > 0 ? undefined : pass.take(object);
    });
  }

  /** Which objects have the keys that more than one has. */
  async #learn(known: Known): Promise<void> {
    const { naturals, isExposed } = this.#sealing;
    const { type, map, surface } = this.#part;
    const told = exposedFields(surface).filter((field) => known.held?.fields.has(field) !== true);
    naturals.take(this.#name);
    await this.#each(known, (object) => {
      const translation =
        isExposed && !isExposed(object) ? null : translated(this.#sealing, { type, map, told }, object);
      if (translation?.kind === 'record') {
        const { key } = translation.record;
        if (known.learned.has(key)) naturals.learn(this.#name, object.id, key, preferenceRank(map, object));
        // HAZARD: peers know this record, hidden or no longer told: what refers to it must not look deleted.
      } else if (translation === null || object.opaque !== undefined) return this.#learnLinked(known, object.id);
      return undefined;
    });
  }

  async #learnLinked({ learned }: Known, nativeId: string): Promise<void> {
    const { naturals, links } = this.#sealing;
    const key = await links.linkedKeyOf(this.#name, nativeId);
    if (key !== null && learned.has(key)) naturals.learn(this.#name, nativeId, key, Number.MAX_SAFE_INTEGER);
  }

  /** In the order of the pages; of an object that came more than once the last sight. */
  async #each(
    { held, again }: Known,
    visit: (object: NativeObject, position: number) => Promise<void> | undefined,
  ): Promise<void> {
    // HAZARD: of what nothing may be told, nothing is sealed; the type is incomplete then, so nothing looks deleted.
    if (held?.isStopped) return;
    let position = 0;
    for await (const objects of storedObjects(this.#context, this.#inputs, this.#part.map.native)) {
      for (const object of objects) {
        position += 1;
        if (position % 2_000 === 0) {
          // As many as were read, or more where some were told twice.
          const of = Math.max(position, this.#expectedCount);
          this.#context.heartbeat({ kind: 'translating', objects: position, of } satisfies StepProgress);
        }
        // To look at the clock costs as much as to translate a field.
        if (position % objectsPerLook === 0 && isSliceOver()) await letOthersRun();
        if (again.size > 0 && (again.get(object.id) ?? position) !== position) continue;
        // Of a million objects hardly one has to be waited for, and to wait for nothing costs as much as to parse it.
        const kept = visit(object, position);
        if (kept) await kept;
      }
    }
  }

  async #finish({ pass, sealer, matches, claimed }: Attempt): Promise<SealedHere> {
    if (pass.unclear.size > 0) throw new RepeatedKeys(this.#name, pass.unclear.size, [...pass.unclear]);
    const sealed = await sealer.finish();
    await claimed?.finish();
    if (this.#sealing.schema?.isHeld(this.#name))
      pass.doubts.set('schema', { scope: 'schema', reason: 'schemaDrifted' });
    return {
      sealed,
      matches: await matches?.finish(),
      unlinked: pass.unlinked,
      doubts: [...pass.doubts.values()],
    };
  }

  async #prove({ whole }: Attempt, known: Known, sealed: SealedType): Promise<void> {
    const { increments } = this.#sealing;
    const proof = await increments?.proof(this.#part, known.held);
    if (!proof) return;
    await this.#each(known, (object) => {
      proof.visit(object);
      return undefined;
    });
    await increments?.prove(this.#part, proof, whole, sealed);
  }
}

function isHolding(held: HeldByDrift | undefined): boolean {
  return held !== undefined && (held.isStopped || held.fields.size > 0);
}

function discard({ sealer, matches, claimed, whole }: Attempt): void {
  claimed?.discard();
  sealer.discard();
  whole?.discard();
  matches?.discard();
}
