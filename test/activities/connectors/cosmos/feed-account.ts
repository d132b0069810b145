/**
 * An account of Cosmos DB of which only containers, single items and the change feed with deletions are there, for the SDK
 * itself to speak to: ranges that split, a feed that was trimmed, replicas that lag, answers that come twice. Written from the
 * documents of Microsoft; nothing that is neither ours nor theirs tells deletions.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../../../../core/json.js';

interface Change {
  readonly lsn: number;
  readonly place: number;
  readonly body: JsonObject;
}
interface Range {
  readonly id: string;
  /** Of 0 to 255. */
  readonly from: number;
  readonly to: number;
  readonly parents: readonly string[];
}

const hex = (place: number): string => (place === 0 ? '' : place.toString(16).toUpperCase().padStart(2, '0'));
const placeOf = (id: string): number => Number.parseInt(hash('sha256', id).slice(0, 4), 16) % 255;

export class FeedAccount {
  readonly items = new Map<string, JsonObject>();
  readonly faults = {
    /** Pages that are answered twice before the next comes. */
    repeated: false,
    /** Reads of single items answer as before the last change of each. */
    lagging: false,
    /** The next pages of the feed, so many, are answered with a fault. */
    lost: 0,
    /** The account has no continuous backup. */
    notOffered: false,
    forbidden: false,
    /** A deletion is told without its id. */
    nameless: false,
  };
  /** Behind the feed, once, and before items are read: what changes then is told by the next one. */
  afterFeed: (() => void) | null = null;
  readonly asked: string[] = [];
  #rid = 1;
  #lsn = 0;
  #oldest = 0;
  #log: Change[] = [];
  #ranges: Range[] = [{ id: '0', from: 0, to: 255, parents: [] }];
  #gone = new Set<string>();
  #before = new Map<string, JsonObject | null>();
  readonly #repeatedAt = new Set<string>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }
  static async start(): Promise<FeedAccount> {
    const account = new FeedAccount();
    await new Promise<void>((resolve) => account.#server.listen(0, '127.0.0.1', resolve));
    return account;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Made or replaced; deleted without a value. `key`: as in a native id of two parts, or of one. */
  write(id: string, value: Json | undefined, partition = id): void {
    const key = JSON.stringify([partition, id]);
    const previous = this.items.get(key);
    if (value === undefined && previous === undefined) return;
    this.#lsn += 1;
    this.#before.set(key, previous ?? null);
    const operationType = value === undefined ? 'delete' : previous === undefined ? 'create' : 'replace';
    const current = { id, left: partition, value: value ?? null, _etag: `"${this.#lsn}"`, _rid: 'x', _ts: this.#lsn };
    if (value === undefined) this.items.delete(key);
    else this.items.set(key, current);
    const body: JsonObject = {
      ...(value === undefined ? {} : { current }),
      metadata: {
        operationType,
        lsn: this.#lsn,
        crts: this.#lsn,
        ...(value === undefined && !this.faults.nameless ? { id, partitionKey: { id, left: partition } } : {}),
      },
    };
    this.#log.push({ lsn: this.#lsn, place: placeOf(partition), body });
  }
  /** Every replica has what the feed told. */
  settle(): void {
    this.#before.clear();
  }
  /** The range with this number, of those that are there, becomes two. */
  split(at: number): void {
    const range = this.#ranges[at % this.#ranges.length];
    if (!range || range.to - range.from < 2) return;
    const middle = (range.from + range.to) >> 1;
    const parents = [...range.parents, range.id];
    const next = this.#ranges.length * 10 + this.#gone.size;
    this.#gone.add(range.id);
    this.#ranges = this.#ranges.flatMap((one) =>
      one === range
        ? [
            { id: `${next}a`, from: range.from, to: middle, parents },
            { id: `${next}b`, from: middle, to: range.to, parents },
          ]
        : [one],
    );
  }
  /** What was told so far is beyond the backup. */
  trim(): void {
    this.#oldest = this.#lsn;
    this.#log = [];
  }
  /** Deleted and made again under its name, with nothing in it. */
  makeAnew(): void {
    this.#rid += 1;
    this.items.clear();
    this.#before.clear();
    this.#log = [];
    this.#ranges = [{ id: `${this.#rid}`, from: 0, to: 255, parents: [] }];
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { pathname } = new URL(request.url ?? '/', this.endpoint);
    const send = (status: number, body: Json, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(status === 304 ? '' : JSON.stringify(body));
    };
    const [, , , , , kind, id] = pathname.split('/');
    if (pathname === '/') {
      const location = { name: 'here', databaseAccountEndpoint: this.endpoint };
      send(200, { writableLocations: [location], readableLocations: [location] });
    } else if (kind === undefined) {
      this.asked.push('container');
      const partitionKey = { paths: ['/left'], kind: 'Hash', version: 2 };
      send(200, { id: 'pairs', _rid: `rid${this.#rid}`, partitionKey });
    } else if (kind === 'pkranges') {
      const ranges = this.#ranges.map(({ id: one, from, to, parents }) => ({
        id: one,
        minInclusive: hex(from),
        maxExclusive: hex(to),
        parents: [...parents],
      }));
      send(200, { PartitionKeyRanges: ranges });
    } else if (id !== undefined) {
      this.asked.push('item');
      const [partition] = JSON.parse(String(request.headers['x-ms-documentdb-partitionkey'])) as string[];
      const key = JSON.stringify([partition, decodeURIComponent(id)]);
      const shown = this.faults.lagging && this.#before.has(key) ? this.#before.get(key) : this.items.get(key);
      if (shown) send(200, shown);
      else send(404, { code: 'NotFound', message: 'of the secret item' });
    } else this.#feed(request, send);
  }

  #feed(request: IncomingMessage, send: (status: number, body: Json, headers?: Record<string, string>) => void): void {
    this.asked.push(String(request.headers['a-im']));
    if (this.faults.forbidden) return send(403, { code: 'Forbidden', message: 'of the secret item' });
    if (this.faults.notOffered) return send(400, { code: 'BadRequest', message: 'of the secret item' });
    if (this.faults.lost > 0) {
      this.faults.lost -= 1;
      return send(500, { code: 'InternalServerError', message: '' });
    }
    const rangeId = String(request.headers['x-ms-documentdb-partitionkeyrangeid']);
    const range = this.#ranges.find((one) => one.id === rangeId);
    if (!range) return send(410, { code: 'Gone', message: '' }, { 'x-ms-substatus': '1002' });
    const ifNoneMatch = String(request.headers['if-none-match'] ?? '');
    const after = ifNoneMatch === '*' ? this.#lsn : Number(ifNoneMatch.replaceAll('"', '') || 0);
    if (ifNoneMatch !== '*' && after < this.#oldest) return send(400, { code: 'BadRequest', message: 'expired' });
    const most = Number(request.headers['x-ms-max-item-count'] ?? 100);
    const changes = this.#log
      .filter(({ lsn, place }) => lsn > after && place >= range.from && place < range.to)
      .slice(0, most);
    const last = changes.at(-1)?.lsn;
    if (last === undefined) {
      const { afterFeed } = this;
      this.afterFeed = null;
      afterFeed?.();
      return send(304, null, { etag: `"${Math.max(after, this.#oldest)}"` });
    }
    const again = `${range.id} ${after}`;
    const isRepeated = this.faults.repeated && !this.#repeatedAt.has(again);
    this.#repeatedAt.add(again);
    const Documents = [...changes, ...(isRepeated ? changes : [])].map(({ body }) => body);
    send(200, { Documents, _count: Documents.length }, { etag: `"${isRepeated ? after : last}"` });
  }
}
