/** Heartbeats of the activity that is running: each tells again what the last one told, unless it has something new to say. */
import { Context } from '@temporalio/activity';

const told = new WeakMap<Context, unknown>();

export function beat(details?: unknown): void {
  const context = Context.current();
  if (details !== undefined) told.set(context, details);
  // An attempt that follows another one begins with what that one told last.
  context.heartbeat(told.get(context) ?? (context.info.heartbeatDetails as unknown));
}

/** Aborted once the server says, in its answer to a heartbeat, that the running activity was cancelled. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}
