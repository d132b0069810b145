/** OpenStack Keystone, Identity API v3: dispatch, and errors as Keystone words them. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Router } from '../http/router.js';
import { serve, type SandboxServer, type ServeOptions } from '../http/server.js';
import type { SandboxAnswer, SandboxService } from '../http/service.js';
import { KeystoneProblem, problemAnswer, unauthorized, type Call, type KeystoneOptions } from './call.js';
import { keystoneRoutes } from './routes.js';
import { KeystoneState } from './state.js';

const Options = z.strictObject({
  listLimit: z.int().positive().nullable().optional(),
  pages: z.boolean().optional(),
  tokenSeconds: z.int().positive().optional(),
  hidesForeignMembers: z.boolean().optional(),
});

export interface KeystoneSandbox extends SandboxServer {
  readonly state: KeystoneState;
  readonly options: KeystoneOptions;
}

const defaults: KeystoneOptions = {
  listLimit: undefined,
  pages: false,
  tokenSeconds: 3600,
  hidesForeignMembers: false,
};

export async function serveKeystone(
  given: Omit<ServeOptions, 'faults' | 'tls'> & { readonly state?: KeystoneState } = {},
): Promise<KeystoneSandbox> {
  const state = given.state ?? new KeystoneState();
  const options: KeystoneOptions = { ...defaults };
  const router = new Router(keystoneRoutes);

  const service: SandboxService = {
    name: 'keystone',

    identify(request) {
      const matched = router.match(request.method, request.url.pathname);
      const target = `${request.url.pathname}${request.url.search} ${request.body}`;
      if (typeof matched === 'string') {
        const problem =
          matched === 'noPath'
            ? new KeystoneProblem(404, 'The resource could not be found.')
            : new KeystoneProblem(405, 'The method is not allowed for the requested URL.');
        return { name: `${request.method} ${request.url.pathname}`, target, run: () => problemAnswer(problem) };
      }
      return {
        name: matched.name,
        target,
        run: (): SandboxAnswer => {
          const call: Call = { request, state, options, parameters: matched.parameters };
          const id = { 'x-openstack-request-id': `req-${randomUUID()}` };
          try {
            const answer = matched.run(call);
            return { ...answer, headers: { ...answer.headers, ...id } };
          } catch (error) {
            if (error instanceof KeystoneProblem) return problemAnswer(error, id);
            throw error;
          }
        },
      };
    },

    refuse({ kind, status, operation, retryAfterSeconds }) {
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      switch (kind) {
        case 'forbidden':
          return problemAnswer(
            new KeystoneProblem(403, `You are not authorized to perform the requested action: ${operation}.`),
          );
        case 'unauthorized':
          return problemAnswer(unauthorized());
        case 'throttled':
          return problemAnswer(new KeystoneProblem(429, 'Too many requests.'), headers);
        case 'serverFault':
          return problemAnswer(
            new KeystoneProblem(status, 'An unexpected error prevented the server from fulfilling your request.'),
            headers,
          );
      }
    },

    save: () => state.save(),
    restore: (text) => {
      state.restore(text);
      Object.assign(options, defaults);
    },
    configure: (change) => {
      const { listLimit, pages, tokenSeconds, hidesForeignMembers } = Options.parse(change);
      if (listLimit !== undefined) options.listLimit = listLimit ?? undefined;
      if (pages !== undefined) options.pages = pages;
      if (tokenSeconds !== undefined) options.tokenSeconds = tokenSeconds;
      if (hidesForeignMembers !== undefined) options.hidesForeignMembers = hidesForeignMembers;
    },
  };

  const controls = {
    /** All tokens end at once, as after a change of keys or an administrator's hand. */
    'POST expire-tokens': () => {
      state.revokeTokens();
      return {};
    },
    ...given.controls,
  };
  const server = await serve(service, { ...given, controls });
  return { ...server, state, options };
}
