/**
 * Which variables of this terminal a worker gets where the clouds are real: those of its own kind of cloud. Two authorities
 * of one kind need workers of their own (`concordat worker --authority ID`), or they would share credentials.
 */
import type { Mesh } from '../../core/federation/authority.js';
import type { Federation } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

const prefixes: Readonly<Record<Exclude<Mesh['kind'], 'folder' | 'postgresql'>, string>> = {
  'aws-iam': 'AWS_',
  dynamodb: 'AWS_',
  s3: 'AWS_',
  entra: 'AZURE_',
  'azure-tables': 'AZURE_',
  'azure-blob': 'AZURE_',
  keystone: 'OS_',
  cosmos: 'AZURE_',
  swift: 'OS_',
};

export function credentialsOf(mesh: Mesh, environment: Environment): Readonly<Record<string, string>> {
  if (mesh.kind === 'folder') return only(environment, (name) => name === mesh.pathFrom);
  if (mesh.kind === 'postgresql') {
    const isGiven = environment[mesh.connectionFrom] !== undefined;
    return only(environment, (name) => (isGiven ? name === mesh.connectionFrom : name.startsWith('PG')));
  }
  const names = new Set([mesh.endpointFrom]);
  if (mesh.kind === 'entra')
    for (const name of [mesh.authorityHostFrom, mesh.clientIdFrom, mesh.clientSecretFrom]) names.add(name);
  if (mesh.kind === 'keystone' || mesh.kind === 'swift')
    for (const name of [mesh.userFrom, mesh.passwordFrom]) names.add(name);
  const isStorage = mesh.kind === 'azure-tables' || mesh.kind === 'azure-blob' || mesh.kind === 'cosmos';
  if (isStorage && environment[mesh.connectionFrom] !== undefined)
    return only(environment, (name) => name === mesh.connectionFrom || names.has(name));
  const prefix = prefixes[mesh.kind];
  // The key of an account of storage or Cosmos DB is nothing for whoever signs in to a tenant.
  const isOther = (name: string): boolean => mesh.kind === 'entra' && /^AZURE_(STORAGE|COSMOS)_/.test(name);
  return only(environment, (name) => (name.startsWith(prefix) && !isOther(name)) || names.has(name));
}

function only(environment: Environment, isWanted: (name: string) => boolean): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isWanted(entry[0]),
    ),
  );
}

/** Authorities with one of these in common would be given the same credentials; null where there is nothing to share. */
function credentialOf(mesh: Mesh): string | null {
  if (mesh.kind === 'folder') return null;
  if (mesh.kind === 'postgresql') return `${mesh.kind} ${mesh.connectionFrom}`;
  if (mesh.kind === 'azure-tables' || mesh.kind === 'azure-blob') return `AZURE_STORAGE ${mesh.connectionFrom}`;
  if (mesh.kind === 'cosmos') return `AZURE_COSMOS ${mesh.connectionFrom}`;
  return prefixes[mesh.kind];
}

/** Throws usage where the credentials of this terminal would go to two authorities. */
export function requireKindsApart({ authorities }: Federation): void {
  const seen = new Map<string, { readonly id: string; readonly kind: Mesh['kind'] }>();
  for (const [id, { mesh }] of Object.entries(authorities)) {
    const credential = credentialOf(mesh);
    if (credential === null) continue;
    const other = seen.get(credential);
    if (other !== undefined)
      throw new ConcordatError(
        'usage',
        `${other.id} and ${id} ${other.kind === mesh.kind ? `are of the same kind (${mesh.kind})` : `are both of ${credential === 'OS_' ? 'OpenStack' : 'AWS'}`} and would get the same credentials; start them with \`concordat worker --authority ${other.id}\` and \`concordat worker --authority ${id}\`, each with its own`,
      );
    seen.set(credential, { id, kind: mesh.kind });
  }
}
