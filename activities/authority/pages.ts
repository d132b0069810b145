/**
 * The native pages of a run, kept in the private store: read once, translated as often as links are found. They are
 * also where a crashed read resumes, since each carries the cursor that continues after it.
 */
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import { mapOf } from '../../core/federation/federation.js';
import { isRecordMesh } from '../../core/federation/native-types.js';
import { nativeTypesFor } from '../../core/federation/effect-natives.js';
import type { NativeObject } from '../../core/record.js';
import type { StepProgress } from '../../core/step-progress.js';
import type { Changes, ReadItem, ReadLines, ScopeEnd } from '../connectors/connector.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { folderOf, planRead, ReadRecord } from './increments/read-plan.js';
import { knownPages } from './increments/known-pages.js';
import { recordRead } from './increments/read-record.js';
import { cursorsKept, neededLater } from './increments/state.js';
import { pageFiles, pagesIn, PageWriter } from './page-files.js';
import { listedIn, unlistedScopes } from './unlisted.js';

function pagesPrefix(dataset: string): string {
  return `pages/${dataset}/`;
}
function doneName(dataset: string, run: Digest): string {
  return `${folderOf(dataset, run)}done`;
}

/** What the pages of a run that was read whole come to, for those who need not look at each. */
const ReadTally = z.strictObject({
  /** By native type. */
  objects: z.record(z.string(), z.int().nonnegative()),
  ends: z.array(z.custom<ScopeEnd>()),
});
type ReadTally = z.infer<typeof ReadTally>;

class Tally {
  readonly #objects = new Map<string, number>();
  readonly #ends: ScopeEnd[] = [];
  cursor: string | undefined;
  total = 0;

  readonly take = (item: ReadItem | ReadLines): void => {
    ({ cursor: this.cursor } = item);
    if (item.kind === 'scopeEnd') this.#ends.push(item);
    else if (item.kind === 'lines') this.#count(item.nativeType, item.count);
    else for (const { type } of item.objects) this.#count(type, 1);
  };
  #count(type: string, count: number): void {
    this.#objects.set(type, (this.#objects.get(type) ?? 0) + count);
    this.total += count;
  }
  told(): ReadTally {
    return { objects: Object.fromEntries(this.#objects), ends: this.#ends };
  }
}

/** Reads the mesh to its end, or resumes where an earlier attempt stopped. Pages that no later run needs are dropped. */
export async function readPagesOnce(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const store = context.privateStore;
  const { changes } = context.connector;
  const isNeeded = await neededLater(context, dataset, run);
  for (const name of await store.list(pagesPrefix(dataset)))
    if (!name.startsWith(folderOf(dataset, run)) && !isNeeded(name)) await store.remove(name);
  if ((await store.get(doneName(dataset, run))) !== null) return;
  const wanted = nativeTypesOf(context, dataset);
  const encoder = new TextEncoder();
  if (!changes) {
    const told = await readWhole(context, dataset, run, wanted, signal);
    await store.putIfAbsent(doneName(dataset, run), encoder.encode(JSON.stringify(told)));
    return;
  }
  await releaseChanges(context, changes);
  const plan = await planRead(context, changes, dataset, run, wanted, signal);
  const whole = wanted.filter((type) => plan.types[type]?.read !== 'increment');
  const told = whole.length > 0 ? await readWhole(context, dataset, run, whole, signal) : { objects: {}, ends: [] };
  const record = await recordRead(context, dataset, run, plan, told, signal);
  await store.putIfAbsent(doneName(dataset, run), encoder.encode(JSON.stringify(record)));
}

async function readWhole(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  wanted: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadTally> {
  try {
    return await readOn(context, dataset, run, wanted, signal);
  } catch (error) {
    if (!(error instanceof ConcordatError && error.code === 'cursorLost')) throw error;
    for (const name of await pageFiles(context.privateStore, dataset, run)) await context.privateStore.remove(name);
    return await readOn(context, dataset, run, wanted, signal);
  }
}

/** A store that cannot forget what is told keeps it for one run more. */
async function releaseChanges(context: AuthorityContext, changes: Changes): Promise<void> {
  try {
    const cursors = await cursorsKept(context);
    if (cursors.length > 0) await changes.release(cursors);
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
  }
}

/** Null where the mesh declares no changes: then every page is one of this run. */
export async function readRecord(context: AuthorityContext, dataset: string, run: Digest): Promise<ReadRecord | null> {
  const done = await readDone(context, dataset, run);
  return done && 'plan' in done ? done : null;
}

async function readDone(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
): Promise<ReadRecord | ReadTally | null> {
  const bytes = await context.privateStore.get(doneName(dataset, run));
  const done: unknown = bytes && JSON.parse(new TextDecoder().decode(bytes));
  if (!done || typeof done !== 'object') return null;
  return ('plan' in done ? ReadRecord : ReadTally).safeParse(done).data ?? null;
}

/** How many objects the pages of a run hold, by native type, each time that one was shown; and what each scope ended with. */
export async function readTally(context: AuthorityContext, dataset: string, run: Digest): Promise<ReadTally> {
  const done = await readDone(context, dataset, run);
  if (!done) {
    // Read by a worker of before that kept no tally.
    const tally = new Tally();
    for await (const item of pagesIn(context.privateStore, dataset, run)) tally.take(item);
    return tally.told();
  }
  if (!('plan' in done)) return done;
  const types = Object.entries(done.plan.types);
  return {
    objects: Object.fromEntries(
      types.map(([type, { read, objects, next }]) => [type, read === 'increment' ? (next?.count ?? 0) : objects]),
    ),
    ends: done.ends,
  };
}

/** Behind all pages. What an attempt before a crash told of a type is not told again. */
async function tellUnlisted(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  add: (item: ReadItem) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  // A store of records reads one state, or begins again where it changed: what it does not show is not there.
  if (isRecordMesh(authorityOf(context).mesh)) return;
  const listed = await listedIn(pagesIn(context.privateStore, dataset, run));
  const { cursor } = listed;
  if (cursor === null) return;
  // A resumed read goes on where the last page ended.
  for await (const scope of unlistedScopes(context, dataset, listed, signal)) await add({ ...scope, cursor });
}

async function readOn(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  nativeTypes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadTally> {
  const tally = new Tally();
  const writer = await PageWriter.behind(context.privateStore, dataset, run, tally.take);
  const add = async (item: ReadItem | ReadLines): Promise<void> => {
    tally.take(item);
    await writer.add(item);
    context.heartbeat({ kind: 'reading', objects: tally.total } satisfies StepProgress);
  };
  const { cursor } = tally;
  const { connector } = context;
  const wanted = { nativeTypes, ...(cursor === undefined ? {} : { cursor }), ...(signal ? { signal } : {}) };
  for await (const item of connector.readLines?.(wanted) ?? connector.readAll(wanted)) await add(item);
  await writer.end();
  // Where changes are told, what was read before counts too, and is looked at then.
  if (connector.changes) return tally.told();
  await tellUnlisted(
    context,
    dataset,
    run,
    async (item) => {
      await add(item);
      await writer.end();
    },
    signal,
  );
  return tally.told();
}

/** What the active maps of this authority make records of, and what their effects rest on: nothing else is read. */
function nativeTypesOf({ federation, id, connector }: AuthorityContext, dataset: string): readonly string[] {
  const types = federation.datasets[dataset]?.types ?? [];
  return nativeTypesFor(
    connector.capabilities.kind,
    types.flatMap((type) => mapOf(federation, id, type) ?? []),
  );
}

/**
 * All objects that the mesh holds as this run knows them, and how each scope ended. What earlier runs read and no change
 * named since comes from their pages.
 */
export async function* storedPages(context: AuthorityContext, dataset: string, run: Digest): AsyncIterable<ReadItem> {
  yield* knownPages(context, dataset, run, (await readRecord(context, dataset, run))?.plan ?? null);
}

/** The objects of one native type, a page at a time, in the order of the pages. */
export async function* storedObjects(
  context: AuthorityContext,
  { dataset, run }: { readonly dataset: string; readonly run: Digest },
  native: string,
): AsyncGenerator<readonly NativeObject[]> {
  for await (const item of storedPages(context, dataset, run)) {
    if (item.kind !== 'objects') continue;
    yield item.objects.every(({ type }) => type === native)
      ? item.objects
      : item.objects.filter(({ type }) => type === native);
  }
}
