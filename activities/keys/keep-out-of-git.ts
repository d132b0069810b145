/** Private keys lie inside the federation folder, which people commit: the folder's .gitignore keeps them out. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Call before the first key is written. Adds one line where no line does it yet. */
export async function keepOutOfGit(folder: string): Promise<void> {
  const file = path.join(folder, '.gitignore');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text.split(/\r?\n/).some((line) => /^\/?keys\/?$/.test(line.trim()))) return;
  await writeFile(file, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}keys/\n`);
}
