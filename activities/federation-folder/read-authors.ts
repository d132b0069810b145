/**
 * The statements of authors in a federation folder: beside `maps/aws.person.yaml` lies `maps/aws.person.jws`, one statement
 * a line. One that does not hold is a fault and counts for nobody.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, type Digest } from '../../core/digest.js';
import { configuredDataset, configuredTerms } from '../../core/federation/documents.js';
import type { Federation } from '../../core/federation/federation.js';
import { folderOf } from '../../core/federation/files.js';
import { byCodeUnit } from '../../core/json.js';
import { isStatementFault, readStatement, type StatementPlace } from '../document-authors.js';
import type { Fault } from './fault.js';

export interface AuthorStatements {
  /** By document, those that hold. Documents that nobody signed are not named. */
  readonly statements: Readonly<Record<string, readonly string[]>>;
  readonly faults: readonly Fault[];
  /** Documents that somebody can sign and nobody has. */
  readonly unsigned: readonly string[];
}

/** A hundred people may sign one file. */
export const statementBytesMax = 65_536;

/** What each document of the folder hashes to, as it enters a Configuration. */
export function digestsOfDocuments({
  authorities,
  taxonomy,
  capabilities,
  maps,
  datasets,
}: Federation): ReadonlyMap<string, Digest> {
  const entries: [string, Digest][] = [
    ...Object.entries(authorities).map(([id, one]): [string, Digest] => [
      `authorities/${id}`,
      digestOf(configuredTerms(one)),
    ]),
    ...Object.entries(taxonomy).map(([id, one]): [string, Digest] => [`taxonomy/${id}`, digestOf(one)]),
    ...(capabilities ? [['taxonomy/capabilities', digestOf(capabilities)] as [string, Digest]] : []),
    ...Object.entries(maps).map(([id, one]): [string, Digest] => [`maps/${id}`, digestOf(one)]),
    ...Object.entries(datasets).map(([id, one]): [string, Digest] => [
      `datasets/${id}`,
      digestOf(configuredDataset(one)),
    ]),
  ];
  return new Map(entries.sort(([left], [right]) => byCodeUnit(left, right)));
}

/** HAZARD: `federation` must hold the authorities as their files say, and not the terms that are in force. */
export async function readAuthorStatements(folder: string, federation: Federation): Promise<AuthorStatements> {
  const digests = digestsOfDocuments(federation);
  const statements: Record<string, string[]> = {};
  const faults: Fault[] = [];
  for (const file of await statementFiles(folder)) {
    const document = file.replace(/\.jws$/, '');
    const digest = digests.get(document);
    const fault = (line: number, message: string): void =>
      void faults.push({ file, line, column: 1, field: '', message, code: 'invalidFederation' });
    if (digest === undefined) {
      fault(1, `there is no ${document}.yaml beside it; remove it`);
      continue;
    }
    if ((await stat(path.join(folder, file))).size > statementBytesMax) {
      fault(1, `is larger than ${statementBytesMax} bytes, the most that is read`);
      continue;
    }
    const place = placeOf(federation, document, digest);
    for (const [at, jws] of linesOf(await readFile(path.join(folder, file), 'utf8'))) {
      const read = await readStatement(jws, place);
      if (isStatementFault(read))
        fault(at, `${read.words}; look at the file and sign it again: concordat sign ${document}.yaml --as KEY`);
      else statements[document] = [...(statements[document] ?? []), jws].sort(byCodeUnit);
    }
  }
  return { statements, faults, unsigned: [...digests.keys()].filter((document) => !statements[document]) };
}

/** Where a statement of a document would have to be right. */
export function placeOf({ file, authorities }: Federation, document: string, digest: Digest): StatementPlace {
  const approvers = Object.entries(authorities).flatMap(([authority, { approvers: listed }]) =>
    listed.flatMap(({ id, key }) => (key ? [{ authority, approver: id, key }] : [])),
  );
  return { federation: file.federation, document, digest, approvers };
}

async function statementFiles(folder: string): Promise<readonly string[]> {
  const found = await Promise.all(
    Object.values(folderOf).map(async (inner) =>
      (await readdir(path.join(folder, inner), { withFileTypes: true }).catch(() => []))
        .filter((entry) => entry.isFile() && entry.name.endsWith('.jws') && !entry.name.startsWith('.'))
        .map((entry) => `${inner}/${entry.name}`),
    ),
  );
  return found.flat().sort(byCodeUnit);
}

/** With the number of each line. */
export function linesOf(text: string): readonly (readonly [at: number, jws: string])[] {
  return text
    .split('\n')
    .map((line, at) => [at + 1, line.trim()] as const)
    .filter(([, line]) => line !== '');
}
