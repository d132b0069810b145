/** What every collection beside users and groups gives to a read, and how such collections are read one after another. */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { byCodeUnit, type JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem } from '../connector.js';
import { cursorOf, type Position, type PositionIn, type UntoldPart } from './cursor.js';
import type { NativeType } from './native-types.js';

/** Objects in the order of ids; parts that could not be read are told right after them. */
export interface Batch {
  readonly objects: readonly NativeObject[];
  /** Where to go on after them. */
  readonly after: string;
  readonly untold?: readonly UntoldPart[];
}

/** How a collection ended: `reason` says why it is not whole, `untold` which parts of it are missing. */
export interface End {
  readonly reason?: ErrorCode;
  readonly untold?: readonly UntoldPart[];
}

export interface Collection {
  readonly name: string;
  readonly nativeType: NativeType;
  /** What comes after `after`, in batches; returns what is missing of it. Throws ConcordatError. */
  read(after: string | undefined, signal?: AbortSignal): AsyncGenerator<Batch, End>;
}

/** How single objects of a native type are found. Throws ConcordatError. */
export interface Lookup {
  readOne(id: string): Promise<NativeObject | null>;
  findTwin(after: JsonObject): Promise<NativeObject | null>;
}

const batchLength = 200;

/** A collection that was read as a whole, in batches. */
export function* batchesOf(objects: readonly NativeObject[], after: string | undefined): Generator<Batch> {
  const left = objects
    .filter(({ id }) => after === undefined || byCodeUnit(id, after) > 0)
    .sort((one, other) => byCodeUnit(one.id, other.id));
  for (let start = 0; start < left.length; start += batchLength) {
    const batch = left.slice(start, start + batchLength);
    yield { objects: batch, after: batch.at(-1)?.id ?? '' };
  }
}

/** Reasons that end a collection instead of the read: the rest of the mesh can be read nevertheless. */
const partial: readonly ErrorCode[] = ['forbidden', 'truncated', 'unexpectedAnswer', 'wrongAccount', 'scopeNotFound'];

type CollectionPosition = PositionIn<'collection'> | PositionIn<'collectionEnd'>;

export interface CollectionsRequest {
  readonly collections: readonly Collection[];
  readonly position: Position;
  readonly distrusted: ErrorCode | undefined;
  readonly signal: AbortSignal | undefined;
}

export function firstPosition(collections: readonly Collection[]): Position {
  const [first] = collections;
  return first ? { at: 'collection', name: first.name, untold: [] } : { at: 'done' };
}

export async function* readCollections(request: CollectionsRequest): AsyncGenerator<ReadItem> {
  const { collections, distrusted, signal } = request;
  let { position } = request;
  while (position.at === 'collection' || position.at === 'collectionEnd') {
    const { name } = position;
    const index = collections.findIndex((each) => each.name === name);
    const collection = collections[index];
    if (!collection) throw new ConcordatError('cursorLost', 'the native types that are read have changed');
    const following = firstPosition(collections.slice(index + 1));
    position = yield* readOneCollection({ collection, position, following, distrusted, signal });
  }
}

interface OneRequest extends Pick<CollectionsRequest, 'distrusted' | 'signal'> {
  readonly collection: Collection;
  readonly position: CollectionPosition;
  readonly following: Position;
}

async function* readOneCollection(request: OneRequest): AsyncGenerator<ReadItem, Position> {
  const { collection, position, following } = request;
  const { name, nativeType } = collection;
  yield* partsOf(collection, position);
  const end = position.at === 'collectionEnd' ? position : yield* objectsOf(request, position);
  if (position.at === 'collection') yield* partsOf(collection, end);
  const verdict = end.reason === undefined ? { complete: true } : { complete: false, reason: end.reason };
  yield { kind: 'scopeEnd', scope: name, nativeType, ...verdict, cursor: cursorOf(following) };
  return following;
}

/** Parts that could not be read, each as a scope of its own. */
function* partsOf({ nativeType }: Collection, at: CollectionPosition): Generator<ReadItem> {
  for (const [index, { scope, reason }] of at.untold.entries()) {
    const rest = { ...at, untold: at.untold.slice(index + 1) };
    yield { kind: 'scopeEnd', scope, nativeType, complete: false, reason, cursor: cursorOf(rest) };
  }
}

async function* objectsOf(
  { collection, distrusted, signal }: OneRequest,
  position: PositionIn<'collection'>,
): AsyncGenerator<ReadItem, PositionIn<'collectionEnd'>> {
  const { name } = position;
  const ended = ({ reason, untold = [] }: End): PositionIn<'collectionEnd'> => ({
    at: 'collectionEnd',
    name,
    untold: [...untold],
    ...(reason === undefined ? {} : { reason }),
  });
  if (distrusted !== undefined) return ended({ reason: distrusted });
  try {
    const batches = collection.read(position.after, signal);
    for (;;) {
      signal?.throwIfAborted();
      const step = await batches.next();
      if (step.done) return ended(step.value);
      const { objects, after, untold = [] } = step.value;
      const next: PositionIn<'collection'> = { at: 'collection', name, after, untold: [...untold] };
      if (objects.length > 0) yield { kind: 'objects', scope: name, objects, cursor: cursorOf(next) };
      yield* partsOf(collection, next);
    }
  } catch (error) {
    if (!(error instanceof ConcordatError && partial.includes(error.code))) throw error;
    return ended({ reason: error.code });
  }
}
