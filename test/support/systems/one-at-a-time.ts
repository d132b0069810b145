/** Tests of several processes install what they need: one after the other, since apt-get and npm do not bear company. */
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemsFolder } from './systems-folder.js';

const workTimeMaxMs = 540_000;

/** Does `work` while no other process of this user does any of the same name. */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const lock = path.join(systemsFolder(), `${name}.making`);
  await mkdir(systemsFolder(), { recursive: true });
  while (!(await takeLock(lock))) await delay(500);
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Creating a folder is the one step that only one process can win. A lock older than any work is a dead one's. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    const made = await stat(lock).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > workTimeMaxMs) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
