/**
 * An entity group transaction: up to 100 writes of one partition of one table, all of them or none.
 * https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
 *
 * The request is made here and not by the SDK, whose transactions delete without the condition of an ETag.
 */
import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { createHttpHeaders, createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';
import type { ReadyWrite } from './write.js';

export const entitiesMax = 100;
/** 4 MiB, less what stands around the entities. */
export const bytesMax = 4 * 1024 * 1024 - 16 * 1024;

/** One write as it lies in the request. */
export interface Part {
  readonly ready: ReadyWrite;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Behind the address of the account. */
  readonly place: string;
  /** Headers and body. */
  readonly rest: string;
  readonly bytes: number;
}

export function partOf(table: string, ready: ReadyWrite): Part {
  const { entity, etag, key } = ready;
  const place =
    etag === null ? table : `${table}(PartitionKey='${quoted(key.partitionKey)}',RowKey='${quoted(key.rowKey)}')`;
  const condition = etag === null ? 'Prefer: return-no-content' : `If-Match: ${etag}`;
  const body = entity === null ? [] : ['Content-Type: application/json', '', JSON.stringify(wireOf(entity))];
  const rest = [condition, ...told, ...body, '', ''].join(newline);
  const method = entity === null ? 'DELETE' : etag === null ? 'POST' : 'PUT';
  return { ready, method, place, rest, bytes: Buffer.byteLength(rest) + place.length };
}

const newline = '\r\n';
const quoted = (key: string): string => encodeURIComponent(key.replaceAll("'", "''"));
const told = ['Accept: application/json;odata=minimalmetadata', 'DataServiceVersion: 3.0'];

/** As the SDK sends an entity: each value as a text, with its type beside it. */
function wireOf({ partitionKey, rowKey, ...properties }: NonNullable<ReadyWrite['entity']>): object {
  const wire: Record<string, unknown> = { PartitionKey: partitionKey, RowKey: rowKey };
  for (const [name, property] of Object.entries(properties)) {
    const { type, value } = property as { readonly type: string; readonly value: string };
    wire[name] = value;
    wire[`${name}@odata.type`] = `Edm.${type}`;
  }
  return wire;
}

/** What Azure answered, in the shape of a failure of its SDK, and which write it names. Its message quotes keys and stays here. */
export class TransactionFailure extends Error {
  readonly statusCode: number;
  readonly code: string | undefined;
  readonly response: { readonly headers: { readonly get: (name: string) => string | undefined } };
  /** The place of the write that could not be made; undefined where Azure names none. */
  readonly failedAt: number | undefined;

  constructor(statusCode: number, body: string, headers: TransactionFailure['response']['headers']) {
    super('the transaction was not made');
    const { code, message } = errorIn(body);
    this.statusCode = statusCode;
    this.code = code;
    this.response = { headers };
    const at = /^(\d{1,3}):/.exec(message ?? '')?.[1];
    this.failedAt = at === undefined ? undefined : Number(at);
  }
}

function errorIn(body: string): { readonly code?: string | undefined; readonly message?: string | undefined } {
  const [begin, end] = [body.indexOf('{'), body.lastIndexOf('}')];
  try {
    const told = JSON.parse(body.slice(begin, end + 1)) as {
      readonly 'odata.error'?: { readonly code?: unknown; readonly message?: { readonly value?: unknown } };
    };
    const { code, message } = told['odata.error'] ?? {};
    const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
    return { code: text(code), message: text(message?.value) };
  } catch {
    return {};
  }
}

/** Sent once. Throws TransactionFailure for what Azure answered, and anything else where nobody knows what became of it. */
export async function sendTransaction(
  sdk: TableClient,
  http: HttpClient,
  parts: readonly Part[],
  abortSignal: AbortSignal,
): Promise<void> {
  const [batch, changes] = [`batch_${randomUUID()}`, `changeset_${randomUUID()}`];
  const head = [`--${changes}`, 'Content-Type: application/http', 'Content-Transfer-Encoding: binary', '', ''];
  const body = [
    [`--${batch}`, `Content-Type: multipart/mixed; boundary=${changes}`, '', ''].join(newline),
    ...parts.map(
      ({ method, place, rest }) => `${head.join(newline)}${method} ${sdk.url}/${place} HTTP/1.1${newline}${rest}`,
    ),
    [`--${changes}--`, `--${batch}--`, ''].join(newline),
  ].join('');
  const answer = await sdk.pipeline.sendRequest(
    http,
    createPipelineRequest({
      url: `${sdk.url}/$batch`,
      method: 'POST',
      body,
      abortSignal,
      allowInsecureConnection: sdk.url.startsWith('http:'),
      headers: createHttpHeaders({
        accept: 'application/json',
        'x-ms-version': '2019-02-02',
        DataServiceVersion: '3.0;',
        MaxDataServiceVersion: '3.0;NetFx',
        'Content-Type': `multipart/mixed; boundary=${batch}`,
      }),
    }),
  );
  requireMade(answer.status, answer.bodyAsText ?? '', answer.headers, parts.length);
}

/** HAZARD: what does not say of each write that it was made, and names no failure, says nothing. */
function requireMade(
  status: number,
  body: string,
  headers: TransactionFailure['response']['headers'],
  count: number,
): void {
  if (status < 200 || status >= 300) throw new TransactionFailure(status, body, headers);
  const answers = body.split('--changesetresponse_').slice(1, -1);
  const statuses = answers.map((answer) => Number(/^HTTP\/1\.1 (\d{3})/m.exec(answer)?.[1] ?? Number.NaN));
  for (const [at, one] of statuses.entries())
    if (one >= 400) throw new TransactionFailure(one, answers[at] ?? '', headers);
  if (statuses.length !== count || !statuses.every((one) => one >= 200 && one < 300))
    throw new Error('the answer to a transaction does not say what became of each write');
}
