/** The last steps of every lens: what the taxonomy says that a field is, whatever the map made of it. */
import type { ElementKind, FieldKind } from '../federation/taxonomy.js';
import { bytesKindStep } from './bytes.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { decimalStep } from './decimal.js';
import { dateStep, instantStep } from './instant.js';
import { inTurn, keyedListStep, listStep } from './list.js';
import { isReferenceTo } from './reference.js';
import { setStep, sortedUnique } from './set.js';
import { equalTextStep, foldStep, isWellFormed, notText } from './text.js';
import { sameJson } from './same-json.js';
import type { Json } from '../json.js';

const notWellFormed = 'the value is not well-formed Unicode';

const text: StepLens = nullStaysNull({
  onlyChecks: true,
  roundTrip: (native) => (typeof native === 'string' && isWellFormed(native) ? native : undefined),
  get: (native) => {
    if (typeof native !== 'string') return untranslatable(notText);
    return isWellFormed(native) ? value(native) : untranslatable(notWellFormed);
  },
  put: (wanted) => {
    if (typeof wanted !== 'string') return refused(notText);
    return isWellFormed(wanted) ? source(wanted) : refused(notWellFormed);
  },
});

const boolean: StepLens = nullStaysNull({
  onlyChecks: true,
  roundTrip: (native) => (typeof native === 'boolean' ? native : undefined),
  get: (native) =>
    typeof native === 'boolean' ? value(native) : untranslatable('the value is neither true nor false'),
  put: (wanted) => (typeof wanted === 'boolean' ? source(wanted) : refused('the value is neither true nor false')),
});

const noElements: Json = [];

/** The empty set has one name, []: a native null reads as [] and stays null when [] is put. */
const set: StepLens = {
  roundTrip: (native, references) => (native === null ? noElements : setStep.roundTrip?.(native, references)),
  get: (native, references) => (native === null ? value([]) : setStep.get(native, references)),
  put: (wanted, native, references) => {
    if (wanted === null) return refused('an empty set is [], not null');
    const isEmpty = Array.isArray(wanted) && wanted.length === 0;
    return native === null && isEmpty ? source(null) : setStep.put(wanted, native, references);
  },
};

/** A set whose elements have an equality of their own: those that are equal are one. Kept as it is where it says the same. */
function setOf(element: StepLens): StepLens {
  const elements = listStep(element);
  const read: StepLens['get'] = (native, references) => {
    const got = elements.get(native ?? [], references);
    if (got.kind !== 'value') return got;
    const texts = got.value as readonly unknown[];
    if (!texts.every((one): one is string => typeof one === 'string')) return untranslatable('an element is empty');
    return value(sortedUnique(texts));
  };
  return {
    get: read,
    put: (wanted, native, references) => {
      const target = wanted === null ? untranslatable('') : read(wanted, references);
      if (target.kind !== 'value' || !sameJson(target.value, wanted))
        return refused('the value is not a canonical set');
      if (native === undefined) return source(wanted);
      const now = read(native, references);
      return source(now.kind === 'value' && sameJson(now.value, wanted) ? native : wanted);
    },
  };
}

function reference(of: readonly string[]): StepLens {
  const wrong = `the value does not refer to ${of.join(' or ')}`;
  return nullStaysNull({
    onlyChecks: true,
    roundTrip: (native) => (isReferenceTo(native, of) ? native : undefined),
    get: (native) => (isReferenceTo(native, of) ? value(native) : untranslatable(wrong)),
    put: (wanted) => (isReferenceTo(wanted, of) ? source(wanted) : refused(wrong)),
  });
}

function elementSteps(kind: ElementKind): readonly StepLens[] {
  switch (kind.kind) {
    case 'text':
      if (kind.normalForm === undefined && kind.equality === 'exact') return [text];
      if (kind.normalForm === undefined && kind.equality === 'caseInsensitive') return [text, foldStep];
      return [
        text,
        equalTextStep({
          fold: kind.equality === 'exact' ? null : kind.equality === 'caseInsensitive' ? 'ascii' : 'simple',
          normalForm: kind.normalForm ?? null,
        }),
      ];
    case 'boolean':
      return [boolean];
    case 'integer':
      return [decimalStep({ isWhole: true, ...limits(kind) })];
    case 'decimal':
      return [
        decimalStep({
          ...(kind.step === undefined ? {} : { step: kind.step }),
          ...(kind.special === undefined ? {} : { special: kind.special }),
          ...limits(kind),
        }),
      ];
    case 'instant':
      return [instantStep(kind.precision)];
    case 'date':
      return [dateStep];
    case 'bytes':
      return [bytesKindStep];
  }
}

function limits(kind: { readonly min?: string | undefined; readonly max?: string | undefined }): {
  readonly min?: string;
  readonly max?: string;
} {
  return {
    ...(kind.min === undefined ? {} : { min: kind.min }),
    ...(kind.max === undefined ? {} : { max: kind.max }),
  };
}

export function kindSteps(kind: FieldKind): readonly StepLens[] {
  switch (kind.kind) {
    case 'set':
      return kind.elements === undefined ? [set] : [setOf(inTurn(elementSteps(kind.elements)))];
    case 'reference':
      return [reference(kind.of)];
    case 'list':
      return [listStep(inTurn(elementSteps(kind.elements)))];
    case 'keyedList':
      return [
        keyedListStep(
          kind.by,
          new Map(Object.entries(kind.fields).map(([name, field]) => [name, inTurn(elementSteps(field))])),
        ),
      ];
    case 'effect':
      return [];
    default:
      return elementSteps(kind);
  }
}
