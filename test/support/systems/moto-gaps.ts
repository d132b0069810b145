/**
 * A forwarder in front of moto that answers for the one list that moto lacks and that every deletion of a user needs:
 * moto answers ListServiceSpecificCredentials with 501. No test can give a user such a credential in moto, so the list
 * is empty.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const emptyList = `<ListServiceSpecificCredentialsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListServiceSpecificCredentialsResult><ServiceSpecificCredentials/></ListServiceSpecificCredentialsResult>
  <ResponseMetadata><RequestId>moto-gaps</RequestId></ResponseMetadata>
</ListServiceSpecificCredentialsResponse>`;

export interface Forwarder {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Forwards to `port` of 127.0.0.1, bodies and headers unchanged. */
export async function fillMotoGaps(port: number): Promise<Forwarder> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      if (body.includes('Action=ListServiceSpecificCredentials&')) {
        outgoing.writeHead(200, { 'content-type': 'text/xml' }).end(emptyList);
        return;
      }
      const { method, url: path, headers } = incoming;
      const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
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
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
