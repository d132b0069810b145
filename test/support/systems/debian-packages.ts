/** Packages of Debian 12, for systems that are tested as they are. Installing them needs root. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { oneAtATime } from './one-at-a-time.js';

const run = promisify(execFile);

/** `find`: what the packages bring, undefined where it is not here. Answers with it, or why there is none. */
export async function withDebianPackages<Found extends string>(
  packages: readonly string[],
  find: () => Promise<Found | undefined>,
): Promise<{ readonly found: Found } | { readonly reason: string }> {
  const present = await find();
  if (present !== undefined) return { found: present };
  const names = packages.join(' ');
  if (process.getuid?.() !== 0) return { reason: `${names} is not installed, and only root may install it` };
  const environment = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 * 1024 * 1024 };
  return oneAtATime('apt-get', async () => {
    const meanwhile = await find();
    if (meanwhile !== undefined) return { found: meanwhile };
    try {
      await run('apt-get', ['update'], environment);
      await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], environment);
    } catch {
      return { reason: `apt-get could not install ${names}` };
    }
    const installed = await find();
    return installed === undefined
      ? { reason: `${names} did not bring what it is installed for` }
      : { found: installed };
  });
}
