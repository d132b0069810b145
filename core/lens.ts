/**
 * Lenses: what each line of a map does, both ways. A field lens is a location in the native body, then the steps of the
 * map, then what the taxonomy says that the field is. core/lens/contract.ts has the laws; they hold for every
 * composition because they hold for every part (Foster et al., TOPLAS 2007, section 3; the steps follow Cambria, 2020).
 */
import { stepsOf, type FieldMap, type LensStep, type TypeMap } from './federation/map.js';
import { referredTypes, type FieldKind } from './federation/taxonomy.js';
import type { Json, JsonObject } from './json.js';
import {
  roundTripOf,
  source,
  type Got,
  type GotAndPut,
  type LocationLens,
  type Put,
  type References,
  type RoundTripLens,
  type StepLens,
} from './lens/contract.js';
import { hexStep } from './lens/bytes.js';
import { jsonNumberStep, unitStep } from './lens/decimal.js';
import { iamTagStep } from './lens/iam-tag.js';
import { epochStep, zoneStep } from './lens/instant.js';
import { kindSteps } from './lens/kind.js';
import { constantLocation, derivedLocation, pathLocation, tagLocation } from './lens/location.js';
import { inTurn } from './lens/list.js';
import { partStep } from './lens/part.js';
import { referenceStep } from './lens/reference.js';
import { referencesStep, setStep } from './lens/set.js';
import { isSpecial, repeatedWord, specialStep } from './lens/special.js';
import { enumStep, isOneToOne, repeatedText, tableStep } from './lens/table.js';
import { emptyAsNullStep, foldStep, maxLengthStep } from './lens/text.js';

export type {
  FieldLens,
  Got,
  Lens,
  Outside,
  Put,
  References,
  Refused,
  RoundTripLens,
  StepLens,
  Untranslatable,
} from './lens/contract.js';
export { foldAscii } from './lens/text.js';

export function stepLens(step: LensStep): StepLens {
  if ('fold' in step) return foldStep;
  if ('enum' in step) return enumStep(step.enum);
  if ('escape' in step) return iamTagStep;
  if ('set' in step) return setStep;
  if ('references' in step) return referencesStep(step.references);
  if ('reference' in step) return referenceStep(step.reference);
  if ('table' in step) return tableStep(step.table, step.else);
  if ('special' in step) return specialStep(step.special, inTurn([]));
  if ('number' in step) return jsonNumberStep;
  if ('unit' in step) return unitStep(step.times);
  if ('zone' in step) return zoneStep(step.zone);
  if ('epoch' in step) return epochStep(step.epoch);
  if ('part' in step) return partStep(step);
  if ('bytes' in step) return hexStep;
  if ('emptyAs' in step) return emptyAsNullStep;
  return maxLengthStep(step.maxLength, step.loss);
}

/** A location seen through steps, the first next to the native side. */
export function compose(location: LocationLens, steps: readonly StepLens[]): RoundTripLens {
  /** Fills `sources` with what the location and each step got; fewer where one of them gave no value. */
  const getEach = (body: JsonObject, references: References, sources: Json[]): Got => {
    let got = location.get(body, references);
    let setAside = 0;
    for (const step of steps) {
      if (got.kind !== 'value') break;
      sources.push(got.value);
      got = step.get(got.value, references);
      if (got.kind === 'value' && got.setAside !== undefined) setAside += got.setAside;
    }
    return got.kind === 'value' && setAside > 0 ? { ...got, setAside } : got;
  };
  /** What the location shall hold for a wanted value. */
  const putSteps = (
    wanted: Json,
    references: References,
    sources: readonly Json[],
    asked: readonly StepLens[] = steps,
  ): Put<Json> => {
    let next = wanted;
    for (let at = asked.length - 1; at >= 0; at--) {
      const put = asked[at]?.put(next, sources[at], references);
      if (put?.kind === 'refused') return put;
      if (put) next = put.value;
    }
    return source(next);
  };
  // The last steps, where they only check, let pass what they have just let pass.
  const changing = steps.slice(0, steps.findLastIndex((step) => step.onlyChecks !== true) + 1);
  const roundTrips = steps.map((step) => roundTripOf(step));
  const { read } = location;
  const readAt = (body: JsonObject, references: References): Json | undefined => {
    if (read) return read(body);
    const got = location.get(body, references);
    return got.kind === 'value' ? got.value : undefined;
  };
  return {
    // GetPut of the location itself: what it gave, it holds. So if every step gives back what it got, nothing changes.
    roundTrip: (body, references) => {
      let now = readAt(body, references);
      for (let at = 0; at < roundTrips.length && now !== undefined; at++) now = roundTrips[at]?.(now, references);
      return now;
    },
    get: (body, references) => getEach(body, references, []),
    // A new object is an empty one: steps then see what the location gives for it, such as a constant.
    put: (wanted, body = {}, references) => {
      const sources: Json[] = [];
      getEach(body, references, sources);
      const put = putSteps(wanted, references, sources);
      return put.kind === 'refused' ? put : location.put(put.value, body, references);
    },
    getAndPut: (body, references): GotAndPut => {
      const sources: Json[] = [];
      const got = getEach(body, references, sources);
      if (got.kind !== 'value') return { got, put: null };
      const put = putSteps(got.value, references, sources, changing);
      if (put.kind === 'refused') return { got, put };
      // GetPut of the location itself: what it gave, it holds.
      const located = steps.length === 0 ? got.value : sources[0];
      return { got, put: put.value === located ? source(body) : location.put(put.value, body, references) };
    },
  };
}

function locationOf(field: FieldMap, native: string): LocationLens {
  if ('path' in field) return pathLocation(field.path, native === 'group' && field.path === 'members');
  if ('tag' in field) return tagLocation(field.tag);
  return 'from' in field ? derivedLocation : constantLocation(field.constant);
}

/** Why the map cannot serve this field of the taxonomy, or null. `validate` asks this too. */
export function fieldMapProblem(field: FieldMap, kind: FieldKind): string | null {
  if ((kind.kind === 'effect') !== 'from' in field)
    return kind.kind === 'effect'
      ? `an effect is worked out: its map is { from: ${kind.of ?? 'capabilities'} }`
      : 'only a field of the kind effect is worked out from capabilities or scopes';
  if (kind.kind === 'effect' && 'from' in field && field.from !== (kind.of ?? 'capabilities'))
    return `the effect is one of ${kind.of ?? 'capabilities'}: its map is { from: ${kind.of ?? 'capabilities'} }`;
  const steps = stepsOf(field);
  const targets = referredTypes(kind);
  const isSet = kind.kind === 'set';
  let referred = 0;
  for (const step of steps) {
    if ('enum' in step && !isOneToOne(step.enum)) return 'the table of an enum step is not one to one';
    if ('table' in step && repeatedText(step.table) !== null) return 'a native text stands twice in a table step';
    if ('references' in step) {
      if (!isSet || !targets.includes(step.references))
        return `the map refers to ${step.references} where the taxonomy does not`;
      referred++;
    }
    if ('reference' in step) {
      const types = Object.values(step.reference);
      const foreign = types.find((type) => isSet || !targets.includes(type));
      if (foreign !== undefined) return `the map refers to ${foreign} where the taxonomy does not`;
      if (new Set(types).size !== types.length) return 'two native types lead to one federated type';
      referred++;
    }
  }
  if (targets.length === 0) return valueMapProblem(field, steps, kind);
  if ('constant' in field) return 'a constant cannot hold references';
  // HAZARD: without the step, native ids would leave the authority in the place of federated keys.
  if (referred !== 1) {
    return isSet
      ? `the map needs exactly one step { references: ${targets.join()} }`
      : `the map needs exactly one step { reference: { <native type>: ${targets.join(' or ')} } }`;
  }
  return null;
}

/** Steps that only one kind of value can use, and the unit that no map may leave out. */
function valueMapProblem(field: FieldMap, steps: readonly LensStep[], kind: FieldKind): string | null {
  const isNumber = kind.kind === 'decimal' || kind.kind === 'integer';
  let units = 0;
  for (const [at, step] of steps.entries()) {
    const problem = specialProblem(step, at, kind);
    if (problem !== null) return problem;
    if (('number' in step || 'unit' in step) && !isNumber) return 'only numbers have the steps number and unit';
    if (('zone' in step || 'epoch' in step) && kind.kind !== 'instant')
      return 'only instants have the steps zone and epoch';
    if ('bytes' in step && kind.kind !== 'bytes') return 'only bytes have the step bytes';
    if ('unit' in step) units++;
  }
  if (!isNumber || 'constant' in field || 'from' in field) return null;
  if (kind.unit === undefined) return units === 0 ? null : 'the taxonomy gives this field no unit';
  return units === 1 ? null : `the map needs exactly one step { unit: … }: the taxonomy counts in ${kind.unit}`;
}

/** Words that stand for no number are read before all other steps, which never see them. */
function stepLenses(steps: readonly LensStep[]): readonly StepLens[] {
  const [first, ...rest] = steps;
  if (first && 'special' in first) return [specialStep(first.special, inTurn(stepLenses(rest)))];
  return steps.map((step) => stepLens(step));
}

function specialProblem(step: LensStep, at: number, kind: FieldKind): string | null {
  if (!('special' in step)) return null;
  if (kind.kind !== 'decimal' && kind.kind !== 'integer') return 'only numbers have the step special';
  if (at > 0) return 'the step special comes first: no other step reads its texts';
  if (repeatedWord(step.special) !== null) return 'a native text stands twice in a special step';
  const allowed = kind.kind === 'decimal' ? kind.special : undefined;
  const foreign = Object.keys(step.special).find((name) => isSpecial(name) && allowed?.includes(name) !== true);
  return foreign === undefined ? null : `the taxonomy does not allow ${foreign} for this field: special: [${foreign}]`;
}

/** The lens of one field. Call fieldMapProblem first: this takes the map at its word. */
export function fieldLens(field: FieldMap, kind: FieldKind, native: TypeMap['native']): RoundTripLens {
  return compose(locationOf(field, native), [...stepLenses(stepsOf(field)), ...kindSteps(kind)]);
}
