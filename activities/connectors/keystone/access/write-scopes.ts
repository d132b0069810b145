/**
 * Making and changing projects of the domain. They are not deleted: what other services hold in a project stays behind
 * without an owner, and Keystone knows nothing of it.
 * https://docs.openstack.org/api-ref/identity/v3/#projects
 */
import { z } from 'zod';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeWrite, WriteAnswer } from '../../connector.js';
import { KeystoneRecord } from '../body.js';
import type { KeystoneClient } from '../client.js';
import { isScopedTo } from '../session.js';
import { refused, sendInOrder, type PlannedRequest, type Sending } from '../request.js';
import { changed } from '../write-people.js';

type Write = NativeWrite<'project'>;

const ProjectAnswer = z.object({ project: KeystoneRecord });

export function plannedProject(domain: string, write: Write): readonly PlannedRequest[] {
  switch (write.kind) {
    case 'create': {
      const { id: _, ...given } = write.after;
      const body: JsonObject = { ...given, domain_id: domain };
      const { name } = body;
      return [
        {
          call: { call: 'POST /v3/projects', target: typeof name === 'string' ? name : '', arguments: body },
          method: 'POST',
          path: () => '/projects',
          body: { project: body },
          creates: true,
        },
      ];
    }
    case 'update': {
      const body = changed(write.before, write.after);
      if (Object.keys(body).length === 0) return [];
      return [
        {
          call: { call: 'PATCH /v3/projects/{id}', target: write.id, arguments: body },
          method: 'PATCH',
          path: (id) => `/projects/${encodeURIComponent(id)}`,
          body: { project: body },
        },
      ];
    }
    case 'delete':
      return [];
  }
}

export async function writeProject(
  client: KeystoneClient,
  domain: string,
  write: Write,
  announce: Sending['announce'],
): Promise<WriteAnswer> {
  if (write.kind === 'delete')
    return refused('readOnlyObject', 'what other services hold in a project would be left without an owner');
  if (!isScopedTo(await client.session.token(), client.scope))
    return refused('wrongAccount', 'the token is scoped to another domain');
  const { name } = write.after;
  // Keystone strips the white space around a name and says nothing.
  if (typeof name === 'string' && name !== name.trim())
    return refused('valueNotRepresentable', 'a name cannot start or end with white space');
  if ((write.after['domain_id'] ?? domain) !== domain)
    return refused('valueNotRepresentable', 'a project cannot be moved to another domain');
  if (write.kind === 'update' && (write.before['domain_id'] ?? domain) !== domain)
    return refused('wrongAccount', 'the project belongs to another domain');
  if (write.kind === 'update' && write.after['parent_id'] !== write.before['parent_id'])
    return refused('valueNotRepresentable', 'a project cannot be moved below another');
  return sendInOrder({
    client,
    requests: plannedProject(domain, write),
    id: write.kind === 'create' ? '' : write.id,
    createdId: (reply) =>
      reply.kind === 'answered' ? ProjectAnswer.safeParse(reply.reply.body).data?.project.id : undefined,
    announce,
  });
}
