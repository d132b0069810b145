/** The objects that a run knows: those that it read, and of types that were told by what changed those that earlier runs read. */
import type { Digest } from '../../../core/digest.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem } from '../../connectors/connector.js';
import type { AuthorityContext } from '../context.js';
import { pagesIn } from '../page-files.js';
import { incrementOf, type ReadPlan } from './read-plan.js';

export async function* knownPages(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  plan: ReadPlan | null,
): AsyncGenerator<ReadItem> {
  yield* pagesIn(context.privateStore, dataset, run);
  for (const [type, { read, next }] of Object.entries(plan?.types ?? {})) {
    if (read !== 'increment' || !next) continue;
    const { objects } = await incrementOf(context, dataset, next.layers, type);
    const isStill = (object: NativeObject): boolean => object.type === type && !objects.has(object.id);
    for await (const item of pagesIn(context.privateStore, dataset, next.full))
      if (item.kind === 'objects') yield { ...item, objects: item.objects.filter(isStill) };
    const changed = [...objects.values()].filter((object) => object !== null);
    if (changed.length > 0) yield { kind: 'objects', scope: type, objects: changed, cursor: '' };
    for (const scope of next.scopes ?? [type])
      yield { kind: 'scopeEnd', scope, nativeType: type, complete: true, cursor: '' };
  }
}
