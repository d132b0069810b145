/** What the setup needs of a connection. Both `Connection` (client) and `NativeConnection` (worker) have it. */
import { isGrpcServiceError, type OperatorService, type WorkflowService } from '@temporalio/client';

export interface TemporalServices {
  readonly workflowService: WorkflowService;
  readonly operatorService: OperatorService;
}

/** https://grpc.io/docs/guides/status-codes/, those that Concordat tells apart. */
export const grpcStatus = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The gRPC status behind an error, however deep the SDK wrapped it; undefined where no call failed. */
export function grpcCodeOf(error: unknown): number | undefined {
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if (isGrpcServiceError(current)) return current.code;
    current = current.cause;
  }
  return undefined;
}

/** Asks until the answer is not undefined. Rejects with what `late` makes once `withinMs` have passed. */
export async function pollUntil<Answer>(
  ask: () => Promise<Answer | undefined>,
  options: { readonly withinMs: number; readonly everyMs?: number; readonly late: () => Error },
): Promise<Answer> {
  const deadline = performance.now() + options.withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() >= deadline) throw options.late();
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}
