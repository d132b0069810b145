/** Signs a file of the federation folder as its author. Apart from read-authors.ts, which the coordinator reads by too. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { authorStatementType, type AuthorStatement } from '../../core/approval/author-statement.js';
import type { Federation } from '../../core/federation/federation.js';
import { isSameKey } from '../../core/public-key.js';
import { isStatementFault, readStatement } from '../document-authors.js';
import { signCompact } from '../keys/sign.js';
import type { SigningKey } from '../keys/signer.js';
import { digestsOfDocuments, linesOf, placeOf } from './read-authors.js';

/** Signs a document as it is now, beside the statements of others that still hold. */
export async function signDocument(
  folder: string,
  federation: Federation,
  document: string,
  author: Pick<AuthorStatement, 'authority' | 'approver' | 'key'>,
  key: SigningKey,
  nowMs: number,
): Promise<{
  readonly file: string;
  readonly statement: AuthorStatement;
  readonly others: readonly AuthorStatement[];
}> {
  const digest = digestsOfDocuments(federation).get(document);
  if (digest === undefined) throw new Error(`the federation has no document ${document}`);
  const statement: AuthorStatement = {
    federation: federation.file.federation,
    document,
    digest,
    ...author,
    issuedAtMs: nowMs,
  };
  const file = path.join(folder, `${document}.jws`);
  const before = linesOf(await readFile(file, 'utf8').catch(ifMissing)).map(([, jws]) => jws);
  const kept: string[] = [];
  const others: AuthorStatement[] = [];
  for (const jws of before) {
    const read = await readStatement(jws, placeOf(federation, document, digest));
    if (isStatementFault(read) || isSameKey(read.key, author.key)) continue;
    kept.push(jws);
    others.push(read);
  }
  const own = await signCompact(statement, { typ: authorStatementType, key });
  await writeFile(file, [...kept, own].map((jws) => `${jws}\n`).join(''));
  return { file, statement, others };
}

function ifMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
