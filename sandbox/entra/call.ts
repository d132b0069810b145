/** One call of Microsoft Graph: its arguments, its answers, and the problems it words. */
import { randomUUID } from 'node:crypto';
import type { SandboxAnswer, SandboxRequest } from '../http/service.js';
import type { EntraState } from './state.js';

export class GraphProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly { code: string; target: string; message: string }[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    details?: readonly { code: string; target: string; message: string }[],
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const badRequest = (message: string): GraphProblem => new GraphProblem(400, 'Request_BadRequest', message);

export const notFound = (id: string): GraphProblem =>
  new GraphProblem(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );

export const objectConflict = (property: string): GraphProblem => {
  const message = `Another object with the same value for property ${property} already exists.`;
  return new GraphProblem(400, 'Request_BadRequest', message, [
    {
      code: 'ObjectConflict',
      target: property,
      message: `Object with the same value for property ${property} exists.`,
    },
  ]);
};

/** What Graph answers to a write of an object that is mastered on premises. */
export const mastered = (): GraphProblem =>
  badRequest(
    'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
  );

export const json = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): SandboxAnswer => ({
  status,
  headers: { 'content-type': 'application/json;odata.metadata=minimal;charset=utf-8', ...headers },
  body: JSON.stringify(value),
});

export const noContent: SandboxAnswer = { status: 204, headers: {}, body: '' };

export function problemAnswer(problem: GraphProblem, headers: Readonly<Record<string, string>> = {}): SandboxAnswer {
  const { code, message, details } = problem;
  const innerError = {
    date: new Date().toISOString().slice(0, 19),
    'request-id': randomUUID(),
    'client-request-id': randomUUID(),
  };
  return json(problem.status, { error: { code, message, ...(details ? { details } : {}), innerError } }, headers);
}

export interface Call {
  readonly request: SandboxRequest;
  readonly state: EntraState;
  readonly parameters: readonly string[];
}

export function bodyOf(call: Call): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(call.request.body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Answered below like any other body that is not an object.
  }
  throw new GraphProblem(
    400,
    'BadRequest',
    'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
  );
}
