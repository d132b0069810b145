/** The part of OData that Graph offers on resources other than users and groups: whole rows with $select, $filter and pages. */
import type { SandboxAnswer } from '../http/service.js';
import { badRequest, GraphProblem, json, type Call } from './call.js';
import type { Properties } from './state.js';

type Row = Properties & { readonly id: string };

const equal = /^(\w+) eq '((?:[^']|'')*)'$/i;
/** Of the type Edm.Guid, which is written without quotes; other ids are texts. */
const equalGuid = /^(resourceId|appRoleId) eq ([0-9a-f-]{36})$/i;
const starting = /^startswith\((\w+), *'((?:[^']|'')*)'\)$/i;

function filtered(call: Call, rows: readonly Row[], properties: readonly string[]): readonly Row[] {
  const text = call.request.url.searchParams.get('$filter');
  if (text === null || text === '') return rows;
  const clause = equalGuid.exec(text.trim()) ?? equal.exec(text.trim()) ?? starting.exec(text.trim());
  const [, property = '', quoted = ''] = clause ?? [];
  const isGuid = property === 'resourceId' || property === 'appRoleId';
  if (!clause || !properties.includes(property) || isGuid !== equalGuid.test(text.trim()))
    throw new GraphProblem(400, 'Request_UnsupportedQuery', `Unsupported or invalid query filter clause: '${text}'.`);
  const wanted = quoted.replaceAll("''", "'").toLowerCase();
  const holds = (value: string): boolean => (starting.test(text.trim()) ? value.startsWith(wanted) : value === wanted);
  return rows.filter((row) => {
    const value = row[property];
    return typeof value === 'string' && holds(value.toLowerCase());
  });
}

function selected(call: Call, row: Row, properties: readonly string[]): Properties {
  const text = call.request.url.searchParams.get('$select');
  const names = text === null || text === '' ? properties : text.split(',').map((name) => name.trim());
  for (const name of names)
    if (!properties.includes(name))
      throw new GraphProblem(
        400,
        'BadRequest',
        `Parsing OData Select and Expand failed: Could not find a property named '${name}'.`,
      );
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}

const contextOf = (call: Call, name: string): string => `${call.request.url.origin}/v1.0/$metadata#${name}`;

export function rowAnswer(
  call: Call,
  context: string,
  row: Row,
  properties: readonly string[],
  status = 200,
): SandboxAnswer {
  return json(status, {
    '@odata.context': contextOf(call, `${context}/$entity`),
    ...selected(call, row, properties),
  });
}

/** One page in the order of ids. `$top` counts where the resource knows it; else pages have the size of the state. */
export function rowsAnswer(
  call: Call,
  context: string,
  rows: readonly Row[],
  properties: readonly string[],
  knowsTop = false,
): SandboxAnswer {
  const query = call.request.url.searchParams;
  const top = knowsTop ? Number(query.get('$top') ?? call.state.access.pageSize) : call.state.access.pageSize;
  if (!Number.isInteger(top) || top < 1 || top > 999) throw badRequest('Invalid page size specified.');
  const kept = filtered(call, rows, properties).toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const token = query.get('$skiptoken');
  const after = token === null ? undefined : Buffer.from(token, 'base64url').toString('utf8');
  if (after !== undefined && !after.startsWith('after '))
    throw new GraphProblem(400, 'Directory_ExpiredPageToken', 'The specified page token value has expired.');
  const rest = after === undefined ? kept : kept.filter(({ id }) => id > after.slice('after '.length));
  const page = rest.slice(0, top);
  const last = page.at(-1);
  const url = new URL(call.request.url.href);
  if (last) url.searchParams.set('$skiptoken', Buffer.from(`after ${last.id}`, 'utf8').toString('base64url'));
  return json(200, {
    '@odata.context': contextOf(call, context),
    ...(rest.length > page.length ? { '@odata.nextLink': url.href } : {}),
    value: page.map((row) => selected(call, row, properties)),
  });
}
