/**
 * Which native objects the row filter of the surface keeps back. What cannot be told to meet the filter is kept back:
 * a record that should have been hidden cannot be taken back from peers.
 */
import { mapOf, surfaceIn } from '../../core/federation/federation.js';
import { meetsFilter } from '../../core/federation/surface.js';
import type { NativeObject } from '../../core/record.js';
import { translate } from '../../core/translate.js';
import type { AuthorityContext } from './context.js';

/** Null where the type has no filter. */
export function rowFilterOf(context: AuthorityContext, type: string): ((object: NativeObject) => boolean) | null {
  const where = surfaceIn(context.federation, context.id, type)?.where ?? [];
  const map = mapOf(context.federation, context.id, type);
  const taxonomy = context.federation.taxonomy[type];
  if (where.length === 0 || !map || !taxonomy) return null;
  const surface = where.map(({ field }) => field);
  return (object) => {
    const translation = translate({ object, map, taxonomy, surface, key: '', resolve: () => null });
    return translation.kind === 'record' && meetsFilter(where, translation.record.fields);
  };
}
