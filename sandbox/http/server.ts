/**
 * The HTTP kernel of the sandbox: one server for one cloud, with faults, counts of calls and `/_sandbox/` controls.
 *
 * Controls: POST /_sandbox/faults (one fault), GET, DELETE; GET /_sandbox/calls, DELETE; POST /_sandbox/reset (state as
 * at the start, no faults, no counts); GET /_sandbox/state; POST /_sandbox/options; and what the caller adds.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { Faults, type Fault, type FaultOrder } from './faults.js';
import type { SandboxAnswer, SandboxRequest, SandboxService } from './service.js';

export type Control = (body: unknown) => unknown;

export interface ServeOptions {
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly controls?: Readonly<Record<string, Control>>;
  /** Shared where the service itself asks which calls are forbidden; else made here. */
  readonly faults?: Faults;
}

export interface SandboxServer {
  /** for example `http://127.0.0.1:40123`, without a slash at the end */
  readonly origin: string;
  readonly port: number;
  readonly faults: Faults;
  /** How often each operation was called, also where a fault answered it. */
  calls(): Readonly<Record<string, number>>;
  forgetCalls(): void;
  /** State as at the start, no faults, no counts. */
  reset(): void;
  close(): Promise<void>;
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function json(status: number, value: unknown): SandboxAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function send(response: ServerResponse, answer: SandboxAnswer, head: boolean): void {
  const bodyless = answer.status === 204 || answer.status === 304;
  const length = Buffer.byteLength(answer.body);
  response.writeHead(answer.status, bodyless ? answer.headers : { ...answer.headers, 'content-length': length });
  response.end(head || bodyless ? undefined : answer.body);
}

/** Announces the whole body, sends half of it, and ends the connection. */
function sendCut(response: ServerResponse, answer: SandboxAnswer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Math.max(body.length, 2) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

/** TCP reset where the socket can do it; under TLS the connection just ends without a word. */
function breakConnection(socket: Socket | null): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}

const refusalStatus = { forbidden: 403, unauthorized: 401, throttled: 429, serverFault: 500 } as const;

export async function serve(service: SandboxService, options: ServeOptions = {}): Promise<SandboxServer> {
  const faults = options.faults ?? new Faults();
  const counts = new Map<string, number>();
  const initial = service.save();

  const reset = (): void => {
    service.restore(initial);
    faults.clear();
    counts.clear();
  };

  const controls: Record<string, Control> = {
    'POST faults': (body) => {
      faults.add(body as FaultOrder);
      return {};
    },
    'GET faults': () => faults.list(),
    'DELETE faults': () => {
      faults.clear();
      return {};
    },
    'GET calls': () => Object.fromEntries(counts),
    'DELETE calls': () => {
      counts.clear();
      return {};
    },
    'POST reset': () => {
      reset();
      return {};
    },
    'GET state': () => JSON.parse(service.save()) as unknown,
    'POST options': (body) => {
      service.configure(body as Readonly<Record<string, unknown>>);
      return {};
    },
    ...options.controls,
  };

  function control(request: SandboxRequest): SandboxAnswer {
    const name = `${request.method} ${request.url.pathname.slice('/_sandbox/'.length)}`;
    const run = controls[name];
    if (!run) return json(404, { error: `no such control: ${name}` });
    try {
      return json(200, run(request.body === '' ? {} : JSON.parse(request.body)) ?? {});
    } catch (error) {
      return json(400, { error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Returns the answer, or how the connection is to end instead. */
  async function answer(request: SandboxRequest): Promise<{ answer?: SandboxAnswer; end: Fault['kind'] | 'whole' }> {
    const operation = service.identify(request);
    counts.set(operation.name, (counts.get(operation.name) ?? 0) + 1);
    for (const fault of faults.take(operation)) {
      switch (fault.kind) {
        case 'slow':
          // What waits keeps no process up: the server does, while it listens.
          await delay(fault.delayMs ?? 100, undefined, { ref: false });
          break;
        case 'resetBefore':
          return { end: fault.kind };
        case 'resetAfter':
          operation.run();
          return { end: fault.kind };
        case 'cutBody':
          return { answer: operation.run(), end: fault.kind };
        case 'forbidden':
        case 'unauthorized':
        case 'throttled':
        case 'serverFault': {
          const status = fault.status ?? refusalStatus[fault.kind];
          const { kind, retryAfterSeconds } = fault;
          return {
            answer: service.refuse({ kind, status, operation: operation.name, retryAfterSeconds }),
            end: 'whole',
          };
        }
      }
    }
    return { answer: operation.run(), end: 'whole' };
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request: SandboxRequest = {
      method: message.method ?? 'GET',
      url: new URL(message.url ?? '/', `${options.tls ? 'https' : 'http'}://${message.headers.host ?? '127.0.0.1'}`),
      headers: message.headers,
      body: await bodyOf(message),
    };
    if (request.url.pathname.startsWith('/_sandbox/')) return send(response, control(request), false);
    const outcome = await answer(request);
    if (!outcome.answer) breakConnection(response.socket);
    else if (outcome.end === 'cutBody') sendCut(response, outcome.answer);
    else send(response, outcome.answer, request.method === 'HEAD');
  }

  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    handle(message, response).catch((error: unknown) => {
      // A fault of the sandbox itself must be seen as such, never taken for a fault of the cloud.
      process.stderr.write(`sandbox ${service.name}: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent) send(response, json(500, { error: 'the sandbox failed' }), false);
    });
  };
  const server = options.tls ? createHttpsServer(options.tls, listener) : createHttpServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const port = (server.address() as AddressInfo).port;

  return {
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    faults,
    calls: () => Object.fromEntries(counts),
    forgetCalls: () => counts.clear(),
    reset,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
