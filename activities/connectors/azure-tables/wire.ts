/**
 * An entity as Azure sends it. The answer is read here and not by the SDK, because JSON.parse makes 5 of the Double `5.0`,
 * which the SDK then takes for an Int32 and would write back as one, and because it gives a property that is called `etag`
 * or `rowKey` the place of the real one.
 * https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
 */
import { isLosslessNumber, parse } from 'lossless-json';
import { ConcordatError } from '../../../core/errors.js';

export const edmTypes = ['Int32', 'Int64', 'Double', 'DateTime', 'Guid', 'Binary'] as const;
export type EdmType = (typeof edmTypes)[number];

export type Edm =
  | { readonly type: 'String'; readonly value: string }
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: EdmType; readonly value: string };

export interface Entity {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly etag: string;
  /** Without keys, etag and timestamp. */
  readonly properties: ReadonlyMap<string, Edm>;
}

const ofTheService: ReadonlySet<string> = new Set(['PartitionKey', 'RowKey', 'Timestamp']);
const typeSuffix = '@odata.type';

const unexpected = (detail: string): ConcordatError => new ConcordatError('unexpectedAnswer', detail);

function entityFrom(told: Readonly<Record<string, unknown>>): Entity {
  const { PartitionKey: partitionKey, RowKey: rowKey, 'odata.etag': etag } = told;
  if (typeof partitionKey !== 'string' || typeof rowKey !== 'string' || typeof etag !== 'string')
    throw unexpected('Azure Tables answered with an entity without keys or without an ETag');
  const properties = new Map<string, Edm>();
  for (const [name, value] of Object.entries(told)) {
    if (ofTheService.has(name) || name.startsWith('odata.') || name.endsWith(typeSuffix) || value === null) continue;
    properties.set(name, edmOf(value, told[`${name}${typeSuffix}`]));
  }
  return { partitionKey, rowKey, etag, properties };
}

function edmOf(value: unknown, told: unknown): Edm {
  const named = typeof told === 'string' ? told.replace(/^Edm\./, '') : undefined;
  const type = edmTypes.find((each) => each === named);
  if (isLosslessNumber(value))
    // A Double always bears a fraction or an exponent.
    return { type: type ?? (/^-?\d+$/.test(value.value) ? 'Int32' : 'Double'), value: value.value };
  if (typeof value === 'boolean') return { type: 'Boolean', value };
  if (typeof value !== 'string') throw unexpected('Azure Tables answered with a property that is no single value');
  if (named !== undefined && type === undefined && named !== 'String')
    throw unexpected('Azure Tables answered with a property of a type that it did not have');
  return type === undefined ? { type: 'String', value } : { type, value };
}

function parsed(text: string | null | undefined): Readonly<Record<string, unknown>> {
  try {
    return parse(text ?? '') as Readonly<Record<string, unknown>>;
  } catch {
    throw unexpected('Azure Tables answered with something that is no JSON');
  }
}

export const entityOf = (text: string | null | undefined): Entity => entityFrom(parsed(text));

export function entitiesOf(text: string | null | undefined): readonly Entity[] {
  const { value } = parsed(text);
  if (!Array.isArray(value)) throw unexpected('Azure Tables answered with a page without entities');
  return value.map((told) => entityFrom(told as Readonly<Record<string, unknown>>));
}
