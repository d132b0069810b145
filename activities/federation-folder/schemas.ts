/** JSON Schemas for editors: written beside the files, named by the first line of each. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { fileKinds, schemaOf, type FileKind } from '../../core/federation/files.js';

export function schemaFileName(kind: FileKind): string {
  return `${kind}.schema.json`;
}

/** The comment that the YAML language server reads (VS Code, Neovim, JetBrains). */
export function schemaLine(kind: FileKind): string {
  return `# yaml-language-server: $schema=${kind === 'federation' ? '.' : '..'}/schemas/${schemaFileName(kind)}`;
}

export function schemaText(kind: FileKind): string {
  // `input`: what people write, where fields with a default may be left out.
  return `${JSON.stringify(z.toJSONSchema(schemaOf[kind], { io: 'input' }), null, 2)}\n`;
}

/** Overwrites: the schemas are made, never edited. Returns the names of the files relative to the folder. */
export async function writeSchemas(folder: string): Promise<readonly string[]> {
  await mkdir(path.join(folder, 'schemas'), { recursive: true });
  const written: string[] = [];
  for (const kind of fileKinds) {
    const name = `schemas/${schemaFileName(kind)}`;
    await writeFile(path.join(folder, name), schemaText(kind));
    written.push(name);
  }
  return written;
}
