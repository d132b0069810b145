/** Facets of the OpenLineage specification, with the version of each that we write; ours are in run-event.ts. */
import type { Json, JsonObject } from '../json.js';
import { specificationSchema } from './names.js';

export type Facet = JsonObject & { readonly _producer: string; readonly _schemaURL: string };

export function facet(producer: string, schema: string, content: JsonObject): Facet {
  return { _producer: producer, _schemaURL: schema, ...content };
}

export const versionFacet = (producer: string, datasetVersion: string): Facet =>
  facet(producer, specificationSchema('DatasetVersionDatasetFacet', '1-0-1'), { datasetVersion });

export interface SchemaField extends JsonObject {
  readonly name: string;
  readonly type: string;
}
export const schemaFacet = (producer: string, fields: readonly SchemaField[]): Facet =>
  facet(producer, specificationSchema('SchemaDatasetFacet', '1-2-0'), { fields });

export interface Transformation extends JsonObject {
  readonly type: 'DIRECT' | 'INDIRECT';
  readonly subtype: 'IDENTITY' | 'TRANSFORMATION' | 'JOIN';
  readonly description: string;
  readonly masking: boolean;
}
export interface InputField extends JsonObject {
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly transformations: readonly Transformation[];
}
export interface ColumnLineage {
  readonly fields: Readonly<Record<string, { readonly inputFields: readonly InputField[] }>>;
  readonly dataset: readonly InputField[];
}
export const columnLineageFacet = (producer: string, { fields, dataset }: ColumnLineage): Facet =>
  facet(producer, specificationSchema('ColumnLineageDatasetFacet', '1-2-0'), {
    fields: fields as unknown as Json,
    ...(dataset.length === 0 ? {} : { dataset }),
  });

export const rowsReadFacet = (producer: string, rowCount: number): Facet =>
  facet(producer, specificationSchema('InputStatisticsInputDatasetFacet', '1-0-0'), { rowCount });

export const rowsWrittenFacet = (producer: string, rowCount: number): Facet =>
  facet(producer, specificationSchema('OutputStatisticsOutputDatasetFacet', '1-0-2'), { rowCount });

export const jobTypeFacet = (producer: string): Facet =>
  facet(producer, specificationSchema('JobTypeJobFacet', '2-0-4'), {
    processingType: 'BATCH',
    integration: 'CONCORDAT',
    jobType: 'RECONCILE',
  });

export const documentationFacet = (producer: string, description: string): Facet =>
  facet(producer, specificationSchema('DocumentationJobFacet', '1-1-0'), { description });

export const engineFacet = (producer: string, version: string): Facet =>
  facet(producer, specificationSchema('ProcessingEngineRunFacet', '1-1-1'), { version, name: 'Concordat' });

export const errorMessageFacet = (producer: string, message: string): Facet =>
  facet(producer, specificationSchema('ErrorMessageRunFacet', '1-0-1'), {
    message,
    programmingLanguage: 'TypeScript',
  });
