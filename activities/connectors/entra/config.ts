/** The entra member of an authority file, joined with the environment of the worker: where Graph is and who asks. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';

export type EntraMesh = Extract<Mesh, { kind: 'entra' }>;
export type Environment = Readonly<Record<string, string | undefined>>;

export type EntraCredential =
  | { readonly kind: 'clientSecret'; readonly clientId: string; readonly clientSecret: string }
  /** Workload identity, managed identity, environment, Azure CLI: DefaultAzureCredential. */
  | { readonly kind: 'standardChain'; readonly clientId: string | undefined };

export interface EntraConfig {
  readonly tenant: string;
  /** Base address with the version and without a slash at the end: `https://graph.microsoft.com/v1.0`. */
  readonly graph: string;
  readonly scope: string;
  readonly authorityHost: string | undefined;
  readonly groupPrefix: string | undefined;
  /** Client ids of the applications whose app roles are granted: their service principals are scopes. */
  readonly applications: readonly string[];
  /** Applications that outside workloads sign in as have a displayName that starts with it. */
  readonly workloadPrefix: string | undefined;
  /** The one that tokens of outside workloads are for. */
  readonly audience: string;
  readonly credential: EntraCredential;
}

/** https://learn.microsoft.com/en-us/graph/deployments: each national cloud has an audience of its own. */
const microsoftHosts: readonly string[] = [
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
];

function credentialOf(mesh: EntraMesh, environment: Environment): EntraCredential {
  const clientId = environment[mesh.clientIdFrom];
  if (mesh.clientSecretFrom === undefined) return { kind: 'standardChain', clientId };
  const clientSecret = environment[mesh.clientSecretFrom];
  if (!clientId || !clientSecret) {
    const missing = clientId ? mesh.clientSecretFrom : mesh.clientIdFrom;
    throw new ConcordatError('credentialsMissing', `set ${missing} in the environment of the worker of this authority`);
  }
  return { kind: 'clientSecret', clientId, clientSecret };
}

/** Throws `credentialsMissing` where a variable that the file names is not set, `invalidFederation` for an address without TLS. */
export function entraConfig(mesh: EntraMesh, environment: Environment): EntraConfig {
  const graph = (mesh.endpoint ?? 'https://graph.microsoft.com/v1.0').replace(/\/+$/, '');
  const { protocol, hostname } = new URL(graph);
  // The Graph client sends no Authorization over http, and @azure/identity refuses http: say so before either does.
  if (protocol !== 'https:' || (mesh.authorityHost !== undefined && !mesh.authorityHost.startsWith('https://')))
    throw new ConcordatError(
      'invalidFederation',
      'endpoint and authorityHost of an entra mesh must start with https://',
    );
  return {
    tenant: mesh.tenant,
    graph,
    scope: `https://${microsoftHosts.includes(hostname) ? hostname : 'graph.microsoft.com'}/.default`,
    authorityHost: mesh.authorityHost,
    groupPrefix: mesh.groupPrefix,
    // Graph writes ids in lower case.
    applications: [...new Set((mesh.applications ?? []).map((appId) => appId.toLowerCase()))],
    workloadPrefix: mesh.workloadPrefix,
    audience: mesh.audience ?? 'api://AzureADTokenExchange',
    credential: credentialOf(mesh, environment),
  };
}
