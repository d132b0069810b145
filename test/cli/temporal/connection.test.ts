import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTemporalServer } from '../../../cli/local/temporal-server.js';
import { freePorts } from '../../../cli/local/ports.js';
import { connectTemporal } from '../../../cli/temporal/connection.js';
import { retryWhileAway } from '../../../cli/temporal/retry-while-away.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { temporalAddress } from '../../support/temporal.js';

describe('connecting to Temporal', () => {
  it('follows TEMPORAL_ADDRESS', async () => {
    const wanted = await temporalAddress();
    const { connection, address } = await connectTemporal({ TEMPORAL_ADDRESS: wanted, HOME: scratchFolder() });
    expect(address).toBe(wanted);
    await connection.close();
  });

  it('follows a profile of the configuration file', async () => {
    const file = join(scratchFolder(), 'temporal.toml');
    const wanted = await temporalAddress();
    await writeFile(file, `[profile.sovereign]\naddress = "${wanted}"\n`);
    const { connection, address } = await connectTemporal({ TEMPORAL_CONFIG_FILE: file }, { profile: 'sovereign' });
    expect(address).toBe(wanted);
    await connection.close();
    await expect(connectTemporal({ TEMPORAL_CONFIG_FILE: file }, { profile: 'other' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('other') as string,
    });
  });

  it('says soon where nothing answers and what to do', async () => {
    const [port = 0] = await freePorts(1);
    const before = performance.now();
    await expect(
      connectTemporal({ TEMPORAL_ADDRESS: `127.0.0.1:${port}`, HOME: scratchFolder() }, { connectWithinMs: 1_000 }),
    ).rejects.toMatchObject({
      code: 'temporalUnreachable',
      message: expect.stringMatching(`no Temporal server answers at 127.0.0.1:${port}.*concordat dev`) as string,
    });
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('reading while the server is away', () => {
  it('goes on when the server is back at the same address', async () => {
    const folder = scratchFolder();
    const [port = 0] = await freePorts(1);
    const first = await startTemporalServer({ folder, port, headless: true });
    onTestFinished(() => first.stop());
    const { connection } = await connectTemporal({ TEMPORAL_ADDRESS: first.address, HOME: folder });
    onTestFinished(() => connection.close());
    await first.stop();
    const reports: string[] = [];
    let wentAway = () => {};
    const away = new Promise<void>((resolve) => (wentAway = resolve));
    const reading = retryWhileAway(
      () => connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.listNamespaces({})),
      {
        report: (state) => {
          reports.push(state);
          wentAway();
        },
      },
    );
    await away;
    const second = await startTemporalServer({ folder, port, headless: true });
    onTestFinished(() => second.stop());
    expect((await reading).namespaces.length).toBeGreaterThan(0);
    expect(reports).toEqual(['away', 'back']);
  });

  const gone = Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: '', metadata: {} });

  it('repeats nothing that failed for another reason', async () => {
    let calls = 0;
    const notFound = Object.assign(new Error('5 NOT_FOUND'), { code: 5, details: '', metadata: {} });
    await expect(
      retryWhileAway(async () => {
        calls++;
        throw notFound;
      }),
    ).rejects.toBe(notFound);
    expect(calls).toBe(1);
  });

  it('finds the reason under the errors of the client', async () => {
    let calls = 0;
    const answer = await retryWhileAway(async () => {
      if (++calls < 2) throw new Error('Failed to get result', { cause: gone });
      return 'here';
    });
    expect(answer).toBe('here');
  });

  it('ends when patience ends, and at once when it is told to', async () => {
    const read = async () => {
      throw gone;
    };
    await expect(retryWhileAway(read, { patienceMs: 10 })).rejects.toMatchObject({ code: 'temporalUnreachable' });
    const stop = new AbortController();
    const waiting = retryWhileAway(read, { report: () => stop.abort(), signal: stop.signal });
    await expect(waiting).rejects.toBe(gone);
  });
});
