/** AWS IAM and STS over the query protocol: authentication, dispatch, and errors as AWS words them. */
import { randomUUID } from 'node:crypto';
import { Faults } from '../http/faults.js';
import { serve, type SandboxServer, type ServeOptions } from '../http/server.js';
import type { SandboxAnswer, SandboxRequest, SandboxService } from '../http/service.js';
import { IamProblem, Input } from './input.js';
import { awsActions } from './routes.js';
import { checkSignature } from './signature.js';
import { AwsState } from './state.js';
import { xml } from './xml.js';

const namespaces = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
} as const;

function answer(status: number, body: string): SandboxAnswer {
  return { status, headers: { 'content-type': 'text/xml', 'x-amzn-requestid': randomUUID() }, body };
}

function problem(namespace: string, error: IamProblem): SandboxAnswer {
  const type = error.status >= 500 ? 'Receiver' : 'Sender';
  const inner = xml({ Error: { Type: type, Code: error.code, Message: error.message }, RequestId: randomUUID() });
  return answer(error.status, `<ErrorResponse xmlns="${namespace}">${inner}</ErrorResponse>`);
}

function refuseSignature(request: SandboxRequest, state: AwsState): IamProblem | undefined {
  switch (checkSignature(request, state.accessKeys).kind) {
    case 'valid':
      return undefined;
    case 'missing':
      return new IamProblem('MissingAuthenticationToken', 403, 'Request is missing Authentication Token');
    case 'unknownKey':
      return new IamProblem('InvalidClientTokenId', 403, 'The security token included in the request is invalid.');
    case 'wrong':
      return new IamProblem(
        'SignatureDoesNotMatch',
        403,
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      );
  }
}

export interface AwsSandbox extends SandboxServer {
  readonly state: AwsState;
}

export async function serveAws(
  options: Omit<ServeOptions, 'faults' | 'tls'> & { readonly state?: AwsState } = {},
): Promise<AwsSandbox> {
  const state = options.state ?? new AwsState();
  const faults = new Faults();
  const actions = awsActions(faults);

  const service: SandboxService = {
    name: 'aws',

    identify(request) {
      const input = new Input(request.body);
      const action = input.optional('Action') ?? 'none';
      const part = action === 'GetCallerIdentity' ? 'sts' : 'iam';
      const namespace = namespaces[part];
      return {
        name: `${part}:${action}`,
        target: request.body,
        run: () => {
          const refused = refuseSignature(request, state);
          if (refused) return problem(namespace, refused);
          const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
          if (!run) {
            const message = `Could not find operation ${action} for version ${input.optional('Version') ?? 'NO_VERSION_SPECIFIED'}`;
            return problem(namespace, new IamProblem('InvalidAction', 400, message));
          }
          try {
            const value = run(input, state);
            const result = value === undefined ? '' : xml({ [`${action}Result`]: value });
            const metadata = xml({ ResponseMetadata: { RequestId: randomUUID() } });
            return answer(200, `<${action}Response xmlns="${namespace}">${result}${metadata}</${action}Response>`);
          } catch (error) {
            if (error instanceof IamProblem) return problem(namespace, error);
            throw error;
          }
        },
      };
    },

    refuse({ kind, status, operation }) {
      const caller = `arn:aws:iam::${state.account}:user/service/${state.caller}`;
      switch (kind) {
        case 'forbidden':
          return problem(
            namespaces.iam,
            new IamProblem(
              'AccessDenied',
              403,
              `User: ${caller} is not authorized to perform: ${operation} on resource: * because no identity-based policy allows the ${operation} action`,
            ),
          );
        case 'unauthorized':
          return problem(
            namespaces.iam,
            new IamProblem('ExpiredToken', 403, 'The security token included in the request is expired'),
          );
        case 'throttled':
          // AWS throttles IAM with 400 and never says how long to wait.
          return problem(namespaces.iam, new IamProblem('Throttling', 400, 'Rate exceeded'));
        case 'serverFault':
          return problem(
            namespaces.iam,
            new IamProblem(
              status === 503 ? 'ServiceUnavailable' : 'ServiceFailure',
              status,
              'The request processing has failed because of an unknown error, exception or failure.',
            ),
          );
      }
    },

    save: () => state.save(),
    restore: (text) => state.restore(text),
    configure: () => undefined,
  };

  const server = await serve(service, { ...options, faults });
  return { ...server, state };
}
