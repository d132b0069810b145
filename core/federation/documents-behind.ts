/**
 * Which signed documents stand behind an operation. A policy stands behind all that it decided. Any other document stands
 * behind what could follow from its last change, from the first run under it until members agreed on all that it is about:
 * afterwards a difference is one that somebody observed, and has no author.
 */
import type { ConfiguredDocument } from './documents.js';
import type { DatasetShape, DatasetType } from './federation.js';
import { referredTypes } from './taxonomy.js';
import type { Base } from '../messages.js';
import { byCodeUnit } from '../json.js';
import type { Digest } from '../digest.js';
import type { Operation, Rule } from '../operation.js';
import type { MadePlan } from '../plan.js';

type Shape = Pick<DatasetShape, 'documents' | 'types'>;

/** The rules that only a declared policy proposes by. */
const rulesOfPolicies: readonly Rule[] = [
  'owned',
  'union',
  'intersection',
  'leastPrivilege',
  'latestObserved',
  'suspendedFirst',
  'deletedAfterSuspension',
  'keptByPolicy',
];

/** Documents that changed and of which not all that follows has been agreed on. Where the base says nothing, all of them. */
export function freshDocuments(
  { documents }: Shape,
  base: Pick<Base, 'authored'> | null,
): readonly ConfiguredDocument[] {
  const agreed = base?.authored;
  return (documents ?? []).filter(
    ({ name, digest }) => agreed?.documents[name] !== digest || agreed.fresh.includes(name),
  );
}

/** Whether the document, signed or not, stands behind the operation; `isFresh` as freshDocuments says. */
export function isDocumentBehind(
  shape: Shape,
  document: ConfiguredDocument,
  isFresh: boolean,
  operation: Operation,
): boolean {
  return decided(document, operation) || (isFresh && concerns(shape, document, operation));
}

function decided({ name, authority, type }: ConfiguredDocument, operation: Operation): boolean {
  if (!rulesOfPolicies.includes(operation.rule)) return false;
  // What is the lesser privilege, the type itself declares.
  if (type !== null) return authority === null && operation.rule === 'leastPrivilege' && type === operation.type;
  return authority === null && isDataset(name);
}

function isDataset(name: string): boolean {
  return name.startsWith('datasets/');
}

function concerns(shape: Shape, { authority, type }: ConfiguredDocument, operation: Operation): boolean {
  const isSide = authority === null || authority === operation.authority || operation.because.includes(authority);
  if (!isSide) return false;
  if (type === null || type === operation.type) return true;
  // Whoever maps people decides who can be in a team.
  const own = shape.types.find(({ taxonomy }) => taxonomy.type === operation.type);
  return operation.changes.some(({ field }) => own !== undefined && refersTo(own, field, type));
}

function refersTo({ taxonomy }: DatasetType, field: string, type: string): boolean {
  const kind = taxonomy.fields[field];
  return kind !== undefined && referredTypes(kind).includes(type);
}

/**
 * What the next base says of documents: everybody makes the same of it. HAZARD: a base moves also while changes that follow
 * from a document are still open; were the document taken as agreed then, whoever wrote it could approve them alone in the
 * run after.
 */
export function authoredOfNextBase(
  shape: DatasetShape,
  base: Base | null,
  plan: MadePlan,
  done: Pick<ReadonlySet<Digest>, 'has'>,
): Base['authored'] {
  if (!shape.documents) return undefined;
  const open = new Set<string>();
  for (const { type, operations, accepted } of plan.divergences)
    if (operations.length === 0 || accepted.length > 0 || operations.some((id) => !done.has(id))) open.add(type);
  for (const { type } of [...plan.conflicts, ...plan.cases, ...plan.incomplete]) open.add(type);
  for (const { taxonomy, absent } of shape.types) if (absent.length > 0) open.add(taxonomy.type);
  const fresh = freshDocuments(shape, base)
    .filter(({ type }) =>
      type === null ? open.size > 0 : shape.types.some((one) => open.has(one.taxonomy.type) && isAbout(one, type)),
    )
    .map(({ name }) => name);
  return {
    documents: Object.fromEntries(shape.documents.map(({ name, digest }) => [name, digest])),
    fresh: fresh.sort(byCodeUnit),
  };
}

function isAbout(one: DatasetType, type: string): boolean {
  return one.taxonomy.type === type || Object.keys(one.taxonomy.fields).some((field) => refersTo(one, field, type));
}
