import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthorityClock, readClockHead, type AuthorityClock } from '../../../activities/authority/clock.js';
import { resetClock } from '../../../activities/authority/clock-reset.js';
import { getMessage } from '../../../activities/exchange.js';
import { generatePrivateKey, publicKeyOf } from '../../../activities/keys/private-key.js';
import { createFileStore } from '../../../activities/store-files.js';
import type { ObjectStore } from '../../../activities/store.js';
import { aheadMs, compareHlc, hlcOf, hlcParts, type Hlc } from '../../../core/clock/hlc.js';
import { ClockReset, clockResetType, isAfterAtSame } from '../../../core/clock/reset.js';

let folder = '';
let store: ObjectStore;
let nowMs = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'concordat-clock-'));
  store = createFileStore(join(folder, 'private'));
  nowMs = 1_790_000_000_000;
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const clock = (): AuthorityClock =>
  createAuthorityClock({ privateStore: store, physicalMs: () => nowMs, maxAheadMs: 60_000 });
const ascends = (stamps: readonly Hlc[]): boolean =>
  stamps.every((hlc, index) => index === 0 || compareHlc(hlc, stamps[index - 1] as Hlc) > 0);

describe('the clock of an authority', () => {
  test('stamps with the time of its machine', async () => {
    expect(hlcParts(await clock().stamp())).toEqual({ ms: nowMs, counter: 0 });
  });

  test('has reserved what it stamps before it gives it away', async () => {
    const own = clock();
    for (let step = 0; step < 20; step += 1) {
      nowMs += step * 300;
      const hlc = await own.stamp();
      const { head } = await readClockHead(createFileStore(join(folder, 'private')));
      expect(compareHlc(hlc, head?.until ?? '')).toBeLessThanOrEqual(0);
    }
  });

  test('writes once for many stamps', async () => {
    const own = clock();
    for (let step = 0; step < 200; step += 1) {
      nowMs += 5;
      await own.stamp();
    }
    expect((await readClockHead(store)).version).toBe(1);
  });

  test('goes on above all of them after a restart on a machine whose time was set back', async () => {
    const own = clock();
    const before = [await own.stamp(), await own.stamp()];
    nowMs -= 50_000;
    const after = clock();
    expect(ascends([...before, await after.stamp(), await after.stamp()])).toBe(true);
  });

  test('does not run ahead of its machine by being restarted again and again', async () => {
    const stamps: Hlc[] = [];
    for (let restart = 0; restart < 30; restart += 1) stamps.push(await clock().stamp());
    expect(ascends(stamps)).toBe(true);
    expect(aheadMs(stamps.at(-1) as Hlc, nowMs)).toBeLessThan(2_100);
  });

  test('is one for several workers that stamp by turns', async () => {
    const workers = [clock(), clock(), clock()];
    const stamps: Hlc[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      nowMs += turn % 7;
      stamps.push(await (workers[(turn * turn) % 3] as AuthorityClock).stamp());
    }
    expect(ascends(stamps)).toBe(true);
  });

  test('gives no stamp twice to workers that ask at once', async () => {
    const workers = [clock(), clock(), clock()];
    const stamps = await Promise.all(
      Array.from({ length: 45 }, (_, index) => (workers[index % 3] as AuthorityClock).stamp()),
    );
    expect(new Set(stamps).size).toBe(45);
  });

  test('stamps above what it was told, also by another worker and after a restart', async () => {
    const told = hlcOf({ ms: nowMs + 30_000, counter: 12 });
    const [first, second] = [clock(), clock()];
    await second.stamp();
    await first.receive([{ authority: 'azure', hlc: told }]);
    expect(compareHlc(await second.stamp(), told)).toBe(1);
    expect(compareHlc(await clock().stamp(), told)).toBe(1);
  });

  test('writes nothing for being told what it is above already', async () => {
    const own = clock();
    const hlc = await own.stamp();
    await own.receive([{ authority: 'azure', hlc }]);
    await own.receive([]);
    await clock().receive([{ authority: 'azure', hlc: hlcOf({ ms: 5, counter: 0 }) }]);
    expect((await readClockHead(store)).version).toBe(1);
  });
});

describe('a stamp beyond the bound', () => {
  test('is refused with who signed it, and moves nothing, nor do those that stood beside it', async () => {
    const own = clock();
    await own.stamp();
    const refused = own.receive([
      { authority: 'sov', hlc: hlcOf({ ms: nowMs + 59_000, counter: 0 }) },
      { authority: 'azure', hlc: hlcOf({ ms: nowMs + 60_001, counter: 0 }) },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'clockUntrusted', message: expect.stringContaining('azure') });
    expect(hlcParts(await own.stamp()).ms).toBe(nowMs);
  });

  test('at the bound is taken up', async () => {
    const own = clock();
    const hlc = hlcOf({ ms: nowMs + 60_000, counter: 3 });
    await own.receive([{ authority: 'azure', hlc }]);
    expect(compareHlc(await own.stamp(), hlc)).toBe(1);
  });
});

describe('a clock that jumped', () => {
  const jumped = async (): Promise<Hlc> => {
    nowMs += 3_600_000;
    const hlc = await clock().stamp();
    nowMs -= 3_600_000;
    return hlc;
  };
  const reset = async () => {
    const key = await generatePrivateKey();
    const exchange = createFileStore(join(folder, 'exchange'));
    const keys = [publicKeyOf(key)];
    const options = {
      authority: 'aws',
      privateStore: store,
      exchange,
      key,
      keys,
      physicalMs: nowMs,
      maxAheadMs: 60_000,
    };
    return { key, exchange, again: () => resetClock({ ...options, reason: 'the host was an hour ahead' }) };
  };

  test('stamps no more once its machine was set right, and says what to do', async () => {
    await jumped();
    await expect(clock().stamp()).rejects.toMatchObject({
      code: 'clockUntrusted',
      message: expect.stringMatching(/1 h 2 s ahead .* `concordat clock reset`/),
    });
  });

  test('goes on from the time of its machine after a signed reset, also in a worker that runs', async () => {
    const running = clock();
    await running.stamp();
    const before = await jumped();
    const { key, exchange, again } = await reset();
    const { reset: made, ref } = await again();
    const after = await running.stamp();
    expect(aheadMs(after, nowMs)).toBeLessThan(1_000);
    expect(isAfterAtSame(before, after, [])).toBe(false);
    expect(isAfterAtSame(before, after, [made])).toBe(true);
    expect((await readClockHead(store)).head?.reset).toEqual(ref);
    const kept = await getMessage(exchange, ref, { typ: clockResetType, schema: ClockReset, keys: [publicKeyOf(key)] });
    expect(kept.payload).toEqual(made);
    expect(await store.list('clock-resets/')).toEqual([`clock-resets/${kept.id}`]);
  });

  test('is reset a second time with a statement that names the first', async () => {
    await jumped();
    const { again } = await reset();
    const first = await again();
    await jumped();
    const second = await again();
    expect([first.reset.number, second.reset.number]).toEqual([1, 2]);
    expect(second.reset.previous).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is not reset where waiting is enough, nor where it never ran', async () => {
    const { again } = await reset();
    await expect(again()).rejects.toMatchObject({ code: 'usage' });
    await clock().stamp();
    await expect(again()).rejects.toMatchObject({ code: 'usage' });
    expect((await readClockHead(store)).version).toBe(1);
  });
});
