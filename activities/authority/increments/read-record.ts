/** What a run of a mesh that tells its changes has read, once it has: how each scope ended, and what the next run may build on. */
import type { Digest } from '../../../core/digest.js';
import { isRecordMesh } from '../../../core/federation/native-types.js';
import type { ScopeEnd } from '../../connectors/connector.js';
import { authorityOf, type AuthorityContext } from '../context.js';
import { listedIn, unlistedScopes } from '../unlisted.js';
import { knownPages } from './known-pages.js';
import { provenByObjects } from './native-proof.js';
import { changedMeanwhile, type ReadPlan, type ReadRecord } from './read-plan.js';

interface Told {
  /** By native type. */
  readonly objects: Readonly<Record<string, number>>;
  readonly ends: readonly ScopeEnd[];
}

/** `told`: what was read whole in this run. */
export async function recordRead(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  plan: ReadPlan,
  told: Told,
  signal: AbortSignal | undefined,
): Promise<ReadRecord> {
  const ends = [...told.ends];
  for (const [type, { read, next }] of Object.entries(plan.types))
    if (read === 'increment')
      for (const scope of next?.scopes ?? [type])
        ends.push({
          kind: 'scopeEnd',
          scope,
          nativeType: type,
          complete: true,
          ...(next?.declares && { declares: next.declares }),
          cursor: '',
        });
  const unlisted = await unlistedIn(context, dataset, run, plan, ends, signal);
  ends.push(...unlisted);
  const types = Object.entries(plan.types).map(([type, read]) => {
    if (read.read === 'increment') {
      const isDoubtful = unlisted.some(({ nativeType }) => nativeType === type);
      return [type, isDoubtful && read.next ? { ...read, next: { ...read.next, isDoubtful } } : read] as const;
    }
    const own = ends.filter(({ nativeType }) => nativeType === type);
    // HAZARD: over what was not read to its end no change is right.
    const isComplete = own.length > 0 && own.every(({ complete }) => complete);
    const count = told.objects[type] ?? 0;
    const scopes = own.map(({ scope }) => scope);
    const declares = own.find((end) => end.declares !== undefined)?.declares;
    const next =
      isComplete && read.next ? { ...read.next, count, scopes, ...(declares === undefined ? {} : { declares }) } : null;
    return [type, { ...read, objects: count, next }] as const;
  });
  const { changes } = context.connector;
  const read: ReadPlan = { ...plan, types: Object.fromEntries(types) };
  const meanwhile = changes ? await changedMeanwhile(context, changes, read, signal) : {};
  const missed = await provenByObjects(context, dataset, run, read, meanwhile);
  return { plan: read, ends, meanwhile, ...(Object.keys(missed).length > 0 ? { missed } : {}) };
}

/** Where changes are told: linked objects that are there, and neither the lists nor the changes showed. */
async function unlistedIn(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  plan: ReadPlan,
  ends: readonly ScopeEnd[],
  signal: AbortSignal | undefined,
): Promise<readonly ScopeEnd[]> {
  if (isRecordMesh(authorityOf(context).mesh)) return [];
  const { ids } = await listedIn(knownPages(context, dataset, run, plan));
  const incomplete = new Set(ends.flatMap((end) => (end.complete ? [] : [end.nativeType])));
  const unlisted: ScopeEnd[] = [];
  for await (const scope of unlistedScopes(context, dataset, { ids, incomplete }, signal))
    unlisted.push({ ...scope, cursor: '' });
  return unlisted;
}
