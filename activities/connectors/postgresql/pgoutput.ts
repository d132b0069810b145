/**
 * Messages of the output plugin pgoutput, protocol version 1: which rows a transaction touched.
 * https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html
 */

/** Column name → its text; null for SQL null, undefined for a value that was not sent (TOAST, not of the identity). */
export type TouchedRow = ReadonlyMap<string, string | null | undefined>;

export type PgoutputMessage =
  | { readonly kind: 'begin'; readonly xid: number; readonly commitLsn: bigint }
  | { readonly kind: 'commit'; readonly endLsn: bigint }
  | { readonly kind: 'rows'; readonly relation: Relation; readonly rows: readonly TouchedRow[] }
  | { readonly kind: 'truncate'; readonly relations: readonly Relation[] }
  | { readonly kind: 'other' };

export interface Relation {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** Messages name a relation once and then by a number, so one parser reads one stream in its order. Throws RangeError or Error on what is none. */
export class PgoutputParser {
  readonly #relations = new Map<number, Relation>();

  parse(bytes: Buffer): PgoutputMessage {
    const reader = new MessageReader(bytes);
    switch (reader.character()) {
      case 'B': {
        const commitLsn = reader.long();
        reader.skip(8);
        return { kind: 'begin', commitLsn, xid: reader.integer(4) };
      }
      case 'C':
        reader.skip(9);
        return { kind: 'commit', endLsn: reader.long() };
      case 'R': {
        const number = reader.integer(4);
        const [schema, table] = [reader.text(), reader.text()];
        reader.skip(1);
        const columns = Array.from({ length: reader.integer(2) }, () => {
          reader.skip(1);
          const name = reader.text();
          reader.skip(8);
          return name;
        });
        this.#relations.set(number, { schema, table, columns });
        return { kind: 'other' };
      }
      case 'I':
      case 'U':
      case 'D': {
        const relation = this.#relation(reader.integer(4));
        const rows: TouchedRow[] = [];
        while (!reader.ended) {
          reader.skip(1);
          rows.push(reader.row(relation.columns));
        }
        return { kind: 'rows', relation, rows };
      }
      case 'T': {
        const count = reader.integer(4);
        reader.skip(1);
        const relations = Array.from({ length: count }, () => this.#relation(reader.integer(4)));
        return { kind: 'truncate', relations };
      }
      default:
        return { kind: 'other' };
    }
  }

  #relation(number: number): Relation {
    const relation = this.#relations.get(number);
    if (!relation) throw new Error('a change of a relation that was not described');
    return relation;
  }
}

class MessageReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }
  skip(bytes: number): void {
    this.#at += bytes;
  }
  character(): string {
    return String.fromCharCode(this.integer(1));
  }
  integer(bytes: number): number {
    const value = this.#bytes.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }
  long(): bigint {
    const value = this.#bytes.readBigUInt64BE(this.#at);
    this.#at += 8;
    return value;
  }
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new RangeError('a text without an end');
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return value;
  }
  row(columns: readonly string[]): TouchedRow {
    const row = new Map<string, string | null | undefined>();
    const count = this.integer(2);
    for (let index = 0; index < count; index += 1) {
      const kind = this.character();
      let value: string | null | undefined = kind === 'n' ? null : undefined;
      if (kind === 't' || kind === 'b') {
        const length = this.integer(4);
        if (this.#at + length > this.#bytes.length) throw new RangeError('a value is cut off');
        if (kind === 't') value = this.#bytes.toString('utf8', this.#at, this.#at + length);
        this.#at += length;
      }
      row.set(columns[index] ?? '', value);
    }
    return row;
  }
}
