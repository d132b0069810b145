/**
 * Reading and writing many entities: those of one partition in one transaction, the others side by side. Each keeps the
 * condition that a single write of it has.
 *
 * HAZARD: one write that cannot be made takes back its whole transaction. It is then sent by itself, which says of it what a
 * single write says, and the others again without it.
 */
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import type { NativeObject } from '../../../core/record.js';
import { certainCode, isRefusal, type AzureAnswer } from '../../azure-storage.js';
import { sideBySide } from '../../side-by-side.js';
import type { BatchAnswer, Batches, BatchWatch, NativeWrite } from '../connector.js';
import type { AzureTablesClient } from './client.js';
import { tableOf } from './config.js';
import { objectOf } from './read.js';
import { entitiesOf } from './read-many.js';
import { bytesMax, entitiesMax, partOf, sendTransaction, TransactionFailure, type Part } from './transaction.js';
import type { Entity } from './wire.js';
import { executeWrite, readyFor, sendAlone, type ReadyWrite } from './write.js';

const entitiesOfBatch = 500;
const requestsAtOnce = 25;
const transactionsAtOnce = 5;
/** As often as one write after the other takes a transaction back, before the rest is sent one by one. */
const takenBackMax = 3;

export function azureTablesBatches(client: AzureTablesClient): Batches {
  /** Of the read right before: what `writeMany` need not read again. */
  const before = new Map<string, Entity>();
  const nameOf = (type: string, id: string): string => `${type} ${id}`;
  let http: HttpClient | undefined;
  return {
    objectsMax: entitiesOfBatch,
    readMany: async (type, ids) => {
      const table = tableOf(client.mesh, type);
      before.clear();
      const objects = new Map<string, NativeObject>();
      for (const [id, entity] of await entitiesOf(client, type, ids)) {
        before.set(nameOf(type, id), entity);
        const object = objectOf(table, type, entity);
        if (object) objects.set(id, object);
      }
      return objects;
    },
    writeMany: async (writes, watch) => {
      const batch = new Batch(client, (http ??= createDefaultHttpClient()), watch);
      return batch.write(writes, (type, id) => before.get(nameOf(type, id)));
    },
  };
}

/** What comes of sending a transaction once. */
type Sent =
  | { readonly kind: 'made' }
  /** Nothing of it was made, because of the write at this place; undefined where Azure does not say which. */
  | { readonly kind: 'takenBack'; readonly at: number | undefined }
  | Extract<BatchAnswer, { readonly kind: 'refused' | 'unknown' | 'conflict' }>;

interface Placed {
  readonly at: number;
  readonly part: Part;
}

class Batch {
  readonly #client: AzureTablesClient;
  readonly #http: HttpClient;
  readonly #watch: BatchWatch;
  readonly #answers: BatchAnswer[] = [];
  /** Nothing more is sent once an effect is unknown; what is on its way is waited for. */
  #isOver = false;

  constructor(client: AzureTablesClient, http: HttpClient, watch: BatchWatch = {}) {
    this.#client = client;
    this.#http = http;
    this.#watch = watch;
  }

  async write(
    writes: readonly NativeWrite[],
    readBefore: (type: string, id: string) => Entity | undefined,
  ): Promise<readonly BatchAnswer[]> {
    const alone: { readonly at: number; readonly ready: ReadyWrite }[] = [];
    const placed: Placed[] = [];
    await sideBySide([...writes.keys()], requestsAtOnce, async (at) => {
      const write = writes[at] as NativeWrite;
      if (!this.#mayGoOn()) return this.#answer(at, { kind: 'notSent' });
      const ready = await readyFor(this.#client, write, readBefore);
      if (ready.kind !== 'ready') return this.#answer(at, ready);
      placed.push({ at, part: partOf(tableOf(this.#client.mesh, write.type).table, ready) });
    });
    placed.sort((left, right) => left.at - right.at);
    const together: (readonly Placed[])[] = [];
    for (const group of transactionsOf(placed))
      if (group.length > 1) together.push(group);
      else for (const { at, part } of group) alone.push({ at, ready: part.ready });
    const again = await sideBySide(together, transactionsAtOnce, (group) => this.#together(group));
    await sideBySide(alone, requestsAtOnce, ({ at, ready }) =>
      this.#alone(at, () => sendAlone(this.#client, ready, this.#watch.announce)),
    );
    // Read anew: what took the transaction back may be that they changed meanwhile.
    await sideBySide(again.flat(), requestsAtOnce, ({ at, part }) =>
      this.#alone(at, () => executeWrite(this.#client, part.ready.write, this.#watch.announce)),
    );
    return this.#answers;
  }

  #mayGoOn(): boolean {
    return !this.#isOver && this.#watch.mayGoOn?.() !== false;
  }

  #answer(at: number, answer: BatchAnswer): void {
    this.#answers[at] = answer;
    if (answer.kind === 'unknown') this.#isOver = true;
  }

  async #alone(at: number, send: () => Promise<BatchAnswer>): Promise<void> {
    this.#answer(at, this.#mayGoOn() ? await send() : { kind: 'notSent' });
  }

  /** What is to be sent one by one. */
  async #together(group: readonly Placed[]): Promise<readonly Placed[]> {
    const alone: Placed[] = [];
    let left = group;
    for (let takenBack = 0; takenBack < takenBackMax && left.length > 1; takenBack += 1) {
      if (!this.#mayGoOn()) break;
      await this.#watch.announce?.();
      const sent = await this.#send(left.map(({ part }) => part));
      if (sent.kind !== 'takenBack') {
        for (const { at, part } of left)
          this.#answer(at, sent.kind === 'made' ? { kind: 'applied', id: part.ready.id } : sent);
        return alone;
      }
      const failed = left[sent.at ?? left.length];
      if (!failed) break;
      alone.push(failed);
      left = left.filter((one) => one !== failed);
    }
    return [...alone, ...left];
  }

  async #send(parts: readonly Part[]): Promise<Sent> {
    const [first] = parts;
    if (!first) return { kind: 'made' };
    let failedAt: number | undefined;
    let isTakenBack = false;
    const failed = await this.#client.writeOnce(
      first.ready.write.type,
      'EntityGroupTransaction',
      async (sdk, abortSignal) => {
        try {
          await sendTransaction(sdk, this.#http, parts, abortSignal);
          return {};
        } catch (error) {
          if (error instanceof TransactionFailure) ({ failedAt } = error);
          throw error;
        }
      },
      (answer) => {
        isTakenBack = isOfOneWrite(answer);
        return undefined;
      },
    );
    if (isTakenBack) return { kind: 'takenBack', at: failedAt };
    return failed ?? { kind: 'made' };
  }
}

/** Whether a refusal is about one of the writes, or about how much there is of them; else it is about all of them alike. */
function isOfOneWrite(answer: AzureAnswer): boolean {
  if (!isRefusal(answer) || certainCode(answer) !== undefined) return false;
  return answer.status !== 404 || answer.code === 'ResourceNotFound';
}

/** Of one table and partition, within what a transaction takes. */
function transactionsOf(placed: readonly Placed[]): readonly (readonly Placed[])[] {
  const open = new Map<string, { group: Placed[]; bytes: number }>();
  const groups: Placed[][] = [];
  for (const one of placed) {
    const { ready, bytes } = one.part;
    const name = JSON.stringify([ready.write.type, ready.key.partitionKey]);
    let last = open.get(name);
    if (!last || last.group.length >= entitiesMax || last.bytes + bytes > bytesMax) {
      last = { group: [], bytes: 0 };
      groups.push(last.group);
      open.set(name, last);
    }
    last.group.push(one);
    last.bytes += bytes + partBytes;
  }
  return groups;
}

/** What stands around an entity in the request, at most. */
const partBytes = 1_024;
