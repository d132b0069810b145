/**
 * The scan after a whole suite: no credential, no private key and no clear value of a `digest` field in any exchange store,
 * worker log, workflow id, history, search attribute, memo or summary that the federations of its tests left.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Connection } from '@temporalio/client';
import { z } from 'zod';
import { WordSearch } from './word-search.js';

export const Remains = z.strictObject({
  name: z.string(),
  /** Credentials and private keys: in nothing that any federation leaves. */
  secrets: z.array(z.string()),
  /** Values of `digest` fields: in nothing that this federation leaves. */
  sealed: z.array(z.string()),
});
export type Remains = z.infer<typeof Remains>;

export const remainsFile = 'words.json';
/** Of servers that are gone when the scan begins: one file an execution (keepHistories in remains.ts). */
export const historiesFolder = 'histories';
const foldersOfRemains = ['exchange', 'logs', historiesFolder];

export interface Scan {
  readonly federations: number;
  readonly files: number;
  readonly histories: number;
  readonly words: number;
  /** Where something was found, and how many different words: the words themselves are secrets. */
  readonly findings: readonly { readonly place: string; readonly words: number }[];
}

/** Reads everything once. `connection` is null where no test asked for a server. */
export async function scanRemains(root: string, connection: Connection | null): Promise<Scan> {
  const left = await remainsIn(root);
  const secrets = left.flatMap((one) => one.secrets);
  const findings: { place: string; words: number }[] = [];
  const look = (place: string, search: WordSearch, bytes: Buffer): void => {
    const { size } = search.in(bytes);
    if (size > 0) findings.push({ place, words: size });
  };
  let files = 0;
  let histories = 0;
  const searchOf = new Map<string, WordSearch>();
  const all = new WordSearch(secrets);
  for (const { name, sealed } of left) {
    const search = new WordSearch([...secrets, ...sealed]);
    searchOf.set(name, search);
    for (const folder of foldersOfRemains)
      for (const file of await filesIn(path.join(root, name, folder))) {
        // The stand-ins for clouds tell their credentials to whoever starts them.
        if (folder === 'logs' && path.basename(file).startsWith('clouds')) continue;
        if (folder === historiesFolder) histories += 1;
        else files += 1;
        look(path.relative(root, file), search, await readFile(file));
        look(`the name of ${path.relative(root, path.dirname(file))}`, search, Buffer.from(path.basename(file)));
      }
  }
  for (const namespace of connection ? await namespacesOf(connection) : []) {
    const owner = left.find(({ name }) => namespace === name || namespace.startsWith(`${name}-`));
    const search = (owner && searchOf.get(owner.name)) ?? all;
    for await (const { id, bytes } of executionsOf(connection as Connection, namespace)) {
      histories += 1;
      look(`${namespace} ${id}`, search, bytes);
    }
  }
  const words = all.words + left.reduce((sum, { sealed }) => sum + sealed.length, 0);
  return { federations: left.length, files, histories, words, findings };
}

async function remainsIn(root: string): Promise<readonly Remains[]> {
  const names = await readdir(root).catch(() => []);
  const left = await Promise.all(
    names.map(async (name) => {
      // A test that failed after it kept histories leaves no words, and fails by itself.
      const text = await readFile(path.join(root, name, remainsFile), 'utf8').catch(() => null);
      return text === null ? [] : [Remains.parse(JSON.parse(text))];
    }),
  );
  return left.flat();
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

export async function namespacesOf({ workflowService }: Connection): Promise<readonly string[]> {
  const { namespaces } = await workflowService.listNamespaces({ pageSize: 1_000 });
  return namespaces
    .map(({ namespaceInfo }) => namespaceInfo?.name ?? '')
    .filter((name) => name !== '' && name !== 'temporal-system');
}

const atOnce = 12;

/** Of every execution what the server gives: id, memo, search attributes, and its history with summaries and payloads. */
export async function* executionsOf(
  { workflowService }: Connection,
  namespace: string,
): AsyncGenerator<{ readonly id: string; readonly bytes: Buffer }> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await workflowService.listWorkflowExecutions({ namespace, pageSize: 500, nextPageToken });
    for (let from = 0; from < page.executions.length; from += atOnce) {
      const some = page.executions.slice(from, from + atOnce);
      yield* await Promise.all(
        some.map(async (execution) => {
          const id = execution.execution?.workflowId ?? '';
          const parts = [plainBytes(execution)];
          let token: Uint8Array = new Uint8Array();
          do {
            const history = await workflowService.getWorkflowExecutionHistory({
              namespace,
              execution: execution.execution ?? null,
              nextPageToken: token,
            });
            parts.push(plainBytes(history.history));
            token = history.nextPageToken;
          } while (token.length > 0);
          return { id, bytes: Buffer.concat(parts) };
        }),
      );
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

/** Every text and every payload of a message, one after the other, whatever its shape: bytes as they are. */
export function plainBytes(message: unknown): Buffer {
  const parts: Buffer[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') parts.push(Buffer.from(`${value}\n`));
    else if (value instanceof Uint8Array) parts.push(Buffer.from(value), Buffer.from('\n'));
    else if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) {
        parts.push(Buffer.from(`${name}\n`));
        walk(member);
      }
  };
  walk(message);
  return Buffer.concat(parts);
}
