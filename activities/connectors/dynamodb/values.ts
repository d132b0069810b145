/**
 * An attribute of DynamoDB and what stands for it in a native body, both ways without loss.
 *
 * What JSON has stands for itself: text, true, false, null, lists, maps. A number stands as in JSON Lines: as a JSON number,
 * or `{ $number: "…" }` where that would round it. Where the authority file says what an attribute is made of, its body is
 * a text (`number`: a decimal, `binary`: base64) or a list of texts. Everything else bears its type as the one name of an
 * object: `{ $textSet: […] }`. Sets are sorted: their order says nothing.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamodbAttribute } from '../../../core/federation/authority.js';
import { byCodeUnit, isJsonObject, type Json } from '../../../core/json.js';
import { canonicalDecimal, exactNumber, exactNumberText } from '../../../core/lens/decimal.js';
import { isWellFormed } from '../../../core/lens/text.js';

const decimalOf = (text: string): string => canonicalDecimal(text) ?? text;
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const sorted = (texts: readonly string[]): readonly string[] => [...texts].sort(byCodeUnit);

/** The word by which a value that is not what is declared says what it is. */
function marked(value: AttributeValue): Json {
  if (value.S !== undefined) return { $text: value.S };
  if (value.N !== undefined) return exactNumber(decimalOf(value.N));
  if (value.B !== undefined) return { $binary: base64Of(value.B) };
  if (value.SS !== undefined) return { $textSet: sorted(value.SS) };
  if (value.NS !== undefined) return { $numberSet: sorted(value.NS.map(decimalOf)) };
  if (value.BS !== undefined) return { $binarySet: sorted(value.BS.map(base64Of)) };
  // A set is never empty, so an empty list can stand for itself everywhere.
  if (value.L !== undefined) return value.L.length === 0 ? [] : { $list: value.L.map((item) => bodyOf(item)) };
  return bodyOf(value);
}

/** The body of an attribute; `declared` as the authority file has it. */
export function bodyOf(value: AttributeValue, declared?: DynamodbAttribute): Json {
  if (value.NULL === true) return null;
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.M !== undefined) {
    const members = Object.fromEntries(Object.entries(value.M).map(([name, item]) => [name, bodyOf(item)]));
    const [only, ...others] = Object.keys(members);
    // It would look like one of ours.
    return only?.startsWith('$') === true && others.length === 0 ? { $map: members } : members;
  }
  switch (declared) {
    case undefined:
      if (value.S !== undefined) return value.S;
      return value.L === undefined ? marked(value) : value.L.map((item) => bodyOf(item));
    case 'number':
      return value.N === undefined ? marked(value) : decimalOf(value.N);
    case 'binary':
      return value.B === undefined ? marked(value) : base64Of(value.B);
    case 'textSet':
      return value.SS === undefined ? marked(value) : sorted(value.SS);
    case 'numberSet':
      return value.NS === undefined ? marked(value) : sorted(value.NS.map(decimalOf));
    case 'binarySet':
      return value.BS === undefined ? marked(value) : sorted(value.BS.map(base64Of));
    case 'numberList': {
      const numbers = (value.L ?? []).flatMap(({ N }) => (N === undefined ? [] : [decimalOf(N)]));
      return value.L === undefined || numbers.length < value.L.length ? marked(value) : numbers;
    }
  }
}

const significantMax = 38;
const [leastExponent, greatestExponent] = [-130, 125];

/** Null where DynamoDB could not hold the number: more than 38 digits, or outside of 1E-130 … 9.9E+125. */
export function numberText(text: string): string | null {
  const plain = canonicalDecimal(text);
  if (plain === null) return null;
  const [whole = '', fraction = ''] = plain.replace('-', '').split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return plain;
  const exponent = whole === '0' ? -(fraction.length - digits.length) - 1 : whole.length - 1;
  const isHeld =
    digits.replace(/0+$/, '').length <= significantMax && exponent >= leastExponent && exponent <= greatestExponent;
  return isHeld ? plain : null;
}

function bytesOf(base64: string): Uint8Array | null {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? new Uint8Array(bytes) : null;
}

/** Null where one has no such form, or two are the same. */
function each<Item>(list: Json | undefined, form: (text: string) => Item | null): Item[] | null {
  if (!Array.isArray(list)) return null;
  const items: Item[] = [];
  for (const text of list as readonly Json[]) {
    const item = typeof text === 'string' ? form(text) : null;
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

function unique<Item>(list: Json | undefined, form: (text: string) => Item | null): Item[] | null {
  const items = each(list, form);
  if (items === null || items.length === 0) return null;
  const told = items.map((item) => (item instanceof Uint8Array ? base64Of(item) : String(item)));
  return new Set(told).size === items.length ? items : null;
}

const textOf = (text: string): string | null => (isWellFormed(text) ? text : null);

function listOf(list: readonly Json[]): AttributeValue | null {
  const items = list.map((item) => attributeOf(item));
  return items.includes(null) ? null : { L: items as AttributeValue[] };
}

function mapOf(members: Json | undefined): AttributeValue | null {
  if (!isJsonObject(members)) return null;
  const items = Object.entries(members).map(([name, item]) => [name, attributeOf(item)] as const);
  if (items.some(([name, item]) => item === null || !isWellFormed(name))) return null;
  return { M: Object.fromEntries(items) as Record<string, AttributeValue> };
}

function markedAttribute(name: string, held: Json | undefined): AttributeValue | null {
  switch (name) {
    case '$text':
      return typeof held === 'string' && isWellFormed(held) ? { S: held } : null;
    case '$number': {
      const N = typeof held === 'string' ? numberText(held) : null;
      return N === null ? null : { N };
    }
    case '$binary': {
      const B = typeof held === 'string' ? bytesOf(held) : null;
      return B === null ? null : { B };
    }
    case '$textSet': {
      const SS = unique(held, textOf);
      return SS === null ? null : { SS };
    }
    case '$numberSet': {
      const NS = unique(held, numberText);
      return NS === null ? null : { NS };
    }
    case '$binarySet': {
      const BS = unique(held, bytesOf);
      return BS === null ? null : { BS };
    }
    case '$list':
      return Array.isArray(held) ? listOf(held as readonly Json[]) : null;
    case '$map':
      return mapOf(held);
    default:
      return null;
  }
}

const wordOf = {
  number: '$number',
  binary: '$binary',
  textSet: '$textSet',
  numberSet: '$numberSet',
  binarySet: '$binarySet',
} as const;

/** The attribute that a body stands for; null where DynamoDB has none that would be read as the same body again. */
export function attributeOf(body: Json, declared?: DynamodbAttribute): AttributeValue | null {
  if (body === null) return { NULL: true };
  if (typeof body === 'boolean') return { BOOL: body };
  if (typeof body === 'number') return markedAttribute('$number', exactNumberText(body) ?? '');
  if (isJsonObject(body)) {
    const [only, ...others] = Object.keys(body);
    const isMarked = only?.startsWith('$') === true && others.length === 0;
    return isMarked ? markedAttribute(only, body[only]) : mapOf(body);
  }
  if (Array.isArray(body) && body.length === 0) return { L: [] };
  if (declared === undefined)
    return typeof body === 'string' ? markedAttribute('$text', body) : listOf(body as readonly Json[]);
  if (declared !== 'numberList') return markedAttribute(wordOf[declared], body);
  const numbers = each(body, numberText);
  return numbers && { L: numbers.map((N) => ({ N })) };
}
