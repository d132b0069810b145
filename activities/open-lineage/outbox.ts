/**
 * Events on their way to an OpenLineage endpoint, in the exchange store under the coordinator's prefix.
 *
 *   waiting/<time>-<run id>-<1|2>   the event, as it will be posted
 *   posted/<same name>              taken by the endpoint; empty
 *   refused/<same name>             what the endpoint said, and the event
 *
 * Names are in the order of the events, START (1) before the end of its run (2), and follow from the run alone: an event
 * that is put twice is put once. The mark is made before what waits is removed, so a crash between post and mark posts
 * the event again and one after it does not: at least once, and receivers know an event by its run and type.
 */
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import type { RunEvent } from '../../core/open-lineage/run-event.js';
import type { ObjectStore } from '../store.js';

/** The prefix of the coordinator: no authority is called that. */
const root = 'federation/open-lineage';
const EventName = /^[0-9]{15}-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[12]$/;

/** More than that wait in Temporal itself, whose histories they are made from. */
export const waitingMax = 10_000;

const Refusal = z.object({
  status: z.int(),
  answer: z.string(),
  at: z.string(),
  event: z.string(),
});
export interface RefusedEvent {
  readonly name: string;
  readonly status: number;
  readonly answer: string;
  readonly at: string;
  readonly event: string;
}

/** Why nothing goes out just now; gone as soon as an event is taken. */
export const Trouble = z.object({
  kind: z.enum(['later', 'closed', 'unreachable']),
  status: z.int().nullable(),
  reason: z.string().nullable(),
  since: z.string(),
});
export type Trouble = z.infer<typeof Trouble>;

export interface Outbox {
  /** Returns false where it is there already, waiting, posted or refused. */
  add(event: RunEvent): Promise<boolean>;
  has(event: Pick<RunEvent, 'eventType' | 'eventTime' | 'run'>): Promise<boolean>;
  /** Names, in the order in which they are to be posted. */
  waiting(): Promise<readonly string[]>;
  /** null where another worker has taken it away. */
  read(name: string): Promise<Uint8Array | null>;
  isPosted(name: string): Promise<boolean>;
  markPosted(name: string): Promise<void>;
  refuse(
    name: string,
    refusal: { readonly status: number; readonly answer: string; readonly at: string },
  ): Promise<void>;
  refused(): Promise<readonly RefusedEvent[]>;
  /** Puts refused events back to wait. Returns how many. */
  retryRefused(): Promise<number>;
  trouble(): Promise<Trouble | null>;
  setTrouble(trouble: Trouble | null): Promise<void>;
  /** Since when runs are told: the first call decides, and is kept. */
  toldSince(nowMs: number): Promise<number>;
  /** Forgets what was posted or refused before. */
  forget(before: { readonly postedMs: number; readonly refusedMs: number }): Promise<void>;
}

export function runOfName(name: string): string {
  return EventName.exec(name)?.[1] ?? name;
}

export function eventName({ eventType, eventTime, run }: Pick<RunEvent, 'eventType' | 'eventTime' | 'run'>): string {
  const atMs = Date.parse(eventTime);
  return `${String(atMs).padStart(15, '0')}-${run.runId}-${eventType === 'START' ? 1 : 2}`;
}

export function createOutbox(store: ObjectStore): Outbox {
  const place = (folder: 'waiting' | 'posted' | 'refused', name: string): string => `${root}/${folder}/${name}`;
  const namesIn = async (folder: 'waiting' | 'posted' | 'refused'): Promise<readonly string[]> => {
    const prefix = `${root}/${folder}/`;
    const names = (await store.list(prefix)).map((name) => name.slice(prefix.length));
    // Whoever may write to the folder may put anything in it: only what add names is posted.
    return names.filter((name) => EventName.test(name));
  };
  const nothing = new Uint8Array();
  const has: Outbox['has'] = async (event) => {
    const name = eventName(event);
    for (const folder of ['posted', 'waiting', 'refused'] as const)
      if ((await store.get(place(folder, name))) !== null) return true;
    return false;
  };
  const refused: Outbox['refused'] = async () => {
    const found: RefusedEvent[] = [];
    for (const name of await namesIn('refused')) {
      const bytes = await store.get(place('refused', name));
      if (bytes === null) continue;
      const refusal = parsed(Refusal, bytes);
      found.push({ name, ...(refusal ?? { status: 0, answer: 'unreadable', at: '', event: '' }) });
    }
    return found;
  };
  return {
    has,
    add: async (event) => {
      if (await has(event)) return false;
      return store.putIfAbsent(place('waiting', eventName(event)), encode(event));
    },
    waiting: () => namesIn('waiting'),
    read: (name) => store.get(place('waiting', name)),
    isPosted: async (name) => (await store.get(place('posted', name))) !== null,
    markPosted: async (name) => {
      await store.putIfAbsent(place('posted', name), nothing);
      await store.remove(place('waiting', name));
    },
    refuse: async (name, { status, answer, at }) => {
      const event = await store.get(place('waiting', name));
      if (event === null) return;
      await store.putIfAbsent(
        place('refused', name),
        encode({ status, answer, at, event: new TextDecoder().decode(event) }),
      );
      await store.remove(place('waiting', name));
    },
    refused,
    retryRefused: async () => {
      let count = 0;
      for (const { name, event } of await refused()) {
        if (event === '') continue;
        await store.putIfAbsent(place('waiting', name), new TextEncoder().encode(event));
        await store.remove(place('refused', name));
        count += 1;
      }
      return count;
    },
    trouble: async () => {
      const [name] = await store.list(`${root}/trouble/`);
      const bytes = name === undefined ? null : await store.get(name);
      return bytes === null ? null : parsed(Trouble, bytes);
    },
    setTrouble: async (trouble) => {
      for (const name of await store.list(`${root}/trouble/`)) await store.remove(name);
      if (trouble) await store.putIfAbsent(`${root}/trouble/now`, encode(trouble));
    },
    toldSince: async (nowMs) => {
      const name = `${root}/told-since`;
      await store.putIfAbsent(name, encode({ ms: nowMs }));
      const since = parsed(z.object({ ms: z.int() }), (await store.get(name)) ?? nothing);
      if (!since) throw new ConcordatError('storeFault', `${name} is not what was written`);
      return since.ms;
    },
    forget: async ({ postedMs, refusedMs }) => {
      for (const [folder, beforeMs] of [
        ['posted', postedMs],
        ['refused', refusedMs],
      ] as const)
        for (const name of await namesIn(folder))
          if (Number(name.slice(0, 15)) < beforeMs) await store.remove(place(folder, name));
    },
  };
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function parsed<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array): z.infer<Schema> | null {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch {
    return null;
  }
}
