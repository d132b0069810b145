/** From an operation in federated words to the one native change that carries it out, through the map of this mesh. */
import { mapOf, surfaceIn, type DatasetType } from '../../core/federation/federation.js';
import type { ErrorCode } from '../../core/errors.js';
import { applyChanges, type Operation } from '../../core/operation.js';
import type { JsonObject } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { translateBack } from '../../core/translate-back.js';
import type { NativeWrite } from '../connectors/connector.js';
import type { AuthorityContext } from './context.js';
import { rowFilterOf } from './row-filter.js';

export interface NativeTarget {
  /** With clear values where fields are sealed. */
  readonly operation: Operation;
  readonly type: DatasetType;
  /** The object as it is now, and what it says in federated words; null where it does not exist. */
  readonly native: { readonly id: string; readonly body: JsonObject; readonly fields: Fields } | null;
  /** An attempt of this very operation stopped half way: what it wrote may have taken the row out of the surface. */
  readonly resumes?: boolean;
  /** Under which native id this authority knew the record before it went. */
  readonly formerId?: string | null;
  readonly resolve: (type: string, nativeId: string) => string | null;
  readonly resolveBack: (type: string, key: string) => string | null;
}

export type NativeChange =
  | { readonly kind: 'write'; readonly write: NativeWrite }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

export function isBringingBack({ kind, rule }: Operation): boolean {
  return kind === 'create' && rule === 'undo';
}

const wordsOf = { create: 'created', update: 'changed', delete: 'deleted' } as const;

export function nativeChange(context: AuthorityContext, target: NativeTarget): NativeChange {
  const { operation, type, native } = target;
  const map = mapOf(context.federation, context.id, operation.type);
  const surface = surfaceIn(context.federation, context.id, operation.type);
  if (!map || !surface)
    return { kind: 'refused', code: 'outsideSurface', message: `${context.id} exposes no ${operation.type}` };
  const capabilities = context.connector.capabilities.nativeTypes.find((one) => one.type === map.native);
  if (capabilities && !capabilities.writes.includes(operation.kind))
    return {
      kind: 'refused',
      code: 'readOnlyObject',
      message: `a ${map.native} of ${context.id} can be read and not ${wordsOf[operation.kind]} here`,
    };
  const foreign =
    operation.kind === 'delete'
      ? undefined
      : operation.changes.find(({ field }) => !type.held[context.id]?.includes(field));
  if (foreign)
    return {
      kind: 'refused',
      code: 'outsideSurface',
      message: `${context.id} does not expose the field ${foreign.field}`,
    };
  const isExposed = rowFilterOf(context, operation.type);
  if (
    native &&
    isExposed &&
    target.resumes !== true &&
    !isExposed({ type: map.native, id: native.id, body: native.body })
  )
    return {
      kind: 'refused',
      code: 'outsideSurface',
      message: `${context.id} does not expose this ${operation.type}: its row filter keeps it back`,
    };
  if (operation.kind === 'delete') {
    if (!native) return { kind: 'refused', code: 'expectationFailed', message: 'the object is gone' };
    return {
      kind: 'write',
      write: {
        kind: 'delete',
        type: map.native,
        id: native.id,
        before: native.body,
        deletionMayRemove: map.deletionMayRemove,
      },
    };
  }
  if (operation.kind === 'update' && !native)
    return { kind: 'refused', code: 'expectationFailed', message: 'the object is gone' };
  const after = applyChanges(operation.changes, operation.kind === 'create' ? null : (native?.fields ?? null));
  const changes = Object.fromEntries(operation.changes.map(({ field }) => [field, after[field] ?? null]));
  const back = translateBack({
    changes,
    native: native?.body ?? null,
    map,
    taxonomy: type.taxonomy,
    resolve: target.resolve,
    resolveBack: target.resolveBack,
  });
  if (back.kind === 'refused') return { kind: 'refused', code: back.code, message: `${back.field}: ${back.reason}` };
  if (!native) {
    // Only an undo means the very object that was there; whoever is created otherwise is somebody new.
    const restores = isBringingBack(operation) ? (target.formerId ?? null) : null;
    const write = { kind: 'create', type: map.native, after: back.after } as const;
    return { kind: 'write', write: restores === null ? write : { ...write, restores } };
  }
  return {
    kind: 'write',
    write: { kind: 'update', type: map.native, id: native.id, before: native.body, after: back.after },
  };
}
