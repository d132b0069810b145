/**
 * The native pages of a run, kept in the private store: read once, translated as often as links are found. They are
 * also where a crashed read resumes, since each carries the cursor that continues after it.
 */
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import { mapOf } from '../../core/federation/federation.js';
import { isRecordMesh } from '../../core/federation/native-types.js';
import { nativeTypesFor } from '../../core/federation/effect-natives.js';
import { letOthersRun } from '../event-loop.js';
import type { ReadItem } from '../connectors/connector.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { listedIn, unlistedScopes } from './unlisted.js';

function pagesPrefix(dataset: string): string {
  return `pages/${dataset}/`;
}
function pageName(dataset: string, run: Digest, sequence: number): string {
  return `${pagesPrefix(dataset)}${run}/${String(sequence).padStart(8, '0')}`;
}
function doneName(dataset: string, run: Digest): string {
  return `${pagesPrefix(dataset)}${run}/done`;
}

/** Reads the mesh to its end, or resumes where an earlier attempt stopped. Pages of older runs are dropped. */
export async function readPagesOnce(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const store = context.privateStore;
  for (const name of await store.list(pagesPrefix(dataset)))
    if (!name.startsWith(`${pagesPrefix(dataset)}${run}/`)) await store.remove(name);
  if ((await store.get(doneName(dataset, run))) !== null) return;
  try {
    await readOn(context, dataset, run, signal);
  } catch (error) {
    if (!(error instanceof ConcordatError && error.code === 'cursorLost')) throw error;
    for (const name of await store.list(`${pagesPrefix(dataset)}${run}/`)) await store.remove(name);
    await readOn(context, dataset, run, signal);
  }
  await tellUnlisted(context, dataset, run, signal);
  await store.putIfAbsent(doneName(dataset, run), new TextEncoder().encode('{}'));
}

/** Behind all pages. What an attempt before a crash told of a type is not told again. */
async function tellUnlisted(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  signal?: AbortSignal,
): Promise<void> {
  // A store of records reads one state, or begins again where it changed: what it does not show is not there.
  if (isRecordMesh(authorityOf(context).mesh)) return;
  const listed = await listedIn(storedPages(context, dataset, run));
  const { cursor } = listed;
  if (cursor === null) return;
  let sequence = listed.pages;
  for await (const scope of unlistedScopes(context, dataset, listed, signal)) {
    // A resumed read goes on where the last page ended.
    const item: ReadItem = { ...scope, cursor };
    await context.privateStore.putIfAbsent(
      pageName(dataset, run, sequence),
      new TextEncoder().encode(JSON.stringify(item)),
    );
    sequence += 1;
    context.heartbeat({ pages: sequence });
  }
}

async function readOn(context: AuthorityContext, dataset: string, run: Digest, signal?: AbortSignal): Promise<void> {
  let sequence = 0;
  let cursor: string | undefined;
  for await (const item of storedPages(context, dataset, run)) {
    sequence += 1;
    cursor = item.cursor;
  }
  for await (const item of context.connector.readAll({
    nativeTypes: nativeTypesOf(context, dataset),
    ...(cursor === undefined ? {} : { cursor }),
    ...(signal ? { signal } : {}),
  })) {
    await context.privateStore.putIfAbsent(
      pageName(dataset, run, sequence),
      new TextEncoder().encode(JSON.stringify(item)),
    );
    sequence += 1;
    context.heartbeat({ pages: sequence });
  }
}

/** What the active maps of this authority make records of, and what their effects rest on: nothing else is read. */
function nativeTypesOf({ federation, id, connector }: AuthorityContext, dataset: string): readonly string[] {
  const types = federation.datasets[dataset]?.types ?? [];
  return nativeTypesFor(
    connector.capabilities.kind,
    types.flatMap((type) => mapOf(federation, id, type) ?? []),
  );
}

/** The pages in the order in which they were read. */
export async function* storedPages(context: AuthorityContext, dataset: string, run: Digest): AsyncIterable<ReadItem> {
  const done = doneName(dataset, run);
  for (const name of await context.privateStore.list(`${pagesPrefix(dataset)}${run}/`)) {
    if (name === done) continue;
    const bytes = await context.privateStore.get(name);
    // Written by this worker's own connector and read by nobody else: trusted inside.
    await letOthersRun();
    if (bytes) yield JSON.parse(new TextDecoder().decode(bytes)) as ReadItem;
  }
}
