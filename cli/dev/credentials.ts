/**
 * Which variables of this terminal a worker gets where the clouds are real: those of its own kind of cloud. Two authorities
 * of one kind need workers of their own (`concordat worker --authority ID`), or they would share credentials.
 */
import type { Mesh } from '../../core/federation/authority.js';
import type { Federation } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

export function credentialsOf(mesh: Mesh, environment: Environment): Readonly<Record<string, string>> {
  const names = new Set([mesh.endpointFrom]);
  if (mesh.kind === 'entra')
    for (const name of [mesh.authorityHostFrom, mesh.clientIdFrom, mesh.clientSecretFrom]) names.add(name);
  if (mesh.kind === 'keystone') for (const name of [mesh.userFrom, mesh.passwordFrom]) names.add(name);
  const prefix = { 'aws-iam': 'AWS_', entra: 'AZURE_', keystone: 'OS_' }[mesh.kind];
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (entry[0].startsWith(prefix) || names.has(entry[0])),
    ),
  );
}

/** Throws usage where the credentials of this terminal would go to two authorities. */
export function requireKindsApart({ authorities }: Federation): void {
  const seen = new Map<Mesh['kind'], string>();
  for (const [id, { mesh }] of Object.entries(authorities)) {
    const other = seen.get(mesh.kind);
    if (other !== undefined)
      throw new ConcordatError(
        'usage',
        `${other} and ${id} are of the same kind (${mesh.kind}) and would get the same credentials; start them with \`concordat worker --authority ${other}\` and \`concordat worker --authority ${id}\`, each with its own`,
      );
    seen.set(mesh.kind, id);
  }
}
