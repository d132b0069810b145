/** What the mesh shows of the record of an operation at this moment, also where a creation left no link behind. */
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import type { Operation } from '../../core/operation.js';
import type { Fields, NativeObject } from '../../core/record.js';
import type { AuthorityContext } from './context.js';
import { nativeChange } from './native-writes.js';
import type { OwnRecords } from './own-records.js';

interface Inspecting {
  readonly context: AuthorityContext;
  readonly own: OwnRecords;
  readonly type: DatasetType;
}

/** null: there is no such object. */
export async function inspectOperation(
  { context, own, type }: Inspecting,
  operation: Operation,
): Promise<Fields | null | 'untranslatable'> {
  const map = mapOf(context.federation, context.id, operation.type);
  if (!map) return 'untranslatable';
  const shown = (object: NativeObject): Fields | 'untranslatable' => {
    const translation = object.opaque === undefined ? own.translate(type, object, operation.key) : null;
    return translation?.kind === 'record' ? translation.record.fields : 'untranslatable';
  };
  for (const nativeId of own.nativeIdsOf(operation.type, operation.key)) {
    const object = await context.connector.readOne(map.native, nativeId);
    if (object === null) continue;
    // Under a natural key an object is this record as long as it says so.
    const key = type.taxonomy.key === undefined ? operation.key : own.keyNow(operation.type, object);
    if (key === null || key === operation.key) return shown(object);
  }
  if (operation.kind !== 'create') return null;
  const change = nativeChange(context, {
    operation,
    type,
    native: null,
    resolve: own.resolve,
    resolveBack: own.resolveBack,
  });
  if (change.kind === 'refused' || change.write.kind !== 'create') return 'untranslatable';
  const twin = await context.connector.findTwin(change.write.type, change.write.after);
  return twin ? shown(twin) : null;
}
