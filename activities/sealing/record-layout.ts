/** How a record is written into a body line and hashed into its columns, prepared once per sealed type. */
import { canonicalJson } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import { byCodeUnit } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import type { SealedGroup } from '../../core/sealed.js';

export interface RecordTexts {
  /** Canonical JSON of `{key, fields}` with all fields. */
  readonly whole: string;
  /** groupText (core/record-digest.ts) of each group, in the order of the groups. */
  readonly groups: readonly string[];
}

interface Slot {
  readonly field: string;
  readonly prefix: string;
  readonly group: number;
}

/**
 * Does what canonicalJson and groupText do, in a fifth of their time: each field is written once, in an order known
 * beforehand. A property test holds it to them.
 */
export class RecordLayout {
  readonly groups: readonly SealedGroup[];
  readonly #slots: readonly Slot[];

  constructor(groups: readonly SealedGroup[]) {
    this.groups = groups;
    this.#slots = groups
      .flatMap(({ fields }, group) => fields.map((field) => ({ field, prefix: `${canonicalJson(field)}:`, group })))
      .sort((a, b) => byCodeUnit(a.field, b.field));
  }

  /** Null where the record has a field that no group holds. Throws on what is not JSON. */
  texts(key: string, fields: Fields): RecordTexts | null {
    const groupCount = this.groups.length;
    const end = `},"key":${jsonText(key)}}`;
    let whole = '';
    let present = 0;
    const groups: string[] = Array.from({ length: groupCount }, () => '');
    for (const { field, prefix, group } of this.#slots) {
      const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
      if (value === undefined) continue;
      present += 1;
      const text = prefix + jsonText(value);
      whole = whole === '' ? text : `${whole},${text}`;
      const before = groups[group];
      groups[group] = before === '' || before === undefined ? text : `${before},${text}`;
    }
    if (present !== countDefined(fields)) return null;
    whole = `{"fields":{${whole}${end}`;
    if (groupCount === 1) return { whole, groups: [whole] };
    for (let group = 0; group < groupCount; group += 1) groups[group] = `{"fields":{${groups[group]}${end}`;
    return { whole, groups };
  }
}

function countDefined(fields: Fields): number {
  let count = 0;
  for (const field of Object.keys(fields)) if (fields[field] !== undefined) count += 1;
  return count;
}

/** JSON.stringify writes flat values as RFC 8785 does; the rest takes the long way. */
function jsonText(value: Json): string {
  if (typeof value === 'string') return wellFormed(JSON.stringify(value), value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((element) => typeof element === 'string'))
    return wellFormed(JSON.stringify(value), value);
  return canonicalJson(value);
}

/** A lone surrogate is no JSON; JSON.stringify would escape it. canonicalJson refuses it, and a `\ud` that was meant passes there. */
function wellFormed(text: string, value: Json): string {
  return text.includes('\\ud') ? canonicalJson(value) : text;
}
