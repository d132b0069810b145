/** A plain HTTP endpoint of the test's own: takes what is posted to it and answers as it is told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Posted {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
  readonly event: { readonly eventType: string; readonly run: { readonly runId: string } };
}

/** `hang` never answers; `drop` closes the connection. */
export type Behaviour =
  | 'hang'
  | 'drop'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly text?: string };

export interface Receiver {
  readonly url: string;
  /** All that came, in the order in which it came, whatever was answered. */
  readonly posted: Posted[];
  /** Answers the next request by it, and all later ones by `always` (200 at first). */
  readonly script: Behaviour[];
  always: Behaviour;
  /** Gives every event an answer of its own; undefined leaves it to the script. */
  decide: ((posted: Posted) => Behaviour | undefined) | null;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const receiver: Omit<Receiver, 'url' | 'close'> = { posted: [], script: [], always: { status: 200 }, decide: null };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const came: Posted = {
        path: request.url ?? '',
        authorization: request.headers.authorization,
        body,
        event: JSON.parse(body) as Posted['event'],
      };
      receiver.posted.push(came);
      const behaviour = receiver.decide?.(came) ?? receiver.script.shift() ?? receiver.always;
      if (behaviour === 'hang') return;
      if (behaviour === 'drop') return void request.socket.destroy();
      response.writeHead(behaviour.status, { ...behaviour.headers });
      response.end(behaviour.text ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  });
}
