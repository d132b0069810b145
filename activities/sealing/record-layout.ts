/** How a record is written into a body line and hashed into its columns, prepared once per sealed type. */
import { canonicalJson } from '../../core/digest.js';
import { byCodeUnit, type Json } from '../../core/json.js';
import { groupText } from '../../core/record-digest.js';
import type { Fields } from '../../core/record.js';
import type { SealedGroup } from '../../core/sealed.js';
import { PlainLine } from './plain-line.js';

export interface RecordTexts {
  /** Canonical JSON of `{key, fields}` with all fields. */
  readonly whole: string;
  /** groupText (core/record-digest.ts) of each group, in the order of the groups. */
  readonly groups: readonly string[];
}

/**
 * Does what canonicalJson and groupText do, in a tenth of their time: JSON.stringify writes flat values as RFC 8785 does
 * (which takes its serialisation from it) if only the members stand in order. Records with deeper values take the long
 * way. A property test holds this to the two functions.
 */
export class RecordLayout {
  readonly groups: readonly SealedGroup[];
  /** For lines that are read; null where no record is plain. */
  readonly plain: PlainLine | null;
  readonly #fields: readonly string[];
  /** JavaScript keeps members in the order of their making, except those that look like array indexes. */
  readonly #keepsOrder: boolean;

  constructor(groups: readonly SealedGroup[]) {
    this.groups = groups;
    this.#fields = groups.flatMap((group) => group.fields).sort(byCodeUnit);
    this.plain = PlainLine.of(groups, this.#fields);
    this.#keepsOrder = this.#fields.every((field) => /^[A-Za-z]/.test(field));
  }

  /** Null where the record has a field that no group holds. Throws on what is not JSON. */
  texts(key: string, fields: Fields): RecordTexts | null {
    // What translation makes stands in order already: nothing needs to be copied.
    const ordered = this.#isInOrder(fields) ? fields : this.#ordered(fields);
    if (ordered === 'unknown') return null;
    if (ordered === 'deep') return this.#longTexts(key, fields);
    const whole = JSON.stringify({ fields: ordered, key });
    // A lone surrogate is no JSON, but JSON.stringify escapes it; only canonicalJson can tell it from a text that shows one.
    if (whole.includes('\\ud')) return this.#longTexts(key, fields);
    if (this.groups.length === 1) return { whole, groups: [whole] };
    return { whole, groups: this.groups.map((group) => flatText(key, ordered, group)) };
  }

  /** unknown: a field that no group holds; deep: what only canonicalJson can write. */
  #ordered(fields: Fields): Fields | 'unknown' | 'deep' {
    const ordered: Record<string, Json> = {};
    let present = 0;
    let flat = this.#keepsOrder;
    for (const name of this.#fields) {
      const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (value === undefined) continue;
      present += 1;
      flat &&= isFlat(value);
      ordered[name] = value;
    }
    if (present !== Object.keys(fields).length && present !== countDefined(fields)) return 'unknown';
    return flat ? ordered : 'deep';
  }

  /** Whether JSON.stringify writes the fields as they are, all of them known and flat. */
  #isInOrder(fields: Fields): boolean {
    if (!this.#keepsOrder) return false;
    let at = 0;
    for (const name of Object.keys(fields)) {
      while (at < this.#fields.length && this.#fields[at] !== name) at += 1;
      const value = fields[name];
      if (at === this.#fields.length || value === undefined || !isFlat(value)) return false;
      at += 1;
    }
    return true;
  }

  #longTexts(key: string, fields: Fields): RecordTexts {
    return {
      whole: canonicalJson({ key, fields }),
      groups: this.groups.map((group) => groupText(key, fields, group.fields)),
    };
  }
}

function isFlat(value: Json): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (!Array.isArray(value)) return false;
  for (const element of value) if (typeof element !== 'string') return false;
  return true;
}

function flatText(key: string, fields: Fields, group: SealedGroup): string {
  const ordered: Record<string, Json> = {};
  for (const name of group.fields) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value !== undefined) ordered[name] = value;
  }
  return JSON.stringify({ fields: ordered, key });
}

function countDefined(fields: Fields): number {
  return Object.values(fields).filter((value) => value !== undefined).length;
}
