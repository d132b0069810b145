/**
 * How a federation is named on a Temporal server: namespaces, Nexus endpoints, the task queue, workflow ids, search
 * attributes. Everything that must agree between workers, command line and setup is spelled here and nowhere else.
 *
 * Names hold ids of the federation only, never a value of a record: Temporal keeps ids and search attributes in clear.
 */
import type { Digest } from './digest.js';
import { ConcordatError } from './errors.js';
import type { AuthorityId } from './record.js';

/** One queue per namespace; the namespace says whose it is. */
export const taskQueue = 'concordat';
/** Groups of buckets that are compared: a queue of their own, because each keeps a processor busy for as long as it takes. */
export const compareQueue = 'concordat-compare';

/** The id that the federation's own endpoint takes, so no authority may have it. */
const federationEndpointSuffix = 'federation';

export function federationNamespace(federation: string): string {
  return federation;
}

export function authorityNamespace(federation: string, authority: AuthorityId): string {
  return `${federation}-${authority}`;
}

/**
 * The Nexus endpoint through which peers reach an authority. Endpoint names are unique on the whole server.
 * Throws `invalidFederation` for the one id that is taken.
 */
export function authorityEndpoint(federation: string, authority: AuthorityId): string {
  if (authority === federationEndpointSuffix) {
    throw new ConcordatError(
      'invalidFederation',
      `no authority may be called ${federationEndpointSuffix}: its endpoint would be the one of the federation; rename the authority`,
    );
  }
  return `${federation}-${authority}`;
}

/** The Nexus endpoint through which an authority asks the federation for a run. */
export function federationEndpoint(federation: string): string {
  return `${federation}-${federationEndpointSuffix}`;
}

/** One run per dataset: starting the id twice is refused by the server. */
export function reconcileWorkflowId(dataset: string): string {
  return `reconcile/${dataset}`;
}

/** The dataset of a `reconcile/...` id, or undefined where the id is of another kind. */
export function datasetOfReconcileId(workflowId: string): string | undefined {
  return workflowId.startsWith('reconcile/') ? workflowId.slice('reconcile/'.length) : undefined;
}

/** Schedules live in a register of their own, so the id may be spelled like the run that they ask for. */
export function scheduleId(dataset: string): string {
  return `reconcile/${dataset}`;
}

/** The server appends the time of the start. */
export function scheduledWorkflowId(dataset: string): string {
  return `scheduled/${dataset}`;
}

/** Lives in the namespace of the authority whose people are asked. The next run with the same plan attaches to it. */
export function reviewWorkflowId(dataset: string, plan: Digest): string {
  return `review/${dataset}/${plan}`;
}

/** Every other step that an authority takes for one run: `snapshot/<dataset>/<run>`, `commit/...`. */
export type AuthorityStep = 'describe' | 'open' | 'snapshot' | 'translate' | 'disclose' | 'commit' | 'witness' | 'seal';

export function stepWorkflowId(step: AuthorityStep, dataset: string, run: string): string {
  return `${step}/${dataset}/${run}`;
}

/** A pass of a step that a run may take more than once, such as the second translation after new links. */
export function stepPassWorkflowId(step: AuthorityStep, dataset: string, run: string, pass: number): string {
  return `${step}/${dataset}/${run}/${pass}`;
}

export type SearchAttributeKind = 'Keyword' | 'Int';

/** A self-hosted server on a SQL database takes ten Keyword and three Int attributes in a namespace. */
export const searchAttributes = {
  ConcordatDataset: 'Keyword',
  ConcordatStage: 'Keyword',
  ConcordatOutcome: 'Keyword',
  ConcordatAuthority: 'Keyword',
  ConcordatDivergences: 'Int',
  ConcordatOperations: 'Int',
  ConcordatCases: 'Int',
} as const satisfies Readonly<Record<string, SearchAttributeKind>>;

export type SearchAttributeName = keyof typeof searchAttributes;
