/** Writes a page whole or not at all, and takes the place of nothing but an earlier page. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { ConcordatError } from '../../core/errors.js';
import { pageMark } from '../showing/html/parts.js';

/** Throws usage where the file is something else than an earlier report, or cannot be written. */
export async function writeReport(file: string, text: string): Promise<void> {
  if (!(await mayTakePlace(file)))
    throw new ConcordatError('usage', `${file} is there already and is no report of ours; name another file`);
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(aside, text, { flag: 'wx', mode: 0o600 });
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected fault';
    throw new ConcordatError('usage', `${file} cannot be written (${code}); name a file in a folder that is there`);
  }
}

async function mayTakePlace(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(pageMark.length), 0, pageMark.length, 0);
      return buffer.toString('utf8', 0, bytesRead) === pageMark;
    } finally {
      await handle.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}
