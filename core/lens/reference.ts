/**
 * The step `reference`: one native object that another names, as `<native type>/<native id>`, to one federated record, as
 * `<federated type>/<federated key>`. Both are split at the first slash: native ids may hold more of them.
 */
import type { Json } from '../json.js';
import { nullStaysNull, outside, refused, source, untranslatable, value, type Got, type StepLens } from './contract.js';
import type { References } from './contract.js';
import { notText } from './text.js';

export interface Reference {
  readonly type: string;
  readonly key: string;
}

/** What a federated or native reference names; null where the text is none. */
export function referenceOf(text: Json | undefined): Reference | null {
  if (typeof text !== 'string') return null;
  const at = text.indexOf('/');
  return at <= 0 || at === text.length - 1 ? null : { type: text.slice(0, at), key: text.slice(at + 1) };
}

export function referenceText({ type, key }: Reference): string {
  return `${type}/${key}`;
}

export function isReferenceTo(text: Json, of: readonly string[]): boolean {
  const reference = referenceOf(text);
  return reference !== null && of.includes(reference.type);
}

/** `types`: native type → federated type, one to one. */
export function referenceStep(types: Readonly<Record<string, string>>): StepLens {
  const nativeOf = new Map(Object.entries(types).map(([native, federated]) => [federated, native]));
  const read = (native: Json, { resolve }: References): Got => {
    if (typeof native !== 'string') return untranslatable(notText);
    const named = referenceOf(native);
    if (!named) return untranslatable('the native reference is not of the form <native type>/<id>');
    const type = Object.hasOwn(types, named.type) ? types[named.type] : undefined;
    if (type === undefined) return outside('it refers to a native type that the map does not name');
    const key = resolve(type, named.key);
    return key === null ? outside(`it refers to a ${type} outside the dataset`, type) : value(`${type}/${key}`);
  };
  return nullStaysNull({
    roundTrip: (native, references) => {
      const got = read(native, references);
      return got.kind === 'value' && referenceOf(got.value) ? got.value : undefined;
    },
    get: read,
    put: (wanted, native, references) => {
      const named = referenceOf(wanted);
      if (!named) return refused('the value is not a reference');
      if (native !== undefined) {
        const now = read(native, references);
        if (now.kind === 'value' && now.value === wanted) return source(native);
      }
      const nativeType = nativeOf.get(named.type);
      if (nativeType === undefined) return refused(`the map of this mesh names no native type for ${named.type}`);
      const id = references.resolveBack(named.type, named.key);
      if (id === null) return refused(`this mesh holds no ${named.type} for the key`, 'dependencyNotMet');
      if (references.resolve(named.type, id) !== named.key)
        return refused(`a ${named.type} of this mesh stands for another key by now`);
      return source(`${nativeType}/${id}`);
    },
  });
}
