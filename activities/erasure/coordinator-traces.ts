/** What the coordinator's own documents say of a record: the keys that it had before it was linked, and its operations. */
import { Assignment } from '../../core/correlate.js';
import { digestOf, type Digest } from '../../core/digest.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { ConcordatError } from '../../core/errors.js';
import { Base, type Ref } from '../../core/messages.js';
import { Operation, piecesOf } from '../../core/operation.js';
import { Conflict } from '../../core/plan.js';
import { documentParts, type Part } from '../documents/document-parts.js';
import type { ObjectStore } from '../store.js';
import { MarkFinder, type Marks } from './marks.js';

/** The coordinator's part of the exchange store. */
export const coordinatorPrefix = 'federation';

/** Provisional keys that some correlation joined into this record: for the coordinator's own copies, and believed by nobody else. */
export async function joinedKeys(
  exchange: ObjectStore,
  { type, key }: RecordName,
  heartbeat: () => void,
): Promise<readonly string[]> {
  const joined = new Set<string>();
  for await (const { text } of coordinatorParts(exchange, heartbeat, ['assignments'])) {
    const one = Assignment.safeParse(parsed(text));
    if (one.success && one.data.type === type && one.data.key === key) joined.add(one.data.from);
  }
  return [...joined];
}

/**
 * Ids of what plans held about the record.
 *
 * HAZARD: a coordinator that wants somebody's approvals gone could put a plan here that gives other ids to operations on
 * this record. An id counts only where it is the one that the operation has.
 */
export async function plannedOperations(
  exchange: ObjectStore,
  marks: Marks,
  heartbeat: () => void,
): Promise<readonly Digest[]> {
  const finder = new MarkFinder(marks);
  const ids = new Set<Digest>();
  for await (const { member, text } of coordinatorParts(exchange, heartbeat, ['operations', 'conflicts'])) {
    if (!finder.isIn(text)) continue;
    const operation = member === 'operations' ? Operation.safeParse(parsed(text)) : null;
    const conflict = member === 'conflicts' ? Conflict.safeParse(parsed(text)) : null;
    const asked: Asked = {
      operations: operation?.success ? [operation.data] : [],
      conflicts: conflict?.success ? [conflict.data] : [],
    };
    for (const id of operationsAbout(withTrueIds(asked), finder)) ids.add(id);
  }
  return [...ids];
}

/** The base of the highest number that the coordinator proposed; null where it proposed none. */
export async function newestProposedBase(
  exchange: ObjectStore,
  dataset: string,
  heartbeat: () => void,
): Promise<Base | null> {
  let newest: Base | null = null;
  for await (const text of documents(exchange, heartbeat)) {
    if (!text.includes('"previous"') || !text.includes('"types"')) continue;
    const base = Base.safeParse(parsed(text));
    if (base.success && base.data.dataset === dataset && base.data.sequence > (newest?.sequence ?? 0))
      newest = base.data;
  }
  return newest;
}

export interface Asked {
  readonly operations: readonly Operation[];
  readonly conflicts: readonly Conflict[];
}

/** Ids of the operations and conflicts that hold the record, and of the pieces that can be turned down one by one. */
export function operationsAbout({ operations, conflicts }: Asked, finder: MarkFinder): readonly Digest[] {
  const about = conflicts.filter((conflict) => finder.isIn(JSON.stringify(conflict)));
  const all = [
    ...operations.filter((operation) => finder.isIn(JSON.stringify(operation))),
    ...about.flatMap(({ candidates }) => candidates.flatMap((candidate) => candidate.operations)),
  ];
  return [
    ...about.map(({ id }) => id),
    ...all.flatMap((operation) => [operation.id, ...piecesOf(operation).map(({ digest }) => digest)]),
  ];
}

/** Without what does not have its own id, as nothing has that was made up. */
function withTrueIds({ operations, conflicts }: Asked): Asked {
  return {
    operations: operations.filter(hasTrueId),
    conflicts: conflicts
      .map((conflict) => ({
        ...conflict,
        candidates: conflict.candidates.map((candidate) => ({
          ...candidate,
          operations: candidate.operations.filter(
            (operation) => hasTrueId(operation) && operation.key === conflict.key,
          ),
        })),
      }))
      .filter(({ id, type, key, field, candidates }) => {
        const named = candidates.map(({ digest, heldBy }) => ({ digest, heldBy }));
        return id === digestOf({ type, key, field, candidates: named });
      }),
  };
}

function hasTrueId({ id, authority, type, key, kind, changes, rule }: Operation): boolean {
  return id === digestOf({ authority, type, key, kind, changes, rule });
}

/** Documents that are one object, as texts. A base is never so large that it lies in pieces. */
async function* documents(exchange: ObjectStore, heartbeat: () => void): AsyncGenerator<string> {
  for (const name of await exchange.list(`${coordinatorPrefix}/documents/`)) {
    const bytes = await exchange.get(name);
    heartbeat();
    if (bytes) yield new TextDecoder().decode(bytes);
  }
}

/** Elements of the lists that are named, of every document here, whatever its size. */
async function* coordinatorParts(
  exchange: ObjectStore,
  heartbeat: () => void,
  members: readonly string[],
): AsyncGenerator<Part> {
  for (const name of await exchange.list(`${coordinatorPrefix}/documents/`)) {
    heartbeat();
    const ref: Ref = { ref: name, sha256: name.slice(name.lastIndexOf('/') + 1) };
    try {
      for await (const parts of documentParts(exchange, ref, (member) => members.includes(member))) {
        heartbeat();
        yield* parts.filter(({ isElement }) => isElement);
      }
    } catch (error) {
      // What is no document says nothing that counts here.
      if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
