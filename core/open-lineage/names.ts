/**
 * How OpenLineage is told who we are and what our datasets are called (OpenLineage spec 2-0-2, Naming.md): a namespace
 * says where something lives, a name what it is there. Ids of the federation only, never a value of a record.
 */
import type { AuthorityId } from '../record.js';

export interface DatasetName {
  readonly namespace: string;
  readonly name: string;
}

/** Where jobs live unless the operator names another namespace. */
export function jobNamespace(federation: string): string {
  return `concordat://${federation}`;
}

export function jobName(dataset: string): string {
  return `${dataset}.reconcile`;
}

/** The records of a dataset as one mesh holds them. */
export function meshDataset(federation: string, authority: AuthorityId, dataset: string): DatasetName {
  return { namespace: `concordat://${federation}/${authority}`, name: dataset };
}

/** The records of a dataset as all agreed on them: the base. */
export function agreedDataset(federation: string, dataset: string): DatasetName {
  return { namespace: `concordat://${federation}`, name: dataset };
}

/** A version of Concordat made the event: `urn:concordat:producer:0.1.0`. */
export function producerOf(version: string): string {
  return `urn:concordat:producer:${version}`;
}

/** Version of our own facets. A change of their shape gets a new one: a schema URL is for good. */
const ownFacets = '1-0-0';

export function ownSchema(facet: string): string {
  return `urn:concordat:openlineage:${ownFacets}:${facet}.json#/$defs/${facet}`;
}

/** A facet of the specification, by its version there. */
export function specificationSchema(facet: string, version: string): string {
  return `https://openlineage.io/spec/facets/${version}/${facet}.json#/$defs/${facet}`;
}

export const runEventSchema = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
