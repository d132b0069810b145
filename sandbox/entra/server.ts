/** Microsoft Graph v1.0 and the token endpoint of Entra on one origin over TLS: dispatch, and errors as Graph words them. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Router } from '../http/router.js';
import { serve, type SandboxServer, type ServeOptions } from '../http/server.js';
import type { SandboxService } from '../http/service.js';
import { GraphProblem, problemAnswer, type Call } from './call.js';
import { certificateIn } from './certificate.js';
import { graphRoutes, tokenRoutes } from './routes.js';
import { EntraState } from './state.js';

const prefix = '/v1.0';

/** `roles`: the Graph application permissions that tokens carry from now on. */
const Options = z.strictObject({ roles: z.array(z.string()).optional() });

export interface EntraSandbox extends SandboxServer {
  readonly state: EntraState;
  /** The certificate to trust, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** the same certificate as text */
  readonly authority: string;
}

export async function serveEntra(
  given: Omit<ServeOptions, 'faults' | 'tls'> & {
    readonly state?: EntraState;
    /** where the certificate is kept */
    readonly folder: string;
  },
): Promise<EntraSandbox> {
  const state = given.state ?? new EntraState();
  const graph = new Router(graphRoutes, prefix);
  const tokens = new Router(tokenRoutes);
  const initialRoles = state.application.roles;

  const service: SandboxService = {
    name: 'entra',

    identify(request) {
      const { pathname, search } = request.url;
      const matched = (pathname.startsWith(`${prefix}/`) ? graph : tokens).match(request.method, pathname);
      const target = `${decodeURIComponent(pathname)}${search} ${request.body}`;
      if (typeof matched === 'string') {
        const problem =
          matched === 'noPath'
            ? new GraphProblem(400, 'BadRequest', `Resource not found for the segment '${pathname.split('/').at(-1)}'.`)
            : new GraphProblem(
                405,
                'Request_BadRequest',
                'Specified HTTP method is not allowed for the request target.',
              );
        return { name: `${request.method} ${pathname}`, target, run: () => problemAnswer(problem) };
      }
      return {
        name: matched.name,
        target,
        run: () => {
          const call: Call = { request, state, parameters: matched.parameters };
          const id = { 'request-id': randomUUID() };
          try {
            const answer = matched.run(call);
            return { ...answer, headers: { ...answer.headers, ...id } };
          } catch (error) {
            if (error instanceof GraphProblem) return problemAnswer(error, id);
            throw error;
          }
        },
      };
    },

    refuse({ kind, status, retryAfterSeconds }) {
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      switch (kind) {
        case 'forbidden':
          return problemAnswer(
            new GraphProblem(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
          );
        case 'unauthorized':
          return problemAnswer(
            new GraphProblem(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.'),
          );
        case 'throttled':
          return problemAnswer(new GraphProblem(429, 'TooManyRequests', 'Too many requests.'), headers);
        case 'serverFault':
          return problemAnswer(
            status === 503
              ? new GraphProblem(status, 'ServiceUnavailable', 'The service is temporarily unavailable.')
              : new GraphProblem(status, 'InternalServerError', 'An unexpected error occurred.'),
            headers,
          );
      }
    },

    save: () => state.save(),
    restore: (text) => {
      state.restore(text);
      state.application.roles = initialRoles;
    },
    configure: (change) => {
      const { roles } = Options.parse(change);
      if (roles) state.application.roles = roles;
    },
  };

  const { key, cert, caFile } = await certificateIn(given.folder);
  const server = await serve(service, { ...given, tls: { key, cert } });
  return { ...server, state, caFile, authority: cert };
}
