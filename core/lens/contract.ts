/**
 * What every lens keeps to (Foster et al., Combinators for bidirectional tree transformations, TOPLAS 2007):
 *
 * - GetPut: where `get(source)` is a value, `put(that value, source)` gives the source back, unchanged.
 * - PutGet: where `put(value, source)` gives a source, `get` of it gives that value.
 * - What a lens cannot hold is refused as a value: never cut, never thrown. Reasons name no value.
 */
import type { ErrorCode } from '../errors.js';
import type { Json, JsonObject } from '../json.js';

export interface GotValue {
  readonly kind: 'value';
  readonly value: Json;
  /** How many elements of a set could not be resolved: they stay in the source and are not in the value. */
  readonly setAside?: number;
}
export interface Untranslatable {
  readonly kind: 'untranslatable';
  readonly reason: string;
}
/** The value is not of the dataset: it stays native, is counted, and nothing is wrong with it. */
export interface Outside {
  readonly kind: 'outside';
  readonly reason: string;
  /** The federated type among whose records it was looked for, where there is one. */
  readonly type?: string;
}
export type Got = GotValue | { readonly kind: 'absent' } | Untranslatable | Outside;

export interface Refused {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly reason: string;
}
export type Put<Source> = { readonly kind: 'value'; readonly value: Source } | Refused;

/** How native ids and federated keys of a type stand for each other; null where there is no link. */
export interface References {
  readonly resolve: (type: string, nativeId: string) => string | null;
  readonly resolveBack: (type: string, key: string) => string | null;
}

export interface Lens<Source> {
  readonly get: (source: Source, references: References) => Got;
  /** Without a source, the value is put into a new object. */
  readonly put: (value: Json, source: Source | undefined, references: References) => Put<Source>;
}
/** One step of a field lens: from what the step before it got. */
export interface StepLens extends Lens<Json> {
  /** It only looks: what it lets pass, both ways, it passes on as it is. So putting back what it got need not ask it again. */
  readonly onlyChecks?: true;
  /** `get` and `put` in one go, where the step knows by its laws what `put` would say. See roundTripOf. */
  readonly roundTrip?: RoundTrip;
}
/**
 * The value that `get` gives, where nothing is set aside and `put` of it gives back the very source. Undefined where it is
 * otherwise or nobody knows without asking both.
 */
export type RoundTrip = (native: Json, references: References) => Json | undefined;

export type FieldLens = Lens<JsonObject>;
export interface LocationLens extends FieldLens {
  /** The value of `get`; undefined where it gives none, or is not known without asking. */
  readonly read?: (body: JsonObject) => Json | undefined;
}

export interface GotAndPut {
  readonly got: Got;
  /** What `put(got.value, body)` gives; null where nothing was got. */
  readonly put: Put<JsonObject> | null;
}
/** A field lens that reads its steps once for what `get` and then `put` of the same body would read twice. */
export interface RoundTripLens extends FieldLens {
  readonly getAndPut: (body: JsonObject, references: References) => GotAndPut;
  /** The value, where `getAndPut` gives it with nothing set aside, and the body back as it was; undefined: ask that. */
  readonly roundTrip: (body: JsonObject, references: References) => Json | undefined;
}

export const absent: Got = { kind: 'absent' };

export function value(of: Json): GotValue {
  return { kind: 'value', value: of };
}

export function source<Source>(of: Source): Put<Source> {
  return { kind: 'value', value: of };
}

export function untranslatable(reason: string): Untranslatable {
  return { kind: 'untranslatable', reason };
}

export function outside(reason: string, type?: string): Outside {
  return { kind: 'outside', reason, ...(type === undefined ? {} : { type }) };
}

export function refused(reason: string, code: ErrorCode = 'valueNotRepresentable'): Refused {
  return { kind: 'refused', code, reason };
}

/** A step for which null is null on both sides: held and empty. */
export function nullStaysNull(lens: StepLens): StepLens {
  const { roundTrip } = lens;
  return {
    ...lens,
    get: (native, references) => (native === null ? value(null) : lens.get(native, references)),
    put: (wanted, native, references) => (wanted === null ? source(null) : lens.put(wanted, native, references)),
    ...(roundTrip
      ? {
          roundTrip: (native, references): Json | undefined => (native === null ? null : roundTrip(native, references)),
        }
      : {}),
  };
}

/** Of any step: by its own word, or by asking it twice. */
export function roundTripOf(step: StepLens): RoundTrip {
  if (step.roundTrip) return step.roundTrip;
  return (native, references) => {
    const got = step.get(native, references);
    if (got.kind !== 'value' || got.setAside !== undefined) return undefined;
    const put = step.put(got.value, native, references);
    return put.kind === 'value' && put.value === native ? got.value : undefined;
  };
}
