/** The program's own files, for the processes that it starts. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** dist/, also when this file runs from its source. */
export const distFolder =
  path.basename(path.resolve(here, '..', '..')) === 'dist'
    ? path.resolve(here, '..', '..')
    : path.resolve(here, '..', '..', 'dist');

export const workerProgram = path.join(distFolder, 'workers', 'main.js');
export const sandboxProgram = path.join(distFolder, 'sandbox', 'main.js');
