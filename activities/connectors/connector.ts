/**
 * What Concordat asks of a cloud. Each connector folder has the same files:
 * `config.ts` (its part of the authority file and environment), `client.ts` (the SDK or HTTP client, retries, error
 * classes), `capabilities.ts`, `read.ts`, `write.ts` (planned native calls and their execution), `connector.ts` (assembly).
 *
 * Contract:
 * - Reads may be repeated freely; they throw ConcordatError with a code of core/errors.ts.
 * - A write is sent once. Only throttling, where the cloud says that it did nothing, repeats it. Writes never throw for
 *   what the cloud answered: they return a WriteAnswer, and an answer that cannot be classified is `unknown`.
 * - Nothing here logs a body, a credential or a personal value.
 */
import type { Mesh } from '../../core/federation/authority.js';
import type { Json, JsonObject } from '../../core/json.js';
import type { ErrorCode } from '../../core/errors.js';
import type { NativeObject } from '../../core/record.js';

export interface Capabilities {
  readonly kind: Mesh['kind'];
  readonly nativeTypes: readonly NativeTypeCapabilities[];
  /** Whether an object missing from a complete list is known not to exist. */
  readonly absenceProvesDeletion: boolean;
  /** Whether the cloud can refuse a write whose precondition fails; else read-compare-write-verify. */
  readonly conditionalWrites: boolean;
  readonly rateLimits: readonly string[];
  /** The least privilege it needs, in the cloud's own words: IAM actions, Graph permissions, Keystone roles. */
  readonly permissions: { readonly read: readonly string[]; readonly write: readonly string[] };
}

export interface NativeTypeCapabilities {
  /** In the words of the cloud: `user`, `group`. A map names it as `native`. */
  readonly type: string;
  /** Body properties the cloud holds. */
  readonly properties: readonly string[];
  /** None for what is read as inventory only; an edge knows no update. */
  readonly writes: readonly ('create' | 'update' | 'delete')[];
  /** The least privilege for this type, where it is more than the connector needs for people and teams. */
  readonly permissions?: { readonly read: readonly string[]; readonly write: readonly string[] };
}

export interface ReadObjects {
  readonly kind: 'objects';
  readonly scope: string;
  readonly objects: readonly NativeObject[];
  readonly cursor: string;
}

export interface ScopeEnd {
  readonly kind: 'scopeEnd';
  /** for example `users`, `groups`, `groups/<native id>/members` */
  readonly scope: string;
  /** The native type whose objects an incomplete scope may hide or leave partial. */
  readonly nativeType: string;
  readonly complete: boolean;
  readonly reason?: ErrorCode;
  /** Property → its type in the words of the store (`numeric(12,2)`), where it declares one beside the values. */
  readonly declares?: Readonly<Record<string, string>>;
  readonly cursor: string;
}

/** What a read yields, in order. `cursor` resumes right after the item, in another process if need be. */
export type ReadItem = ReadObjects | ScopeEnd;

/** Objects that nobody looks at before they are kept: as activities/object-line.ts writes them, the memory its own. */
export interface ReadLines {
  readonly kind: 'lines';
  readonly scope: string;
  readonly nativeType: string;
  readonly count: number;
  /** `count` lines, `lineBreak` between them. */
  readonly lines: Uint8Array;
  readonly cursor: string;
}

export interface ReadRequest {
  readonly cursor?: string;
  /** The native types that some active map names; no collection of another is read. Absent: users and groups. */
  readonly nativeTypes?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Why a store cannot tell what changed of a native type since a cursor. No fault: the type is read whole then. */
export type UntoldReason =
  /** What the cursor stands for is gone: another slot, a stream that ended, changes that the store has dropped. */
  | 'expired'
  /** Something happened that the store does not tell row by row: its schema changed, a table was emptied or rewritten. */
  | 'doubtful'
  /** Reading all of it costs no more. */
  | 'many'
  /** The store is not set up to tell it. `concordat doctor` says what is missing. */
  | 'notOffered';

/**
 * What `changesSince` yields. Of an object told twice the later item counts. Whole bodies only, as the store shows them now:
 * where its feed tells parts or older states, the connector asks for the object by its key.
 */
export type ChangeItem =
  | { readonly kind: 'objects'; readonly objects: readonly NativeObject[] }
  /** Asked for by key after the change, the store says that they are not there. */
  | { readonly kind: 'gone'; readonly nativeType: string; readonly ids: readonly string[] }
  /** Nothing that was or will be told of this type counts. */
  | { readonly kind: 'untold'; readonly nativeType: string; readonly why: UntoldReason; readonly detail: string }
  /** The last item. Without it nothing counts; a type without a cursor here is untold. */
  | { readonly kind: 'end'; readonly cursors: ChangeCursors };

/** Native type → from where its changes are told next. It holds no value of a record. */
export type ChangeCursors = Readonly<Record<string, string>>;

export type ChangePosition =
  | { readonly kind: 'cursor'; readonly cursor: string }
  | { readonly kind: 'none'; readonly why: UntoldReason; readonly detail: string };

/**
 * One change of one native object. `before` and `after` are whole bodies; the connector derives the calls from their
 * difference. `deletionMayRemove` comes from the map.
 */
export type NativeWrite<Type extends string = string> =
  | {
      readonly kind: 'create';
      readonly type: Type;
      readonly after: JsonObject;
      /** The id under which the record was here before it was deleted, where an undo brings it back. A cloud that keeps deleted objects restores it; for others it means nothing. */
      readonly restores?: string;
    }
  | {
      readonly kind: 'update';
      readonly type: Type;
      readonly id: string;
      readonly before: JsonObject;
      readonly after: JsonObject;
    }
  | {
      readonly kind: 'delete';
      readonly type: Type;
      readonly id: string;
      readonly before: JsonObject;
      readonly deletionMayRemove: readonly string[];
    };

/** A call as the cloud's own documentation names it (`iam:TagUser`, `PATCH /users/{id}`, `PUT /v3/groups/{id}/users/{id}`), with its arguments for the approver's screen. */
export interface NativeCall {
  readonly call: string;
  readonly target: string;
  readonly arguments: Readonly<Record<string, Json>>;
}

export type WriteAnswer =
  | { readonly kind: 'applied'; readonly id: string }
  | { readonly kind: 'conflict'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'unknown'; readonly code: ErrorCode; readonly detail: string };

/**
 * What became of one write of a batch. `object`: what the store itself shows of it after the write, told by the very call
 * that wrote. `notSent`: the store never saw it, and it may be tried again.
 */
export type BatchAnswer =
  | { readonly kind: 'applied'; readonly id: string; readonly object?: NativeObject }
  | Exclude<WriteAnswer, { readonly kind: 'applied' }>
  | { readonly kind: 'notSent' };

/**
 * Reading and writing many objects of one native type at once, for stores whose calls cost more than their objects.
 *
 * - Every write keeps its own condition: one that no longer holds is a `conflict` of its own, and the rest is applied.
 * - No two writes of a batch are of one object, and none rests on another, so they may be made in any order or all at once.
 * - As a single write, a call is sent once. Where its answer is lost each of its writes is `unknown`, unless the store can
 *   say what became of it.
 */
export interface Batches<Type extends string = string> {
  /** Objects of one batch, at most. */
  readonly objectsMax: number;
  /** By native id; what does not exist is not in it. Throws as `readOne` does. */
  readMany(type: Type, ids: readonly string[]): Promise<ReadonlyMap<string, NativeObject>>;
  /** One answer for each write, in the same order. */
  writeMany(writes: readonly NativeWrite<Type>[], watch?: BatchWatch): Promise<readonly BatchAnswer[]>;
}

export interface BatchWatch {
  /** Awaited before each call that may have an effect. Where it fails nothing more is sent, and the failure is thrown. */
  readonly announce?: () => Promise<void>;
  /** Asked before each call: where it says no, the rest is `notSent`. */
  readonly mayGoOn?: () => boolean;
}

export interface ProbeResult {
  readonly reachable: boolean;
  readonly authenticated: boolean;
  /** Who the cloud says we are, without secrets. */
  readonly identity?: string;
  readonly permissions: readonly {
    readonly permission: string;
    readonly held: boolean | 'notChecked';
    readonly detail?: string;
  }[];
  /** What the permissions that are held let us do with native types beside users and groups; these are no fault where no map names them. */
  readonly nativeTypes?: readonly {
    readonly type: string;
    readonly read: boolean;
    readonly write: boolean | 'notChecked';
    readonly detail?: string;
  }[];
  readonly code?: ErrorCode;
  readonly detail?: string;
}

/** `Type`: its native types, as the capabilities list them. */
export interface Connector<Type extends string = string> {
  readonly capabilities: Capabilities;
  /** For `concordat doctor`: never throws. `nativeTypes` as in a read: what each of them needs beyond people and teams is looked at too. */
  probe(request?: Pick<ReadRequest, 'nativeTypes'>): Promise<ProbeResult>;
  /** Everything under this authority's scopes: users before groups, and what refers to them after. Ends each scope with a scopeEnd, complete or not, and goes on with the next. */
  readAll(request: ReadRequest): AsyncIterable<ReadItem>;
  /** The same, and resumed by the same cursors; absent where the connector makes objects of what it reads anyway. */
  readLines?(request: ReadRequest): AsyncIterable<ReadItem | ReadLines>;
  /** One object by its unchanging id, for the comparison right before and after a write; null where the cloud says it does not exist. */
  readOne(type: Type, id: string): Promise<NativeObject | null>;
  /** Whether an object that `readOne` shows is where `readAll` looks: what was moved elsewhere is gone from this mesh. Absent: always. */
  isInScope?(object: NativeObject): boolean;
  /** The object that a create with this body would collide with or has made: by the cloud's own unique name. */
  findTwin(type: Type, after: JsonObject): Promise<NativeObject | null>;
  /** The calls that a write would make, for review; pure. For deletions, calls that depend on what is attached are named with `(as attached)`. */
  plannedCalls(write: NativeWrite<Type>): readonly NativeCall[];
  /**
   * What the cloud does beyond the write itself, for the approver's screen; pure. In words without values: what a deletion
   * takes along there, a name that cannot be changed, what a new object under another native id has lost.
   */
  consequencesOf?(write: NativeWrite<Type>): readonly string[];
  /** Makes the calls in order and stops at the first that is not known to have been applied. `announce` is awaited before each call, so that a crash test can stand between any two. */
  write(write: NativeWrite<Type>, announce?: (call: NativeCall) => Promise<void>): Promise<WriteAnswer>;
  /** Absent where the cloud takes one object at a time. */
  readonly batches?: Batches<Type>;
  /**
   * For reading only what changed; absent where the connector reads everything, or the mesh declares no `changes`. All four
   * belong together (docs/decisions/0063-an-increment-is-proven.md).
   */
  readonly changes?: Changes;
}

export interface Changes {
  /** Every how many runs everything is read. */
  readonly fullReadEvery: number;
  /** From where changes must be told so that none is missed by a `readAll` that begins after this. */
  positions(nativeTypes: readonly string[], signal?: AbortSignal): Promise<Readonly<Record<string, ChangePosition>>>;
  /** What changed of the types that have a cursor. Throws as a read does; what the store cannot tell is an item. */
  changesSince(cursors: ChangeCursors, signal?: AbortSignal): AsyncIterable<ChangeItem>;
  /** Nobody will ask for changes before any of these cursors again: what was read is sealed and signed. All that are still needed are given. */
  release(cursors: readonly string[]): Promise<void>;
  /**
   * There where a change may be told some time after it was made: the id of the object that a write is about, null where
   * nobody knows it before the answer. What this authority writes itself is then read by key in the next run, told or not.
   */
  readonly idWritten?: (write: NativeWrite) => string | null;
}
