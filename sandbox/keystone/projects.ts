/** The Identity API calls on domains and projects. */
import {
  bodyOf,
  json,
  KeystoneProblem,
  listAnswer,
  noContent,
  notFound,
  requireRole,
  tokenOf,
  type Call,
} from './call.js';
import type { KeystoneProject } from './access.js';
import type { KeystoneDomain } from './state.js';
import { checkedName, extraOf, listed, type Run } from './users.js';

const known = new Set([
  'id',
  'name',
  'domain_id',
  'enabled',
  'description',
  'parent_id',
  'is_domain',
  'tags',
  'links',
  'options',
]);

export function domainBody(call: Call, domain: KeystoneDomain): unknown {
  return {
    id: domain.id,
    name: domain.name,
    enabled: domain.enabled,
    description: '',
    options: {},
    tags: [],
    links: { self: `${call.request.url.origin}/v3/domains/${domain.id}` },
  };
}

function projectBody(call: Call, project: KeystoneProject): Record<string, unknown> {
  return {
    ...project.extra,
    id: project.id,
    name: project.name,
    domain_id: project.domain,
    description: project.description,
    enabled: project.enabled,
    parent_id: project.parent,
    is_domain: false,
    tags: project.tags,
    options: {},
    links: { self: `${call.request.url.origin}/v3/projects/${project.id}` },
  };
}

function found(call: Call): KeystoneProject {
  const [id = ''] = call.parameters;
  const project = call.state.access.projects.get(id);
  if (!project) throw notFound('project', id);
  return project;
}

function taken(call: Call, name: string, domain: string, own?: KeystoneProject): void {
  const holder = [...call.state.access.projects.values()].find((each) => each.domain === domain && each.name === name);
  if (holder && holder !== own)
    throw new KeystoneProblem(
      409,
      `Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is ${name}, project id ${holder.id}.`,
    );
}

const textOr = (value: unknown, otherwise: string | null): string | null =>
  typeof value === 'string' || value === null ? value : otherwise;

export const projectRoutes: Readonly<Record<string, Run>> = {
  'GET /v3/domains'(call) {
    requireRole(call, 'read', 'list_domains');
    const name = call.request.url.searchParams.get('name');
    const domains = [...call.state.domains.values()].filter((domain) => name === null || domain.name === name);
    return listAnswer(call, 'domains', domains, (domain: KeystoneDomain) => domainBody(call, domain));
  },

  'GET /v3/domains/{id}'(call) {
    const [id = ''] = call.parameters;
    const token = tokenOf(call);
    // A token may always see the domain it is scoped to.
    if (token.domain !== id) requireRole(call, 'write', 'get_domain');
    const domain = call.state.domains.get(id);
    if (!domain) throw notFound('domain', id);
    return json(200, { domain: domainBody(call, domain) });
  },

  'GET /v3/projects'(call) {
    const token = requireRole(call, 'read', 'list_projects');
    const all = [...call.state.access.projects.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const projects = listed(call, token.domain, all);
    // HAZARD: projects are listed whole, also where users and groups are paged.
    return listAnswer(
      { ...call, options: { ...call.options, pages: false } },
      'projects',
      projects,
      (project: KeystoneProject) => projectBody(call, project),
    );
  },

  'POST /v3/projects'(call) {
    const token = requireRole(call, 'write', 'create_project');
    const body = bodyOf(call, 'project');
    const name = checkedName(body);
    const domain = typeof body['domain_id'] === 'string' ? body['domain_id'] : (token.domain ?? 'default');
    if (!call.state.domains.has(domain)) throw notFound('domain', domain);
    const parent = typeof body['parent_id'] === 'string' ? body['parent_id'] : domain;
    if (parent !== domain && !call.state.access.projects.has(parent)) throw notFound('project', parent);
    taken(call, name, domain);
    const project: KeystoneProject = {
      id: call.state.newId(),
      domain,
      parent,
      name,
      enabled: body['enabled'] !== false,
      description: textOr(body['description'], ''),
      tags: Array.isArray(body['tags']) ? body['tags'].map(String) : [],
      extra: extraOf(body, known),
    };
    call.state.access.projects.set(project.id, project);
    return json(201, { project: projectBody(call, project) });
  },

  'GET /v3/projects/{id}'(call) {
    requireRole(call, 'read', 'get_project');
    const project = found(call);
    requireRole(call, 'read', 'get_project', project.domain);
    return json(200, { project: projectBody(call, project) });
  },

  'PATCH /v3/projects/{id}'(call) {
    requireRole(call, 'write', 'update_project');
    const project = found(call);
    const body = bodyOf(call, 'project');
    if (body['parent_id'] !== undefined && body['parent_id'] !== project.parent)
      throw new KeystoneProblem(403, 'Update of `parent_id` is not allowed.');
    if (body['domain_id'] !== undefined && body['domain_id'] !== project.domain)
      throw new KeystoneProblem(400, 'Cannot change Domain ID');
    const below = [...call.state.access.projects.values()].filter(({ parent }) => parent === project.id);
    if (body['enabled'] === false && below.some(({ enabled }) => enabled))
      throw new KeystoneProblem(
        403,
        `Cannot disable project ${project.id} since its subtree contains enabled projects.`,
      );
    if (body['name'] !== undefined) {
      const name = checkedName(body);
      taken(call, name, project.domain, project);
      project.name = name;
    }
    if (typeof body['enabled'] === 'boolean') project.enabled = body['enabled'];
    project.description = textOr(body['description'], project.description);
    if (Array.isArray(body['tags'])) project.tags = body['tags'].map(String);
    Object.assign(project.extra, extraOf(body, known));
    return json(200, { project: projectBody(call, project) });
  },

  'DELETE /v3/projects/{id}'(call) {
    requireRole(call, 'write', 'delete_project');
    const project = found(call);
    const { access } = call.state;
    if ([...access.projects.values()].some(({ parent }) => parent === project.id))
      throw new KeystoneProblem(
        403,
        `Cannot delete the project ${project.id} since it is not a leaf in the hierarchy.`,
      );
    access.projects.delete(project.id);
    access.assignments = access.assignments.filter((assignment) => assignment.project !== project.id);
    return noContent;
  },
};
