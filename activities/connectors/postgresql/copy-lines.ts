/**
 * Rows as COPY tells them (text format, https://www.postgresql.org/docs/15/sql-copy.html), made lines of objects without a
 * string between: bytes are copied from one text into the other, whose escapes are nearly the same. What is seldom goes
 * through the functions that a row of a query goes through.
 */
import { ConcordatError } from '../../../core/errors.js';
import type { Json } from '../../../core/json.js';
import { bodyBegin, lineBegin, lineBreak, lineOf } from '../../object-line.js';
import type { Column, Table } from './catalog.js';
import { rowId } from './row-id.js';
import { bodyOf, type TextRow } from './rows.js';
import { bodyValue } from './values.js';

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const upperN = 0x4e;
const backslash = 0x5c;
const lowerN = 0x6e;
const lowerT = 0x74;
const lowerV = 0x76;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** A longer row goes through strings: its bytes need not be reserved many times. */
const rowBytesMax = 256 * 1024;
/** A control character takes one byte in a row and six in a body; in an id of several columns, a list inside a text, eight. */
const growthMax = 6 + 8;
/** A page ends here however few rows it has. */
const pageBytesMax = 1024 * 1024;

type Shape =
  /** Its text is the value. */
  | 'text'
  | 'bool'
  /** A list of texts. */
  | 'texts'
  | 'other';

function shapeOf({ type, isArray }: Column): Shape {
  if (isArray) return type === 'text' || type === 'varchar' ? 'texts' : 'other';
  if (type === 'bool') return 'bool';
  return type === 'bytea' || type === 'jsonb' ? 'other' : 'text';
}

/** A body holds these in another order than the table. */
const namesMoved = /^(?:\d+|__proto__)$/;

/** Whether `CopyLines` makes of the rows of a table what `lineOf` makes of their objects. */
export const hasLines = ({ columns, isUnique }: Table): boolean =>
  isUnique && !columns.some(({ name }) => namesMoved.test(name));

/** What stands for a byte behind a backslash; any other stands for itself. */
const escaped: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const spelled = (field: string): string | null =>
  field === '\\N' ? null : field.replace(/\\(.)/gs, (_all, letter: string) => escaped[letter] ?? letter);

const controls = Array.from({ length: space }, (_one, code) =>
  Buffer.from(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);
const verticalTab = Buffer.from('\\u000b');
const [nullText, trueText, falseText, emptyList, bodyText] = ['null', 'true', 'false', '[]', bodyBegin].map((text) =>
  Buffer.from(text),
) as [Buffer, Buffer, Buffer, Buffer, Buffer];

/** Short texts are faster byte for byte. */
function copied(text: Buffer, lines: Buffer, to: number): number {
  for (let at = 0; at < text.length; at += 1) lines[to + at] = text[at] ?? 0;
  return to + text.length;
}

export interface PageOfLines {
  readonly rows: number;
  readonly count: number;
  /** `count` lines of objects, `lineBreak` between them. */
  readonly lines: Uint8Array;
  /** Where the last row lies; null where that was not asked for. */
  readonly place: string | null;
  readonly unreadable: number;
}

/** Chunks go in, and pages come out; no more than a page and a chunk are held. */
export class CopyLines {
  readonly #table: Table;
  readonly #type: string;
  readonly #hasPlace: boolean;
  readonly #columns: readonly { readonly column: Column; readonly shape: Shape; readonly name: Buffer }[];
  readonly #begin: Buffer;
  /** Whether the key is the first column alone, and text. */
  readonly #beginsWithKey: boolean;
  readonly #fixedBytes: number;
  /** No whole row yet. */
  #rest: Buffer[] = [];
  #input: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Behind the last whole row of the input. */
  #inputEnd = 0;
  /** Where the text that was copied last ends in the input. */
  #from = 0;
  #lines = Buffer.allocUnsafeSlow(2 * pageBytesMax);
  #end = 0;
  #count = 0;
  #rows = 0;
  /** Rows without an id. */
  #unreadable = 0;

  /** `hasPlace`: behind the columns stands where the row lies in its table (ctid). */
  constructor(type: string, table: Table, hasPlace: boolean) {
    this.#type = type;
    this.#table = table;
    this.#hasPlace = hasPlace;
    this.#columns = table.columns.map((column, at) => ({
      column,
      shape: shapeOf(column),
      name: Buffer.from(`${at === 0 ? '{' : ','}${JSON.stringify(column.name)}:`),
    }));
    this.#begin = Buffer.from(lineBegin(type));
    this.#beginsWithKey =
      table.key.length === 1 && table.key[0] === table.columns[0]?.name && this.#columns[0]?.shape === 'text';
    this.#fixedBytes = this.#columns.reduce((sum, { name }) => sum + name.length + 8, this.#begin.length + 64);
  }

  push(chunk: Buffer): void {
    const wholeEnd = chunk.lastIndexOf(newline) + 1;
    if (wholeEnd === 0) {
      if (chunk.length > 0) this.#rest.push(chunk);
      return;
    }
    this.#input = this.#rest.length === 0 ? chunk : Buffer.concat([...this.#rest, chunk]);
    this.#at = 0;
    this.#inputEnd = this.#input.length - chunk.length + wholeEnd;
    this.#rest = wholeEnd === chunk.length ? [] : [chunk.subarray(wholeEnd)];
  }

  /** Whether a page is full, and must be taken before more is pushed. If not, all that was pushed is in it. */
  fill(rowsMax: number): boolean {
    while (this.#at < this.#inputEnd) {
      const end = this.#input.indexOf(newline, this.#at);
      if (end - this.#at > rowBytesMax || !this.#copyRow(this.#at, end)) this.#spellRow(this.#at, end);
      this.#at = end + 1;
      this.#rows += 1;
      if (this.#rows >= rowsMax || this.#end >= pageBytesMax) return true;
    }
    return false;
  }

  /** What there is since the last page. The memory is its own. */
  page(): PageOfLines {
    const rowEnd = this.#at - 1;
    const place =
      this.#hasPlace && this.#rows > 0
        ? this.#input.toString('latin1', this.#input.lastIndexOf(tab, rowEnd) + 1, rowEnd)
        : null;
    const lines = Buffer.from(this.#lines.subarray(0, this.#end));
    const page = { rows: this.#rows, count: this.#count, lines, place, unreadable: this.#unreadable };
    [this.#rows, this.#count, this.#unreadable, this.#end] = [0, 0, 0, 0];
    return page;
  }

  /** HAZARD: a row that the stream ends in would be missing from what is said to be whole. */
  end(): void {
    if (this.#rest.length > 0) throw notAsAsked();
  }

  /** False where its id must be spelled, or it has none. */
  #copyRow(start: number, end: number): boolean {
    const input = this.#input;
    let lines = this.#reserved(this.#end, (end - start) * growthMax);
    let to = this.#end;
    if (this.#count > 0) {
      lines[to++] = comma;
      lines[to++] = newline;
    }
    to = copied(this.#begin, lines, to);
    if (!this.#beginsWithKey) {
      const id = this.#idIn(start);
      if (id === null) return false;
      to += lines.write(JSON.stringify(id), to);
    } else if (input[start] === tab || start === end || isNull(input, start)) return false;
    else to = this.#copyText(start, lines, to);
    to = copied(bodyText, lines, to);
    let from = start;
    let isFirst = true;
    for (const { column, shape, name } of this.#columns) {
      if (!isFirst && input[from] !== tab) throw notAsAsked();
      if (!isFirst) from += 1;
      isFirst = false;
      to = copied(name, lines, to);
      let after = -1;
      if (isNull(input, from)) {
        after = copied(nullText, lines, to);
        this.#from = from + 2;
      } else if (shape === 'text') after = this.#copyText(from, lines, to);
      else if (shape === 'bool') {
        after = copied(input[from] === lowerT ? trueText : falseText, lines, to);
        this.#from = from + 1;
      } else if (shape === 'texts') after = this.#copyTexts(from, lines, to);
      if (after === -1) {
        const stop = fieldEnd(input, from);
        const value = JSON.stringify(bodyValue(column, spelled(input.toString('utf8', from, stop))));
        lines = this.#reserved(to, Buffer.byteLength(value) + (end - stop) * growthMax);
        after = to + lines.write(value, to);
        this.#from = stop;
      }
      to = after;
      from = this.#from;
    }
    if (this.#hasPlace ? input[from] !== tab || fieldEnd(input, from + 1) !== end : from !== end) throw notAsAsked();
    lines[to++] = closeBrace;
    lines[to++] = closeBrace;
    this.#end = to;
    this.#count += 1;
    return true;
  }

  /** A field as JSON text. */
  #copyText(start: number, lines: Buffer, begin: number): number {
    const input = this.#input;
    let from = start;
    let to = begin;
    lines[to++] = quote;
    for (;;) {
      const byte = input[from] ?? newline;
      if (byte >= space && byte !== quote && byte !== backslash) {
        lines[to++] = byte;
        from += 1;
        continue;
      }
      if (byte === tab || byte === newline) break;
      from += 1;
      if (byte === quote) {
        lines[to++] = backslash;
        lines[to++] = quote;
      } else if (byte === backslash) {
        // \b, \f, \n, \r, \t and \\ are the same in JSON.
        const letter = input[from] ?? backslash;
        from += 1;
        if (letter === lowerV) to = copied(verticalTab, lines, to);
        else {
          lines[to++] = backslash;
          lines[to++] = letter;
        }
      } else to = copied(controls[byte] ?? verticalTab, lines, to);
    }
    lines[to++] = quote;
    this.#from = from;
    return to;
  }

  /** `{a,b}` as a list; -1 where an element is in quotes, may be NULL, or is a list itself. */
  #copyTexts(start: number, lines: Buffer, begin: number): number {
    const input = this.#input;
    let from = start + 1;
    if (input[start] !== openBrace) return -1;
    if (input[from] === closeBrace) {
      this.#from = from + 1;
      return copied(emptyList, lines, begin);
    }
    let to = begin;
    lines[to++] = 0x5b;
    for (;;) {
      if (input[from] === lowerN || input[from] === upperN) return -1;
      lines[to++] = quote;
      for (;;) {
        const byte = input[from] ?? 0;
        if (byte === comma || byte === closeBrace) break;
        if (byte < space || byte === quote || byte === backslash || byte === openBrace) return -1;
        lines[to++] = byte;
        from += 1;
      }
      lines[to++] = quote;
      from += 1;
      if (input[from - 1] === closeBrace) break;
      lines[to++] = comma;
    }
    lines[to++] = 0x5d;
    this.#from = from;
    return to;
  }

  #idIn(start: number): string | null {
    const key: Record<string, Json> = {};
    let from = start;
    for (const { column } of this.#columns) {
      const stop = fieldEnd(this.#input, from);
      if (this.#table.key.includes(column.name))
        key[column.name] = bodyValue(column, spelled(this.#input.toString('utf8', from, stop)));
      from = stop + 1;
    }
    return rowId(key, this.#table.key);
  }

  #fieldsIn(start: number, end: number): TextRow {
    const fields = this.#input.toString('utf8', start, end).split('\t');
    if (fields.length !== this.#columns.length + (this.#hasPlace ? 1 : 0)) throw notAsAsked();
    return fields.map(spelled);
  }

  #spellRow(start: number, end: number): void {
    const body = bodyOf(this.#table, this.#fieldsIn(start, end));
    const id = rowId(body, this.#table.key);
    if (id === null) {
      this.#unreadable += 1;
      return;
    }
    const line = `${this.#count > 0 ? lineBreak : ''}${lineOf({ type: this.#type, id, body })}`;
    const lines = this.#reserved(this.#end, Buffer.byteLength(line));
    this.#end += lines.write(line, this.#end);
    this.#count += 1;
  }

  /** With room for `bytes` and what each row has beside its fields, behind what ends at `end`. */
  #reserved(end: number, bytes: number): Buffer {
    const needed = end + bytes + this.#fixedBytes;
    if (needed > this.#lines.length) {
      const more = Buffer.allocUnsafeSlow(needed + pageBytesMax);
      this.#lines.copy(more, 0, 0, end);
      this.#lines = more;
    }
    return this.#lines;
  }
}

/** A backslash that is meant is written twice, so no text begins like this. */
function isNull(input: Buffer, from: number): boolean {
  return input[from] === backslash && input[from + 1] === upperN;
}

function fieldEnd(input: Buffer, from: number): number {
  let end = from;
  while (input[end] !== tab && input[end] !== newline) end += 1;
  return end;
}

const notAsAsked = (): ConcordatError =>
  new ConcordatError('unexpectedAnswer', 'the database copied rows of another form than was asked for');
