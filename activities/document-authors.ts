/** Who signed the documents of a configuration, verified, as causes of the operations that follow from them. */
import { AuthorStatement, authorStatementType } from '../core/approval/author-statement.js';
import type { SignedCause } from '../core/approval/authors.js';
import { freshDocuments, isDocumentBehind } from '../core/federation/documents-behind.js';
import { ConcordatError } from '../core/errors.js';
import type { ConfiguredDocument } from '../core/federation/documents.js';
import type { DatasetShape } from '../core/federation/federation.js';
import type { Base } from '../core/messages.js';
import type { NewVersion } from '../core/new-versions.js';
import type { Operation } from '../core/operation.js';
import { isSameKey, type PublicKey } from '../core/public-key.js';
import { readUnverified, verifyCompact } from './keys/verify.js';

/** Why a statement does not count, in words that go on from the name of its file. */
export type StatementFault =
  | { readonly kind: 'malformed'; readonly words: string }
  | { readonly kind: 'otherFederation' | 'otherDocument' | 'stale' | 'unknownKey'; readonly words: string };

export interface StatementPlace {
  readonly federation: string;
  readonly document: string;
  /** Null where it cannot be told: terms in force may be narrower than the file that was signed. */
  readonly digest: string | null;
  /** Who may have signed: the keys under which approvers are listed. */
  readonly approvers: readonly { readonly authority: string; readonly approver: string; readonly key: PublicKey }[];
}

/** The statement, or the first thing that is wrong with it. */
export async function readStatement(jws: string, place: StatementPlace): Promise<AuthorStatement | StatementFault> {
  const fault = (kind: StatementFault['kind'], words: string): StatementFault => ({ kind, words });
  try {
    const parsed = AuthorStatement.safeParse(readUnverified(jws, { typ: authorStatementType }).payload);
    if (!parsed.success) return fault('malformed', 'holds a statement that does not have the shape of this version');
    const { federation, document, digest, authority, approver, key } = parsed.data;
    await verifyCompact(jws, { typ: authorStatementType, keys: [key] });
    if (federation !== place.federation)
      return fault('otherFederation', `was signed for federation ${federation}, and this one is ${place.federation}`);
    if (document !== place.document)
      return fault('otherDocument', `was signed for ${document} and lies beside another file`);
    const listed = place.approvers.some(
      (one) => one.authority === authority && one.approver === approver && isSameKey(one.key, key),
    );
    if (!listed)
      return fault(
        'unknownKey',
        `was signed by ${approver} of ${authority} with a key that ${authority} does not list for them`,
      );
    if (place.digest !== null && digest !== place.digest)
      return fault('stale', `was signed by ${approver} for another content than ${document}.yaml has now`);
    return parsed.data;
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    return fault('malformed', `holds a statement that does not verify: ${error.message}`);
  }
}

export function isStatementFault(read: AuthorStatement | StatementFault): read is StatementFault {
  return 'kind' in read;
}

/** What a sheet shows of a document that stands behind operations. */
export interface DocumentBehind {
  readonly document: string;
  /** Empty where nobody signed it: then what follows from it has no author. */
  readonly signers: readonly { readonly authority: string; readonly approver: string }[];
  readonly operations: readonly string[];
}

export interface AuthoredDocuments {
  readonly causes: readonly SignedCause[];
  /** Of the documents of the configuration, those behind one of `operations`. */
  readonly behind: (operations: readonly Operation[]) => readonly DocumentBehind[];
}

/**
 * From the configuration that the members of the run signed, so that whoever verifies counts as the gate did. Throws
 * inputNotAuthentic where a statement does not hold.
 */
export async function authoredDocuments(options: {
  readonly federation: string;
  readonly shape: DatasetShape;
  readonly base: Base | null;
}): Promise<AuthoredDocuments> {
  const { federation, shape, base } = options;
  const documents = shape.documents ?? [];
  const fresh = new Set(freshDocuments(shape, base));
  const signers = new Map<ConfiguredDocument, readonly AuthorStatement[]>();
  for (const document of documents) {
    const statements: AuthorStatement[] = [];
    for (const jws of document.statements) statements.push(await statementOf(jws, federation, document));
    signers.set(document, statements);
  }
  const isBehind = (document: ConfiguredDocument, operation: Operation): boolean =>
    isDocumentBehind(shape, document, fresh.has(document), operation);
  return {
    causes: documents.flatMap((document) =>
      (signers.get(document) ?? []).map(({ authority, approver, key }): SignedCause => ({
        author: { authority, approver, key },
        isBehind: (operation) => isBehind(document, operation),
        isBehindVersion: (version) => document.name === nameOfVersioned(version),
      })),
    ),
    behind: (operations) =>
      documents.flatMap((document) => {
        // Without anything to compare with, only what somebody signed is told: else all would be named that ever was.
        if (document.statements.length === 0 && !base?.authored) return [];
        const own = operations.filter((operation) => isBehind(document, operation)).map(({ id }) => id);
        if (own.length === 0) return [];
        const people = (signers.get(document) ?? []).map(({ authority, approver }) => ({ authority, approver }));
        return [{ document: document.name, signers: people, operations: own }];
      }),
  };
}

/** The document that is new, as documents are called. */
function nameOfVersioned(version: NewVersion): string {
  return version.kind === 'type' ? `taxonomy/${version.type}` : `maps/${version.authority}.${version.type}`;
}

async function statementOf(jws: string, federation: string, document: ConfiguredDocument): Promise<AuthorStatement> {
  const claimed = AuthorStatement.safeParse(readUnverified(jws, { typ: authorStatementType }).payload);
  const read = await readStatement(jws, {
    federation,
    document: document.name,
    digest: document.name.startsWith('authorities/') ? null : document.digest,
    // Listed when the members took it up. Who has left since, or has a new key, stays its author.
    approvers: claimed.success ? [claimed.data] : [],
  });
  if (isStatementFault(read)) throw new ConcordatError('inputNotAuthentic', `${document.name}.jws ${read.words}`);
  return read;
}
