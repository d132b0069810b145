import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ensureNamespace } from '../../../activities/temporal-setup/namespaces.js';
import { startTemporalServer, type TemporalServerOptions } from '../../../cli/local/temporal-server.js';
import { freePorts } from '../../../cli/local/ports.js';
import { scratchFolder } from '../../support/scratch-folder.js';

async function started(options: TemporalServerOptions = {}) {
  const server = await startTemporalServer({ headless: true, ...options });
  onTestFinished(() => server.stop());
  const connection = await Connection.connect({ address: server.address });
  onTestFinished(() => connection.close());
  return { server, connection };
}

async function namespaces(connection: Connection): Promise<readonly string[]> {
  const { namespaces: found } = await connection.workflowService.listNamespaces({ pageSize: 100 });
  return found.map((entry) => entry.namespaceInfo?.name ?? '');
}

const wanted = { namespace: 'kept', federation: 'kept', description: '', retentionDays: 1 };

describe('a Temporal server of this machine', () => {
  it('shares nothing with another one started at the same time', async () => {
    const [one, other] = await Promise.all([started({ headless: false }), started()]);
    expect(one.server.address).not.toBe(other.server.address);
    await ensureNamespace(one.connection, wanted);
    expect(await namespaces(one.connection)).toContain('kept');
    expect(await namespaces(other.connection)).not.toContain('kept');
    expect(other.server.uiAddress).toBeUndefined();
    const page = await fetch(one.server.uiAddress ?? '');
    expect(page.status).toBe(200);
  });

  it('keeps what it held where it is given a folder, also when it was killed', async () => {
    const folder = scratchFolder();
    const first = await started({ folder });
    await ensureNamespace(first.connection, wanted);
    process.kill(first.server.pid, 'SIGKILL');
    await first.server.exited;
    const second = await started({ folder });
    expect(await namespaces(second.connection)).toContain('kept');
  });

  it('says that the port it was told to use is taken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void holder.close());
    const { port } = holder.address() as { port: number };
    await expect(startTemporalServer({ port })).rejects.toThrow(new RegExp(`port ${port} .* is taken`));
  });

  it('tries other ports when one is taken between the choice and the start', async () => {
    const folder = scratchFolder();
    const binary = join(folder, 'temporal');
    // Fails as the server does, once; then a listener that is no server, so the attempt ends by its time limit.
    await writeFile(
      binary,
      `#!/bin/sh\nif [ ! -e "${folder}/tried" ]; then touch "${folder}/tried"; echo "listen tcp 127.0.0.1:1: bind: address already in use" >&2; exit 1; fi\necho "second try: $*" >&2; exit 9\n`,
      { mode: 0o755 },
    );
    await expect(startTemporalServer({ binary })).rejects.toThrow(/ended with code 9[^]*second try: server start-dev/);
  });

  it('is reported with its own words where it ends instead of answering', async () => {
    const binary = join(scratchFolder(), 'temporal');
    await writeFile(binary, '#!/bin/sh\necho "the database is locked" >&2\nexit 4\n', { mode: 0o755 });
    await expect(startTemporalServer({ binary })).rejects.toMatchObject({
      code: 'processFailed',
      message: expect.stringMatching(/ended with code 4[^]*the database is locked/) as string,
    });
  });

  it('is given up where it never answers', async () => {
    const binary = join(scratchFolder(), 'temporal');
    await writeFile(binary, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    await expect(startTemporalServer({ binary, readyWithinMs: 500 })).rejects.toThrow(/did not answer within/);
  });
});

describe('free ports', () => {
  it('are all different', async () => {
    expect(new Set(await freePorts(20)).size).toBe(20);
  });
});
