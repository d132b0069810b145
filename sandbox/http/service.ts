/** What the HTTP kernel of the sandbox asks of a cloud, and the requests and answers that pass between them. */
import type { IncomingHttpHeaders } from 'node:http';

export interface SandboxRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface SandboxAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One call, named as the cloud's own documentation names it (`iam:TagUser`, `PATCH /users/{id}`). */
export interface Operation {
  readonly name: string;
  /** Path and arguments as text, so that a fault can be aimed at one object. */
  readonly target: string;
  run(): SandboxAnswer;
}

/** What a cloud answers, in its own shape, where a fault makes it refuse. */
export interface Refusal {
  readonly kind: 'forbidden' | 'unauthorized' | 'throttled' | 'serverFault';
  readonly status: number;
  readonly operation: string;
  readonly retryAfterSeconds: number | undefined;
}

/** One cloud: its state and its routes, without sockets. `run` of an operation changes the state in one step. */
export interface SandboxService {
  readonly name: 'aws' | 'entra' | 'keystone';
  identify(request: SandboxRequest): Operation;
  refuse(refusal: Refusal): SandboxAnswer;
  /** The whole state as JSON text, and back. */
  save(): string;
  restore(state: string): void;
  /** Ways in which one deployment of this cloud differs from another, such as a list limit. */
  configure(options: Readonly<Record<string, unknown>>): void;
}
