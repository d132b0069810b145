/**
 * One pass over the objects of a type: each is translated, keyed, filtered by the surface and given to the seal. What it
 * counts and keeps on its way it takes back where the pass has to be made again.
 */
import type { ErrorCode } from '../../core/errors.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { TypeMap } from '../../core/federation/map.js';
import type { Json } from '../../core/json.js';
import { naturalKeysOf } from '../../core/natural-key.js';
import { fieldsOf, isProvisional, type FederatedRecord, type NativeObject } from '../../core/record.js';
import { straightTranslation, type StraightTranslation } from '../../core/straight-translation.js';
import { translate, type Translation } from '../../core/translate.js';
import type { AddValues, Sealer } from '../sealing/sealer.js';
import { sha256Hex } from '../sealing/sha256.js';
import { sealedRecord } from '../surface/field-digests.js';
import type { SealingRecorder } from './increments/recorder.js';
import type { MatchSeal } from './match-seal.js';
import type { TypeClaims } from './reseal-claims.js';
import type { SealContext } from './seal-type.js';

type Of<Kind extends Translation['kind']> = Extract<Translation, { readonly kind: Kind }>;

/** Why the type is incomplete although all its pages were read. */
export interface Doubt {
  readonly scope: 'references' | 'setAside' | 'schema';
  readonly reason: ErrorCode;
}

export interface PassParts {
  readonly type: DatasetType;
  readonly map: TypeMap;
  /** Fields that records of the type may tell. */
  readonly told: readonly string[];
  readonly sealer: Pick<Sealer, 'add' | 'adder'>;
  readonly matches: MatchSeal | undefined;
  readonly claimed: TypeClaims | undefined;
  readonly recorder: SealingRecorder | null;
  /** Natural keys of which it was learned before which objects have them. */
  readonly learned: Pick<ReadonlySet<string>, 'has'>;
}

export class SealPass {
  readonly #sealing: SealContext;
  readonly #parts: PassParts;
  readonly #name: string;
  readonly #isNatural: boolean;
  /** Whether others ask for keys of this type by native id. */
  readonly #isAskedFor: boolean;
  readonly #saltsBefore: number;
  readonly #silent = new Set<string>();
  readonly #straight: StraightTranslation;
  readonly #naturalKeyOf: (values: readonly (Json | undefined)[]) => string | null;
  readonly #addValues: AddValues;
  /** Of the object that is looked at, in the order of the names of `#straight`. */
  readonly #values: (Json | undefined)[];
  /** Whether more is asked of a record than its values, so that it has to be made. */
  readonly #needsRecord: boolean;
  readonly doubts = new Map<Doubt['scope'], Doubt>();
  /** Natural keys under which an object stands or could stand that the seal does not show: who has them must be learned. */
  readonly unclear = new Set<string>();
  /** By field: objects that the map could not read because of it. */
  readonly unreadable = new Map<string, number>();
  unlinked = 0;

  constructor(sealing: SealContext, parts: PassParts) {
    this.#sealing = sealing;
    this.#parts = parts;
    const { taxonomy } = parts.type;
    this.#name = taxonomy.type;
    this.#isNatural = taxonomy.key !== undefined;
    this.#isAskedFor = this.#isNatural && sealing.isReferredTo(taxonomy.type);
    this.#saltsBefore = sealing.salts.count;
    const { type, map, told, sealer, matches, claimed } = parts;
    this.#straight = straightTranslation(map, taxonomy, told, map.native);
    const { names } = this.#straight;
    this.#naturalKeyOf = naturalKeysOf(taxonomy, names, sha256Hex);
    this.#addValues = sealer.adder(names);
    this.#values = names.map(() => undefined);
    this.#needsRecord =
      sealing.effects !== null || type.digests.length > 0 || matches !== undefined || claimed !== undefined;
  }

  /** A promise where something must be waited for before the next object. */
  take(object: NativeObject): Promise<void> | undefined {
    const { isExposed } = this.#sealing;
    if (isExposed && !isExposed(object)) return this.#hidden(object);
    if (object.type === this.#parts.map.native) {
      const unmapped = this.#straight.values(object.body, this.#sealing.resolve, this.#values);
      const key = unmapped && this.#keyOf(object);
      if (unmapped && key !== null) return this.#add(object, key, null, unmapped, false);
    }
    const translation = translated(this.#sealing, this.#parts, object);
    if (translation.kind === 'setAside') return this.#setAside(object, translation);
    if (translation.kind === 'untranslatable') return this.#untranslatable(object, translation);
    const { record, unmapped, roundTrips } = translation;
    return this.#add(object, record.key, record, unmapped, !roundTrips);
  }

  async #hidden(object: NativeObject): Promise<void> {
    const known = await this.#known(object);
    const isHere = !isProvisional(known) && this.#isPreferred(object, known);
    this.#sealing.counters.hidden(this.#name);
    this.#parts.recorder?.apart(object, isHere ? known : null);
    // HAZARD: peers know this record. Left out, it would look deleted; so it is there, and says nothing.
    if (!isProvisional(known)) this.#keep(object, known, false);
    if (isHere) this.#addSilent(known);
  }

  async #setAside(object: NativeObject, { field, reason, type }: Of<'setAside'>): Promise<void> {
    const { counters, isIncomplete, links } = this.#sealing;
    counters.outside(this.#name, field, reason);
    this.#parts.recorder?.apart(object, null);
    // HAZARD: what was not read may be what it refers to, and what peers know may only have got another name.
    if (type !== null && isIncomplete(type))
      this.doubts.set('references', { scope: 'references', reason: 'referenceUnread' });
    const mayBeKept = this.#isNatural && object.opaque !== undefined;
    if (type !== null && !mayBeKept) return;
    const linked = await links.linkedKeyOf(this.#name, object.id);
    if (linked === null) return;
    if (type === null) this.doubts.set('setAside', { scope: 'setAside', reason: 'leftDataset' });
    if (mayBeKept) this.#keep(object, linked, true);
  }

  async #untranslatable(object: NativeObject, { field, reason }: Of<'untranslatable'>): Promise<void> {
    const { counters, links, opaque } = this.#sealing;
    const { recorder } = this.#parts;
    const name = this.#name;
    if (object.opaque === undefined) {
      counters.untranslatable(name, field, reason);
      this.unreadable.set(field, (this.unreadable.get(field) ?? 0) + 1);
      recorder?.apart(object, null);
      return;
    }
    const known = await this.#known(object);
    const key = isProvisional(known) ? links.provisionalKeyOf(name, object.id) : known;
    const isHere = !isProvisional(key) && this.#isPreferred(object, key);
    opaque.add(name, key, object);
    // Which of the federation's people or teams it is, nobody can tell: none may be created beside it.
    if (!this.#isNatural && isProvisional(key)) counters.untranslatable(name, field, reason);
    if (!isProvisional(key)) this.#keep(object, key, false);
    if (isHere) this.#addSilent(key);
    recorder?.apart(object, isHere ? key : null);
  }

  /** Of the values that were just translated; null where a natural key cannot be told from them alone. */
  #keyOf({ id }: NativeObject): string | null {
    return this.#isNatural ? this.#naturalKeyOf(this.#values) : this.#sealing.keyOf(this.#name, id);
  }

  /** `record`: null where its values stand in `#values`. */
  #add(
    object: NativeObject,
    key: string,
    record: FederatedRecord | null,
    unmapped: readonly string[],
    isLossy: boolean,
  ): Promise<void> | undefined {
    const { counters, opaque, salts } = this.#sealing;
    const { recorder } = this.#parts;
    const name = this.#name;
    if (object.opaque !== undefined) opaque.add(name, key, object);
    this.#keep(object, key, false);
    if (!this.#isPreferred(object, key)) {
      counters.doubled(name);
      recorder?.doubled();
      return undefined;
    }
    if (isProvisional(key)) this.unlinked += 1;
    for (const property of unmapped) counters.unmapped(name, property);
    if (isLossy) counters.lossy(name);
    if (record === null && !this.#needsRecord) this.#addValues(key, this.#values);
    else this.#addRecord(object, record ?? { type: name, key, fields: fieldsOf(this.#straight.names, this.#values) });
    salts.add(name, key);
    if (!recorder) return undefined;
    if (object.opaque === undefined) return recorder.plain(object.id, { key, unmapped: [...unmapped], lossy: isLossy });
    recorder.apart(object, key);
    return undefined;
  }

  #addRecord(object: NativeObject, translated: FederatedRecord): void {
    const { digests, effects, naturals, resolve } = this.#sealing;
    const { type, map, told, sealer, matches, claimed, learned } = this.#parts;
    const { key } = translated;
    const nativeIds = learned.has(key) ? naturals.nativeIdsOf(this.#name, key) : [object.id];
    const record = effects ? effects.added(translated, map, nativeIds, told, resolve) : translated;
    sealer.add(sealedRecord(digests, type, record));
    matches?.add(key, record.fields);
    claimed?.add(record);
  }

  /** The pass has to be made again: nothing that it counted, named or proposed stays. */
  forget(): void {
    const { counters, opaque, salts } = this.#sealing;
    counters.forget(this.#name);
    opaque.forget(this.#name);
    salts.backTo(this.#saltsBefore);
  }

  /** `~` for one with a natural key that no link joins. */
  async #known({ id }: NativeObject): Promise<string> {
    if (!this.#isNatural) return this.#sealing.keyOf(this.#name, id);
    return (await this.#sealing.links.linkedKeyOf(this.#name, id)) ?? '~';
  }

  /** Of several objects under one natural key, one stands for the record. */
  #isPreferred({ id }: NativeObject, key: string): boolean {
    if (!this.#isNatural || !this.#parts.learned.has(key)) return true;
    return this.#sealing.naturals.nativeIdsOf(this.#name, key)[0] === id;
  }

  /** What others will ask for. */
  #keep({ id }: NativeObject, key: string, isUnclear: boolean): void {
    if (this.#isAskedFor) this.#sealing.naturals.learnKey(this.#name, id, key);
    if (isUnclear && !this.#parts.learned.has(key)) this.unclear.add(key);
  }

  #addSilent(key: string): void {
    if (this.#silent.has(key)) {
      if (this.#isNatural) this.unclear.add(key);
      return;
    }
    this.#silent.add(key);
    this.#parts.sealer.add({ type: this.#name, key, fields: {} });
    this.#sealing.salts.add(this.#name, key);
  }
}

export function translated(
  { keyOf, naturals, resolve }: SealContext,
  { type: { taxonomy }, map, told }: Pick<PassParts, 'type' | 'map' | 'told'>,
  object: NativeObject,
): Translation {
  if (taxonomy.key !== undefined) return naturals.keyed({ object, map, taxonomy, surface: told, resolve });
  return translate({ object, map, taxonomy, surface: told, resolve, key: keyOf(taxonomy.type, object.id) });
}
