/** How a mesh is reached here and now: the authority file, with endpoints that the environment replaces. */
import path from 'node:path';
import type { Mesh } from '../../core/federation/authority.js';
import { ConcordatError } from '../../core/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A relative folder of records starts at the folder of the federation. Throws invalidFederation where a variable that the file names holds no URL. An unset or empty variable changes nothing. */
export function resolveMesh(mesh: Mesh, environment: Environment, federationFolder = '.'): Mesh {
  if (mesh.kind === 'postgresql') return mesh;
  if (mesh.kind === 'folder') {
    const replaced = mesh.pathFrom === undefined ? undefined : environment[mesh.pathFrom];
    return { ...mesh, path: path.resolve(federationFolder, replaced ? replaced : mesh.path) };
  }
  const endpoint = urlFrom(environment, mesh.endpointFrom);
  const reached: Mesh = endpoint === undefined ? mesh : { ...mesh, endpoint };
  if (reached.kind !== 'entra') return reached;
  const authorityHost = urlFrom(environment, reached.authorityHostFrom);
  return authorityHost === undefined ? reached : { ...reached, authorityHost };
}

function urlFrom(environment: Environment, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : environment[name];
  if (name === undefined || value === undefined || value === '') return undefined;
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    // Not quoted: what stands in the wrong variable may be a secret.
    throw new ConcordatError(
      'invalidFederation',
      `the environment variable ${name} must hold a URL with http or https`,
    );
  return value;
}
