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
import type { NativeObject } from '../../core/record.js';
import type { Changes, ReadItem } from '../connectors/connector.js';
import { authorityOf, type AuthorityContext } from './context.js';
import {
  changedMeanwhile,
  folderOf,
  incrementOf,
  planRead,
  ReadRecord,
  type ReadPlan,
} from './increments/read-plan.js';
import { cursorsKept, neededLater } from './increments/state.js';
import { listedIn, unlistedScopes } from './unlisted.js';

function pagesPrefix(dataset: string): string {
  return `pages/${dataset}/`;
}
const pageDigits = 8;
function pageName(dataset: string, run: Digest, sequence: number): string {
  return `${folderOf(dataset, run)}${String(sequence).padStart(pageDigits, '0')}`;
}
function doneName(dataset: string, run: Digest): string {
  return `${folderOf(dataset, run)}done`;
}

type ScopeEnd = Extract<ReadItem, { kind: 'scopeEnd' }>;

/** Reads the mesh to its end, or resumes where an earlier attempt stopped. Pages that no later run needs are dropped. */
export async function readPagesOnce(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const store = context.privateStore;
  const { changes } = context.connector;
  const isNeeded = changes ? await neededLater(context, dataset, run) : () => false;
  for (const name of await store.list(pagesPrefix(dataset)))
    if (!name.startsWith(folderOf(dataset, run)) && !isNeeded(name)) await store.remove(name);
  if ((await store.get(doneName(dataset, run))) !== null) return;
  const wanted = nativeTypesOf(context, dataset);
  if (!changes) {
    await readWhole(context, dataset, run, wanted, signal);
    await tellUnlisted(context, dataset, run, signal);
    await store.putIfAbsent(doneName(dataset, run), new TextEncoder().encode('{}'));
    return;
  }
  await releaseChanges(context, changes);
  const plan = await planRead(context, changes, dataset, run, wanted, signal);
  const whole = wanted.filter((type) => plan.types[type]?.read !== 'increment');
  if (whole.length > 0) await readWhole(context, dataset, run, whole, signal);
  const record = await recordRead(context, dataset, run, plan, signal);
  await store.putIfAbsent(doneName(dataset, run), new TextEncoder().encode(JSON.stringify(record)));
}

async function readWhole(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  wanted: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await readOn(context, dataset, run, wanted, signal);
  } catch (error) {
    if (!(error instanceof ConcordatError && error.code === 'cursorLost')) throw error;
    for (const name of await pageNames(context, dataset, run)) await context.privateStore.remove(name);
    await readOn(context, dataset, run, wanted, signal);
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

/** What the pages of the run come to, for those who need not look at each. */
async function recordRead(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  plan: ReadPlan,
  signal: AbortSignal | undefined,
): Promise<ReadRecord> {
  const ends: ScopeEnd[] = [];
  const counts = new Map<string, number>();
  for await (const item of ownPages(context, dataset, run))
    if (item.kind === 'scopeEnd') ends.push(item);
    else for (const { type } of item.objects) counts.set(type, (counts.get(type) ?? 0) + 1);
  const types = Object.entries(plan.types).map(([type, read]) => {
    if (read.read === 'increment') {
      ends.push({ kind: 'scopeEnd', scope: type, nativeType: type, complete: true, cursor: '' });
      return [type, read] as const;
    }
    // HAZARD: over what was not read to its end no change is right.
    const isComplete =
      ends.some(({ nativeType }) => nativeType === type) &&
      ends.every((end) => end.nativeType !== type || end.complete);
    const count = counts.get(type) ?? 0;
    return [type, { ...read, objects: count, next: isComplete && read.next ? { ...read.next, count } : null }] as const;
  });
  const { changes } = context.connector;
  const meanwhile = changes ? await changedMeanwhile(context, changes, plan, signal) : {};
  return { plan: { types: Object.fromEntries(types) }, ends, meanwhile };
}

/** Null where the mesh declares no changes: then every page is one of this run. */
export async function readRecord(context: AuthorityContext, dataset: string, run: Digest): Promise<ReadRecord | null> {
  const bytes = await context.privateStore.get(doneName(dataset, run));
  return (bytes && ReadRecord.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data) ?? null;
}

/** What each scope of a run ended with. */
export async function scopeEnds(context: AuthorityContext, dataset: string, run: Digest): Promise<readonly ScopeEnd[]> {
  const record = await readRecord(context, dataset, run);
  if (record) return record.ends;
  const ends: ScopeEnd[] = [];
  for await (const item of ownPages(context, dataset, run)) if (item.kind === 'scopeEnd') ends.push(item);
  return ends;
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

async function readOn(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  nativeTypes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let sequence = 0;
  let cursor: string | undefined;
  for await (const item of ownPages(context, dataset, run)) {
    sequence += 1;
    cursor = item.cursor;
  }
  for await (const item of context.connector.readAll({
    nativeTypes,
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

/**
 * All objects that the mesh holds as this run knows them, and how each scope ended. What earlier runs read and no change
 * named since comes from their pages.
 */
export async function* storedPages(context: AuthorityContext, dataset: string, run: Digest): AsyncIterable<ReadItem> {
  yield* ownPages(context, dataset, run);
  const record = await readRecord(context, dataset, run);
  for (const [type, { read, next }] of Object.entries(record?.plan.types ?? {})) {
    if (read !== 'increment' || !next) continue;
    const { objects } = await incrementOf(context, dataset, next.layers, type);
    const isStill = (object: NativeObject): boolean => object.type === type && !objects.has(object.id);
    for await (const item of ownPages(context, dataset, next.full))
      if (item.kind === 'objects') yield { ...item, objects: item.objects.filter(isStill) };
    const changed = [...objects.values()].filter((object) => object !== null);
    if (changed.length > 0) yield { kind: 'objects', scope: type, objects: changed, cursor: '' };
    yield { kind: 'scopeEnd', scope: type, nativeType: type, complete: true, cursor: '' };
  }
}

/** Names of pages are numbers; what else lies beside them is not read as one. */
async function pageNames(context: AuthorityContext, dataset: string, run: Digest): Promise<readonly string[]> {
  const folder = folderOf(dataset, run);
  const names = await context.privateStore.list(folder);
  return names.filter((name) => name.length === folder.length + pageDigits && name.charCodeAt(folder.length) < 0x3a);
}

async function* ownPages(context: AuthorityContext, dataset: string, run: Digest): AsyncIterable<ReadItem> {
  for (const name of await pageNames(context, dataset, run)) {
    const bytes = await context.privateStore.get(name);
    // Written by this worker's own connector and read by nobody else: trusted inside.
    await letOthersRun();
    if (bytes) yield JSON.parse(new TextDecoder().decode(bytes)) as ReadItem;
  }
}
