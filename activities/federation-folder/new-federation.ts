/** `concordat init`: a working, commented federation folder for given meshes. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Mesh } from '../../core/federation/authority.js';
import { federationFileName, fileKindOf, folderOf, otherFolders } from '../../core/federation/files.js';
import type { RecordMeshKind } from '../../core/federation/native-types.js';
import { ConcordatError } from '../../core/errors.js';
import { keepOutOfGit } from '../keys/keep-out-of-git.js';
import { schemaLine, writeSchemas } from './schemas.js';
import { awsIamTemplate } from './templates/aws-iam.js';
import { entraTemplate } from './templates/entra.js';
import { keystoneTemplate } from './templates/keystone.js';
import type { MeshTemplate } from './templates/mesh-template.js';
import { authorityText, datasetText, federationText, personText, teamText } from './templates/shared-files.js';

/** Kinds of clouds that `init` can begin with. Stores of records begin with what they hold, so their files are written by hand. */
type TemplateKind = Exclude<Mesh['kind'], RecordMeshKind>;

const templates: Readonly<Record<TemplateKind, MeshTemplate>> = {
  'aws-iam': awsIamTemplate,
  entra: entraTemplate,
  keystone: keystoneTemplate,
};

export const meshKinds = Object.keys(templates) as readonly TemplateKind[];

export interface NewFederation {
  readonly name: string;
  readonly dataset: string;
  readonly meshes: readonly {
    readonly id: string;
    readonly kind: TemplateKind;
    /** Who may approve for this one; `approvers` where left out. */
    readonly approvers?: readonly string[];
  }[];
  readonly approvers: readonly string[];
  /** Endpoints of local stand-ins instead of the clouds themselves. */
  readonly sandbox: boolean;
}

/** The text of each file, by its name relative to the folder. */
export function newFederationFiles(wanted: NewFederation): Readonly<Record<string, string>> {
  const ids = wanted.meshes.map(({ id }) => id);
  const files: Record<string, string> = {
    [federationFileName]: federationText(wanted.name, ids),
    'taxonomy/person.yaml': personText,
    'taxonomy/team.yaml': teamText,
    [`datasets/${wanted.dataset}.yaml`]: datasetText(wanted.dataset, ids),
  };
  for (const { id, kind, approvers = wanted.approvers } of wanted.meshes) {
    const template = templates[kind];
    const variable = `CONCORDAT_${id.toUpperCase().replaceAll('-', '_')}`;
    const context = { id, sandbox: wanted.sandbox, variable };
    files[`authorities/${id}.yaml`] = authorityText(template, context, approvers);
    files[`maps/${id}.person.yaml`] = template.person;
    files[`maps/${id}.team.yaml`] = template.team;
  }
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, `${schemaLine(fileKindOf(name) ?? 'federation')}\n${text}`]),
  );
}

/** Throws usage, and writes nothing, where part of a federation is there already. Returns the names of the files written. */
export async function writeNewFederation(folder: string, wanted: NewFederation): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const own = [federationFileName, ...Object.values(folderOf), ...otherFolders];
  const there = (await readdir(folder)).find((name) => own.includes(name));
  if (there !== undefined)
    throw new ConcordatError(
      'usage',
      `${path.join(folder, there)} is there already, and nothing is ever overwritten; name a new folder`,
    );
  const files = newFederationFiles(wanted);
  await keepOutOfGit(folder);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  }
  return ['.gitignore', ...Object.keys(files), ...(await writeSchemas(folder))];
}
