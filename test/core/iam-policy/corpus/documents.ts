/** The documents of this folder by name, as JSON. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../../../core/json.js';

export const corpusFolder = fileURLToPath(new URL('.', import.meta.url));

export function corpusDocuments(): ReadonlyMap<string, JsonObject> {
  const names = ['aws-managed', 'documented'].flatMap((folder) =>
    readdirSync(path.join(corpusFolder, folder)).map((file) => `${folder}/${path.basename(file, '.json')}`),
  );
  return new Map(
    names
      .sort()
      .map((name) => [name, JSON.parse(readFileSync(path.join(corpusFolder, `${name}.json`), 'utf8')) as JsonObject]),
  );
}
