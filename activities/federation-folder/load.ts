/**
 * Reads a federation folder: every file against its schema, then all of them against each other.
 *
 * Never throws for what the files hold: all faults of all files come back at once, each with its line and column.
 */
import { checkFederation } from '../../core/federation/check.js';
import { secretFaults } from '../../core/federation/secret-text.js';
import type { PathFault } from '../../core/federation/fault.js';
import type { Federation } from '../../core/federation/federation.js';
import { fileKindOf, schemaOf, type FileKind } from '../../core/federation/files.js';
import type { FederationParts, Located } from '../../core/federation/parts.js';
import { schemaFaults } from '../../core/federation/schema-faults.js';
import { inOrder, located, type Fault } from './fault.js';
import { readFolder } from './read-folder.js';
import { ruleFaults } from './rule-faults.js';
import { timeZoneFaults } from './time-zone.js';
import { readAuthorStatements } from './read-authors.js';
import { parseYamlFile, type YamlFile } from './yaml-file.js';

export type { Fault } from './fault.js';

export type LoadedFederation =
  | {
      readonly kind: 'valid';
      readonly federation: Federation;
      /** Statements of authors that do not hold, and files that demand one and have none: of no weight, and no worker starts. */
      readonly authorFaults: readonly Fault[];
    }
  | { readonly kind: 'invalid'; readonly faults: readonly Fault[] };

/**
 * Takes the manifests as they are: for commands that write them. Workers call loadSignedFederation. `instead` are texts by
 * file that count in the place of what lies there.
 */
export async function loadFederation(
  folder: string,
  instead: ReadonlyMap<string, string> = new Map(),
): Promise<LoadedFederation> {
  const read = await readFolder(folder);
  const folderFaults = read.faults;
  const texts = read.texts.map(({ file, text }) => ({ file, text: instead.get(file) ?? text }));
  const faults: Fault[] = [...folderFaults];
  const files = new Map<string, YamlFile>();
  const accepted = new Map<FileKind, Located<never>[]>();
  const broken: string[] = folderFaults.map((fault) => fault.file);
  for (const { file, text } of texts) {
    const yamlFile = parseYamlFile(file, text);
    files.set(file, yamlFile);
    const kind = fileKindOf(file) ?? 'federation';
    const own = yamlFile.faults.length > 0 ? yamlFile.faults : valueFaults(file, kind, yamlFile);
    faults.push(...own);
    if (own.length > 0) broken.push(file);
    else
      accepted.set(kind, [
        ...(accepted.get(kind) ?? []),
        { file, value: schemaOf[kind].parse(yamlFile.value) as never },
      ]);
  }
  const parts = partsOf(accepted, broken);
  for (const fault of [...checkFederation(parts), ...timeZoneFaults(parts), ...ruleFaults(parts)])
    faults.push(located(fault, files.get(fault.file)));
  if (faults.length > 0 || !parts.federation) return { kind: 'invalid', faults: inOrder(faults) };
  return withAuthors(folder, federationOf(parts, parts.federation));
}

async function withAuthors(folder: string, federation: Federation): Promise<LoadedFederation> {
  const { statements, faults, unsigned } = await readAuthorStatements(folder, federation);
  const isRequired = federation.file.authors === 'required';
  const named = new Set(faults.map(({ file }) => file));
  const missing = unsigned
    .filter((document) => isRequired && !named.has(`${document}.jws`))
    .map((document): Fault => {
      const file = `${document}.yaml`;
      const message = `nobody signed it, and federation.yaml demands authors: concordat sign ${file} --as KEY`;
      return { file, line: 1, column: 1, field: '', message, code: 'notSigned' };
    });
  return {
    kind: 'valid',
    federation: Object.keys(statements).length > 0 ? { ...federation, statements } : federation,
    authorFaults: inOrder([...faults, ...missing]),
  };
}

function valueFaults(file: string, kind: FileKind, yamlFile: YamlFile): readonly Fault[] {
  const faults: readonly PathFault[] = [
    ...schemaFaults(file, schemaOf[kind], yamlFile.value),
    ...secretFaults(file, yamlFile.value),
  ];
  return faults.map((fault) => located(fault, yamlFile));
}

function partsOf(
  accepted: ReadonlyMap<FileKind, readonly Located<never>[]>,
  broken: readonly string[],
): FederationParts {
  const federation = accepted.get('federation')?.[0];
  const capabilities = accepted.get('capabilities')?.[0];
  return {
    ...(federation ? { federation } : {}),
    ...(capabilities ? { capabilities } : {}),
    authorities: accepted.get('authority') ?? [],
    taxonomy: accepted.get('taxonomy') ?? [],
    maps: accepted.get('map') ?? [],
    datasets: accepted.get('dataset') ?? [],
    broken,
  };
}

function federationOf(parts: FederationParts, file: NonNullable<FederationParts['federation']>): Federation {
  const keyed = <Value>(items: readonly Located<Value>[], nameOf: (item: Located<Value>) => string) =>
    Object.fromEntries(items.map((item) => [nameOf(item), item.value]));
  return {
    file: file.value,
    authorities: keyed(parts.authorities, (item) => item.value.authority),
    taxonomy: keyed(parts.taxonomy, (item) => item.value.type),
    ...(parts.capabilities ? { capabilities: parts.capabilities.value.capabilities } : {}),
    maps: keyed(parts.maps, (item) => item.file.replace(/^maps\/(.*)\.yaml$/, '$1')),
    datasets: keyed(parts.datasets, (item) => item.value.dataset),
  };
}
