/** Events from the outbox to an endpoint over real HTTP: what it gets, in which order, and what becomes of what it will not take. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDrain, type Drain } from '../../../activities/open-lineage/drain.js';
import { createOutbox, eventName, type Outbox } from '../../../activities/open-lineage/outbox.js';
import { postEventTo, retryAfterMs } from '../../../activities/open-lineage/post-event.js';
import { lineageRunId, nameUuid } from '../../../activities/open-lineage/run-id.js';
import { lineageSettings } from '../../../activities/open-lineage/settings.js';
import { createTurns } from '../../../activities/open-lineage/turns.js';
import { createFileStore } from '../../../activities/store-files.js';
import type { ObjectStore } from '../../../activities/store.js';
import type { EventType, RunEvent } from '../../../core/open-lineage/run-event.js';
import { startReceiver, type Receiver } from './receiver.js';

let folder: string;
let store: ObjectStore;
let outbox: Outbox;
let receiver: Receiver;
let nowMs: number;
const now = (): number => nowMs;
const going = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-outbox-'));
  store = createFileStore(folder);
  outbox = createOutbox(store);
  receiver = await startReceiver();
  nowMs = Date.parse('2026-11-22T10:00:00Z');
});
afterEach(async () => {
  await receiver.close();
  await rm(folder, { recursive: true, force: true });
});

const eventOf = (run: number, eventType: EventType, second = run): RunEvent => ({
  eventType,
  eventTime: new Date(Date.parse('2026-11-22T09:00:00Z') + second * 1_000).toISOString(),
  producer: 'urn:concordat:producer:0.1.0',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: lineageRunId('demo', 'reconcile/workforce', String(run)), facets: {} },
  job: { namespace: 'concordat://demo', name: 'workforce.reconcile', facets: {} },
  inputs: [],
  outputs: [],
});
const addRuns = async (count: number): Promise<void> => {
  for (let run = 0; run < count; run += 1) {
    await outbox.add(eventOf(run, 'COMPLETE', 10 * run + 5));
    await outbox.add(eventOf(run, 'START', 10 * run));
  }
};
const drainTo = (given: Partial<Parameters<typeof createDrain>[0]> = {}, timeoutMs = 5_000, from = outbox): Drain =>
  createDrain({
    outbox: from,
    post: postEventTo({ address: new URL(`${receiver.url}/api/v1/lineage`), apiKey: 'k-123', timeoutMs }, now),
    now,
    random: () => 1,
    ...given,
  });
/** Of each posted event its run, by number of appearance, and its type. */
const came = (): readonly string[] => {
  const runs: string[] = [];
  return receiver.posted.map(({ event }) => {
    if (!runs.includes(event.run.runId)) runs.push(event.run.runId);
    return `${runs.indexOf(event.run.runId)} ${event.eventType}`;
  });
};

describe('an endpoint that takes events', () => {
  it('gets each once, START before the end of its run, in the order of time, with the key', async () => {
    await addRuns(2);
    expect(await drainTo().pass(going)).toMatchObject({ posted: 4, waiting: 0, trouble: null });
    expect(came()).toEqual(['0 START', '0 COMPLETE', '1 START', '1 COMPLETE']);
    expect(receiver.posted[0]).toMatchObject({ path: '/api/v1/lineage', authorization: 'Bearer k-123' });
    expect(await drainTo().pass(going)).toMatchObject({ posted: 0, waiting: 0 });
    expect(receiver.posted).toHaveLength(4);
  });

  it('gets START first also where both are of one millisecond', async () => {
    await outbox.add(eventOf(1, 'FAIL', 7));
    await outbox.add(eventOf(1, 'START', 7));
    await drainTo().pass(going);
    expect(came()).toEqual(['0 START', '0 FAIL']);
  });

  it('gets an event once that is put again after it was posted', async () => {
    await addRuns(1);
    await drainTo().pass(going);
    await addRuns(1);
    await drainTo().pass(going);
    expect(receiver.posted).toHaveLength(2);
  });
});

describe('an endpoint in trouble', () => {
  it('that is down is asked ever more seldom, and gets everything once it is up', async () => {
    await addRuns(2);
    receiver.always = 'drop';
    const drain = drainTo();
    const asked: number[] = [];
    for (const end = nowMs + 60_000; nowMs < end; nowMs += 500) {
      const before = receiver.posted.length;
      await drain.pass(going);
      if (receiver.posted.length > before) asked.push(nowMs);
    }
    const gaps = asked.slice(1).map((at, position) => at - (asked[position] ?? 0));
    expect(gaps).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(await outbox.trouble()).toMatchObject({ kind: 'unreachable', reason: 'noAnswer' });
    receiver.always = { status: 201 };
    receiver.posted.length = 0;
    nowMs += 300_000;
    expect(await drain.pass(going)).toMatchObject({ posted: 4, trouble: null });
    expect(came()).toEqual(['0 START', '0 COMPLETE', '1 START', '1 COMPLETE']);
    expect(await outbox.trouble()).toBeNull();
  });

  it('that chokes on one event holds back the end of that run and nothing else', async () => {
    await addRuns(3);
    const [choking] = await outbox.waiting();
    const run = choking?.slice(16, 52);
    receiver.decide = ({ event }) => (event.run.runId === run ? { status: 500 } : undefined);
    expect(await drainTo().pass(going)).toMatchObject({ posted: 4, waiting: 2, trouble: null });
    expect(came()).toEqual(['0 START', '1 START', '1 COMPLETE', '2 START', '2 COMPLETE']);
  });

  it('that fails for all is left alone after three', async () => {
    await addRuns(5);
    receiver.always = { status: 503 };
    expect(await drainTo().pass(going)).toMatchObject({
      posted: 0,
      waiting: 10,
      trouble: { kind: 'later', status: 503 },
    });
    expect(receiver.posted).toHaveLength(3);
  });

  it('that asks to wait is not asked before', async () => {
    await addRuns(1);
    receiver.script.push({ status: 429, headers: { 'retry-after': '90' } });
    const drain = drainTo();
    await drain.pass(going);
    nowMs += 89_000;
    await drain.pass(going);
    expect(receiver.posted).toHaveLength(1);
    nowMs += 1_000;
    expect(await drain.pass(going)).toMatchObject({ posted: 2 });
  });

  it('that is slow costs its timeout, once a pass, and loses nothing', async () => {
    await addRuns(3);
    receiver.script.push('hang');
    const drain = drainTo({}, 1_500);
    expect(await drain.pass(going)).toMatchObject({ posted: 0, waiting: 6, trouble: { reason: 'tooSlow' } });
    expect(receiver.posted).toHaveLength(1);
    nowMs += 1_000;
    expect(await drain.pass(going)).toMatchObject({ posted: 6, trouble: null });
  });

  it.each([401, 403, 404, 302])(
    'that answers %i will hear nothing for a while, and no event is given up for it',
    async (status) => {
      await addRuns(2);
      receiver.script.push({ status, headers: { location: 'http://127.0.0.1:1/elsewhere' } });
      const drain = drainTo();
      expect(await drain.pass(going)).toMatchObject({ refused: 0, waiting: 4, trouble: { kind: 'closed', status } });
      expect(receiver.posted).toHaveLength(1);
      nowMs += 1_000;
      expect(await drain.pass(going)).toMatchObject({ posted: 4 });
    },
  );

  it('that is being waited for is let go at once by a worker that stops', async () => {
    await addRuns(1);
    receiver.always = 'hang';
    const stopping = new AbortController();
    receiver.decide = () => {
      setImmediate(() => stopping.abort());
      return 'hang';
    };
    expect(await drainTo({}, 60_000).pass(stopping.signal)).toMatchObject({ posted: 0, waiting: 2, trouble: null });
  });
});

describe('an event that the endpoint refuses', () => {
  it('is parked with what the endpoint said, the others go on, and it is sent again when asked', async () => {
    await addRuns(2);
    receiver.script.push({ status: 400, text: `bad facet ${'x'.repeat(5_000)}` });
    expect(await drainTo().pass(going)).toMatchObject({ posted: 3, refused: 1, waiting: 0 });
    const [refused, ...others] = await outbox.refused();
    expect(others).toEqual([]);
    expect(refused).toMatchObject({ status: 400, at: '2026-11-22T10:00:00.000Z' });
    expect(refused?.answer).toMatch(/^bad facet x+$/);
    expect(refused?.answer.length).toBe(300);
    await addRuns(2);
    expect(await outbox.waiting()).toEqual([]);
    expect(await outbox.retryRefused()).toBe(1);
    expect(await drainTo().pass(going)).toMatchObject({ posted: 1 });
    expect(receiver.posted[4]?.body).toBe(receiver.posted[0]?.body);
    expect(await outbox.refused()).toEqual([]);
  });

  it.each([408, 425, 429])('is not one that is answered %i', async (status) => {
    await addRuns(1);
    receiver.script.push({ status });
    expect(await drainTo().pass(going)).toMatchObject({ refused: 0, waiting: 2 });
  });
});

describe('a worker that ends at the worst moment', () => {
  it('between post and mark posts again the same event, and the end of the run only after it', async () => {
    await addRuns(1);
    const dying: ObjectStore = new Proxy(store, {
      get: (target, name) =>
        name === 'putIfAbsent'
          ? (at: string, bytes: Uint8Array) =>
              at.includes('/posted/') ? Promise.reject(new Error('killed')) : target.putIfAbsent(at, bytes)
          : (target[name as keyof ObjectStore] as (...given: unknown[]) => unknown).bind(target),
    });
    await expect(drainTo({}, 5_000, createOutbox(dying)).pass(going)).rejects.toThrow('killed');
    expect(await drainTo().pass(going)).toMatchObject({ posted: 2 });
    expect(came()).toEqual(['0 START', '0 START', '0 COMPLETE']);
    expect(receiver.posted[1]?.body).toBe(receiver.posted[0]?.body);
  });

  it('between mark and removal posts nothing again', async () => {
    await addRuns(1);
    const dying: ObjectStore = new Proxy(store, {
      get: (target, name) =>
        name === 'remove'
          ? () => Promise.reject(new Error('killed'))
          : (target[name as keyof ObjectStore] as (...given: unknown[]) => unknown).bind(target),
    });
    await expect(drainTo({}, 5_000, createOutbox(dying)).pass(going)).rejects.toThrow('killed');
    expect(await drainTo().pass(going)).toMatchObject({ posted: 1, waiting: 0 });
    expect(came()).toEqual(['0 START', '0 COMPLETE']);
    expect(await outbox.waiting()).toEqual([]);
  });
});

describe('two workers side by side', () => {
  it('take turns: one goes on while it lives, the other follows when it is gone', async () => {
    const turnsOf = () => createTurns({ store, turnMs: 1_000, workMs: 200, now });
    const [first, second] = [turnsOf(), turnsOf()];
    for (let step = 0; step < 30; step += 1) {
      expect(await first.mine()).toBe(true);
      expect(await second.mine()).toBe(false);
      nowMs += 100;
    }
    let waitedMs = 0;
    while (!(await second.mine())) {
      nowMs += 100;
      waitedMs += 100;
    }
    expect(waitedMs).toBeLessThanOrEqual(2_000);
    expect(await first.mine()).toBe(false);
    await second.leave();
    expect(await first.mine()).toBe(true);
    expect((await store.list('federation/open-lineage/turns/')).length).toBeLessThanOrEqual(3);
  });

  it('begin nothing that would reach into the turn of the other', async () => {
    nowMs = 1_000 * Math.floor(nowMs / 1_000);
    const first = createTurns({ store, turnMs: 1_000, workMs: 200, now });
    const ahead = createTurns({ store, turnMs: 1_000, workMs: 200, now: () => nowMs + 1_000 });
    expect(await first.mine()).toBe(true);
    expect(await ahead.mine()).toBe(true);
    nowMs += 700;
    expect(await first.mine()).toBe(true);
    nowMs += 150;
    expect(await first.mine()).toBe(false);
  });

  it('that both post all the same make an event come twice, never lose it', async () => {
    await addRuns(4);
    await Promise.all([drainTo().pass(going), drainTo().pass(going)]);
    const bodies = new Set(receiver.posted.map(({ body }) => body));
    expect(bodies.size).toBe(8);
    expect(await outbox.waiting()).toEqual([]);
  });
});

describe('what else lies in the folder', () => {
  it('is not posted, whoever put it there', async () => {
    await store.putIfAbsent('federation/open-lineage/waiting/zzz', new TextEncoder().encode('{"secret":1}'));
    expect(await drainTo().pass(going)).toMatchObject({ posted: 0, waiting: 0 });
  });

  it('is forgotten in time: marks after they can matter no more', async () => {
    await addRuns(1);
    await drainTo().pass(going);
    expect(await outbox.has(eventOf(0, 'START', 0))).toBe(true);
    await outbox.forget({ postedMs: Date.parse('2026-11-22T09:00:01Z'), refusedMs: 0 });
    expect(await outbox.has(eventOf(0, 'START', 0))).toBe(false);
    expect(await outbox.has(eventOf(0, 'COMPLETE', 5))).toBe(true);
  });
});

describe('settings', () => {
  it.each([
    ['https://lineage.example.org', {}, 'https://lineage.example.org/api/v1/lineage'],
    ['https://lineage.example.org/base/', {}, 'https://lineage.example.org/base/api/v1/lineage'],
    ['http://localhost:5000', { OPENLINEAGE_ENDPOINT: '/api/lineage' }, 'http://localhost:5000/api/lineage'],
    ['https://lineage.example.org?team=a', {}, 'https://lineage.example.org/api/v1/lineage?team=a'],
  ])('%s leads to the address that the clients of OpenLineage would use', (url, more, address) => {
    expect(lineageSettings({ OPENLINEAGE_URL: url, ...more })?.address.href).toBe(address);
  });

  it('are none without an address or where events are switched off', () => {
    expect(lineageSettings({})).toBeNull();
    expect(lineageSettings({ OPENLINEAGE_URL: 'https://x.example', OPENLINEAGE_DISABLED: 'true' })).toBeNull();
  });

  it.each(['ftp://x.example', 'lineage', 'https://user:hunter2@x.example'])(
    'refuse %s and quote nothing of it',
    (url) => {
      expect(() => lineageSettings({ OPENLINEAGE_URL: url })).toThrow('OPENLINEAGE_URL must');
      expect(() => lineageSettings({ OPENLINEAGE_URL: url })).not.toThrow('hunter2');
    },
  );
});

it('run ids are UUIDs by name as RFC 9562 makes them, one for each execution', () => {
  // The example of RFC 9562, appendix A.4, is of the DNS namespace.
  expect(nameUuid('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
  expect(lineageRunId('demo', 'reconcile/a', '1')).not.toBe(lineageRunId('demo', 'reconcile/a', '2'));
  expect(eventName(eventOf(3, 'ABORT'))).toMatch(/^0017\d{11}-[0-9a-f-]{36}-2$/);
});

it.each([
  ['120', 120_000],
  ['Sun, 22 Nov 2026 10:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2020 10:00:30 GMT', 0],
  ['99999999', 3_600_000],
  ['soon', null],
])('Retry-After: %s is understood', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2026-11-22T10:00:00Z'))).toBe(expected);
});
