/**
 * What test files share, made only when one asks: a Temporal server, and the program built into dist/. A small HTTP service
 * hands both out, so a run of pure tests starts neither. TEMPORAL_ADDRESS_FOR_TESTS names a server to use instead.
 */
import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { startTemporalServer, type TemporalServer } from '../../cli/local/temporal-server.js';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './build.js';
import { scanEverything } from './scan-everything.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where federations leave what the scan at the end looks at; test/support/remains.ts puts it there. */
    readonly remainsFolder: string;
    /** Address of the service of this file; test/support/temporal.ts speaks to it. */
    readonly sharedTestService: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<TemporalServer> | undefined;
  let build: Promise<string> | undefined;
  const recent: string[] = [];

  const answer = async (path: string): Promise<string> => {
    if (path === '/build') return await (build ??= buildIfStale());
    const given = process.env['TEMPORAL_ADDRESS_FOR_TESTS'];
    if (given) return given;
    server ??= startTemporalServer({
      headless: true,
      log: (line) => {
        recent.push(line);
        if (recent.length > 200) recent.shift();
      },
    });
    return (await server).address;
  };

  const service = createServer((request, response) => {
    answer(request.url ?? '/').then(
      (text) => response.end(text),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(error instanceof Error ? error.message : String(error));
      },
    );
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  const remainsFolder = await mkdtemp(join(tmpdir(), 'concordat-remains-'));
  project.provide('remainsFolder', remainsFolder);
  project.provide('sharedTestService', `http://127.0.0.1:${address.port}`);

  return async () => {
    try {
      await scanEverything(remainsFolder, (await server?.catch(() => undefined))?.address ?? null);
    } finally {
      service.closeAllConnections();
      await new Promise((resolve) => service.close(resolve));
      await server?.then(
        (started) => started.stop(),
        () => {},
      );
      if (process.env['CONCORDAT_TEST_SERVER_LOG']) for (const line of recent) console.error(line);
    }
  };
}
