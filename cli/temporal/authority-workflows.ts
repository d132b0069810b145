/** Short workflows that people ask of an authority's own worker: `probe`, `link` and those about delegations. */
import { randomUUID } from 'node:crypto';
import { WorkflowClient, type Connection } from '@temporalio/client';
import { ConcordatError } from '../../core/errors.js';
import { authorityNamespace, taskQueue } from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import type { DelegationView } from '../../workflows/activity-types.js';
import type { delegate, delegations, endDelegation, link, probe, statement, undo } from '../../workflows/steps.js';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { failureBehind } from './workflow-failure.js';

export interface AskAuthority {
  readonly connection: Connection;
  readonly federation: string;
  readonly authority: AuthorityId;
  readonly withinMs: number;
}

/** Reaches the mesh and checks the permissions of its worker. Throws authorityAbsent where no worker answers in time. */
export async function probeAuthority(ask: AskAuthority): Promise<Awaited<ReturnType<typeof probe>>> {
  return answered(ask, (client) =>
    client.execute<typeof probe>('probe', {
      workflowId: `probe/${randomUUID()}`,
      taskQueue,
      args: [],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: `Health of ${ask.authority}, asked by hand`,
    }),
  );
}

/** Hands a signed link to its authority. Throws what it was refused with. */
export async function sendLink(
  ask: AskAuthority,
  input: Parameters<typeof link>[0],
): Promise<Awaited<ReturnType<typeof link>>> {
  return answered(ask, (client) =>
    client.execute<typeof link>('link', {
      workflowId: `link/${input.dataset}/${randomUUID()}`,
      taskQueue,
      args: [input],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: `A signed link for ${input.dataset}`,
    }),
  );
}

/** Hands a signed statement (core/standing-statement.ts) to its authority. Throws what it was refused with. */
export async function sendStatement(
  ask: AskAuthority,
  input: Parameters<typeof statement>[0],
): Promise<Awaited<ReturnType<typeof statement>>> {
  return answered(ask, (client) =>
    client.execute<typeof statement>('statement', {
      workflowId: `statement/${input.dataset}/${randomUUID()}`,
      taskQueue,
      args: [input],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: `A signed statement for ${input.dataset}`,
    }),
  );
}

/** Hands a signed undo, or its withdrawal, to its authority. Throws what it was refused with. */
export async function sendUndo(
  ask: AskAuthority,
  input: Parameters<typeof undo>[0],
): Promise<Awaited<ReturnType<typeof undo>>> {
  return answered(ask, (client) =>
    client.execute<typeof undo>('undo', {
      workflowId: `undo/${input.dataset}/${randomUUID()}`,
      taskQueue,
      args: [input],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: `A signed undo for ${input.dataset}`,
    }),
  );
}

/** Hands a signed delegation, or its signed end, to its authority. Throws what it was refused with. */
export async function sendDelegation(
  ask: AskAuthority,
  kind: 'delegate' | 'endDelegation',
  jws: string,
): Promise<DelegationView> {
  return answered(ask, (client) =>
    client.execute<typeof delegate | typeof endDelegation>(kind, {
      workflowId: `${kind}/${randomUUID()}`,
      taskQueue,
      args: [{ jws }],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: kind === 'delegate' ? 'A voice that is lent' : 'A voice that is taken back',
    }),
  );
}

/** Every delegation that the authority knows, the newest first. */
export async function listDelegations(ask: AskAuthority): Promise<readonly DelegationView[]> {
  return answered(ask, (client) =>
    client.execute<typeof delegations>('delegations', {
      workflowId: `delegations/${randomUUID()}`,
      taskQueue,
      args: [],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: 'Who lent whom a voice',
    }),
  );
}

export async function answered<Answer>(
  { connection, federation, authority, withinMs }: AskAuthority,
  execute: (client: WorkflowClient) => Promise<Answer>,
  clientOf: (connection: Connection) => WorkflowClient = () =>
    new WorkflowClient({ connection, namespace: authorityNamespace(federation, authority) }),
): Promise<Answer> {
  const client = clientOf(connection);
  try {
    // The server ends the workflow at its own time; this deadline is for a server that goes away.
    return await connection.withDeadline(Date.now() + withinMs + 5_000, () => execute(client));
  } catch (error) {
    const failure = failureBehind(error);
    const isAbsent = failure?.code === 'authorityAbsent' || grpcCodeOf(error) === grpcStatus.deadlineExceeded;
    if (isAbsent)
      throw new ConcordatError(
        'authorityAbsent',
        `the worker of ${authority} did not answer within ${Math.round(withinMs / 1_000)} s`,
        { cause: error },
      );
    throw failure ?? error;
  }
}
