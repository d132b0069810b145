/**
 * A forwarder in front of a cloud that writes down every request of Concordat that could change something: what is asked
 * of a cloud is seen on the wire, not where it is sent. Bodies and headers go on unchanged.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordingProxy {
  readonly endpoint: string;
  /** Names of the calls since the last time this was asked, in the order in which they came. */
  takeWrites(): readonly string[];
  stop(): Promise<void>;
}

/** `nameOf` gives undefined for a request that only reads. */
export async function startRecordingProxy(
  target: string,
  nameOf: (call: { readonly method: string; readonly path: string; readonly body: string }) => string | undefined,
): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  let writes: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method = 'GET', url: path = '/', headers } = incoming;
      const name = nameOf({ method, path, body: body.toString('utf8') });
      if (name !== undefined) writes.push(name);
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      onward.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeWrites() {
      const taken = writes;
      writes = [];
      return taken;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
