/** Reads the text of all federation files of a folder, within limits, and reports what would otherwise be overlooked. */
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { byCodeUnit } from '../../core/json.js';
import { federationFileName, fileKindOf, folderOf, otherFolders } from '../../core/federation/files.js';
import { nearest } from '../../core/federation/nearest.js';
import type { Fault } from './fault.js';

/** A file of a thousand times the usual size is a mistake or an attack; 1 MiB of YAML parses in about a second. */
export const fileBytesMax = 1_048_576;
/** A hundred authorities with a hundred types each are 10,000 maps. */
export const filesMax = 12_000;

export interface FolderText {
  readonly texts: readonly { readonly file: string; readonly text: string }[];
  readonly faults: readonly Fault[];
}

export async function readFolder(folder: string): Promise<FolderText> {
  const faults: Fault[] = [];
  const fault = (file: string, message: string): void =>
    void faults.push({ file, line: 1, column: 1, field: '', message, code: 'invalidFederation' });
  const files: string[] = [];
  const folders = Object.values(folderOf);
  const top = await entries(folder);
  if (!top?.some((entry) => entry.name === federationFileName && !entry.isDirectory())) {
    fault(
      federationFileName,
      'there is none in this folder; name the folder with --federation or make one with `concordat init`',
    );
    if (!top) return { texts: [], faults };
  }
  for (const entry of top ?? []) {
    if (entry.name.startsWith('.')) continue;
    if (!entry.isDirectory()) {
      if (entry.name === federationFileName) files.push(entry.name);
      else if (/\.ya?ml$/i.test(entry.name))
        fault(entry.name, `is not read here; move it into one of ${folders.join(', ')}`);
      continue;
    }
    if (!folders.includes(entry.name)) {
      const near = otherFolders.includes(entry.name) ? undefined : nearest(entry.name, folders);
      if (near !== undefined) fault(entry.name, `this folder is not read; did you mean "${near}"?`);
      continue;
    }
    for (const inner of (await entries(path.join(folder, entry.name))) ?? []) {
      const file = `${entry.name}/${inner.name}`;
      if (inner.name.startsWith('.')) continue;
      if (inner.isDirectory()) fault(file, 'folders inside this folder are not read');
      else if (fileKindOf(file)) files.push(file);
      else if (/\.(ya?ml|json)$/i.test(inner.name)) fault(file, 'is not read; federation files end in .yaml');
    }
  }
  if (files.length > filesMax) {
    fault(federationFileName, `the folder holds ${files.length} files; at most ${filesMax} are read`);
    return { texts: [], faults };
  }
  const texts: { file: string; text: string }[] = [];
  for (const file of files.sort(byCodeUnit)) {
    const read = await readText(path.join(folder, file));
    if (read.kind === 'text') texts.push({ file, text: read.text });
    else fault(file, read.message);
  }
  return { texts, faults };
}

async function entries(
  folder: string,
): Promise<readonly { readonly name: string; isDirectory(): boolean }[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

type ReadText = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'fault'; readonly message: string };

/** Reads at most the limit, whatever the file claims to be. */
async function readText(file: string): Promise<ReadText> {
  let handle;
  try {
    // Before opening: opening a named pipe would wait for somebody to write.
    if (!(await stat(file)).isFile()) return { kind: 'fault', message: 'is no ordinary file' };
    handle = await open(file, 'r');
    const buffer = Buffer.alloc(fileBytesMax + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read)
      read = (await handle.read(buffer, length, buffer.length - length, length)).bytesRead;
    if (length > fileBytesMax)
      return { kind: 'fault', message: `is larger than ${fileBytesMax} bytes, the most that is read` };
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'fault', message: 'is not UTF-8 text' };
    return { kind: 'fault', message: `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  } finally {
    await handle?.close();
  }
}
