/** The last steps of every lens: what the taxonomy says that a field is, whatever the map made of it. */
import type { FieldKind } from '../federation/taxonomy.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { isReferenceTo } from './reference.js';
import { setStep } from './set.js';
import { foldStep, isWellFormed, notText } from './text.js';

const notWellFormed = 'the value is not well-formed Unicode';

const text: StepLens = nullStaysNull({
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
  get: (native) =>
    typeof native === 'boolean' ? value(native) : untranslatable('the value is neither true nor false'),
  put: (wanted) => (typeof wanted === 'boolean' ? source(wanted) : refused('the value is neither true nor false')),
});

/** The empty set has one name, []: a native null reads as [] and stays null when [] is put. */
const set: StepLens = {
  get: (native, references) => (native === null ? value([]) : setStep.get(native, references)),
  put: (wanted, native, references) => {
    if (wanted === null) return refused('an empty set is [], not null');
    const isEmpty = Array.isArray(wanted) && wanted.length === 0;
    return native === null && isEmpty ? source(null) : setStep.put(wanted, native, references);
  },
};

function reference(of: readonly string[]): StepLens {
  const wrong = `the value does not refer to ${of.join(' or ')}`;
  return nullStaysNull({
    get: (native) => (isReferenceTo(native, of) ? value(native) : untranslatable(wrong)),
    put: (wanted) => (isReferenceTo(wanted, of) ? source(wanted) : refused(wrong)),
  });
}

export function kindSteps(kind: FieldKind): readonly StepLens[] {
  switch (kind.kind) {
    case 'text':
      return kind.equality === 'caseInsensitive' ? [text, foldStep] : [text];
    case 'boolean':
      return [boolean];
    case 'set':
      return [set];
    case 'reference':
      return [reference(kind.of)];
    case 'effect':
      return [];
  }
}
