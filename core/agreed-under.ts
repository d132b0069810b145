/**
 * What a base remembers of the documents that it was agreed under: of each type its taxonomy and the maps of who holds it.
 * Another one than these is a new version, which people are asked about (core/new-versions.ts).
 */
import { z } from 'zod';
import { Digest, digestOf } from './digest.js';
import type { DatasetType } from './federation/federation.js';
import { versionOf } from './federation/versions.js';
import type { SnapshotStatement } from './messages.js';
import { AuthorityId } from './record.js';

/** Opens name it where their worker knows that a base remembers this; a base begins to once all opens of its run do. */
export const versionsAlgorithm = 'concordat-versions/1';

export const DocumentVersion = z.strictObject({
  version: z.int().positive().describe('as the document says; 1 where it says nothing'),
  digest: Digest.describe('of the document as it was read'),
});
export type DocumentVersion = z.infer<typeof DocumentVersion>;

export const AgreedMap = DocumentVersion.extend({
  /** Records that did not come back through it as they were, or that it could not read; left out where all did. */
  notBack: z.int().positive().optional(),
});
export type AgreedMap = z.infer<typeof AgreedMap>;

export const AgreedType = z.strictObject({ taxonomy: DocumentVersion, maps: z.record(AuthorityId, AgreedMap) });
export type AgreedType = z.infer<typeof AgreedType>;

/** By type of the dataset. */
export const AgreedUnder = z.record(z.string(), AgreedType);
export type AgreedUnder = z.infer<typeof AgreedUnder>;

/** The documents of a type as a run holds them: of its maps those of who holds it, also of members that are absent. */
export interface TypeDocuments {
  readonly taxonomy: DocumentVersion;
  readonly maps: Readonly<Record<AuthorityId, DocumentVersion>>;
}

export function documentVersion(document: { readonly version?: number | undefined }): DocumentVersion {
  return { version: versionOf(document), digest: digestOf(document) };
}

type Counted = Pick<SnapshotStatement, 'lossy' | 'untranslatable'>;

/** Objects of a type that are not in a snapshot as they are in the mesh: lossy ones, and those that could not be translated. */
export function notBackIn({ lossy, untranslatable }: Counted, type: string): number {
  return [...lossy, ...untranslatable].reduce((sum, one) => (one.type === type ? sum + one.count : sum), 0);
}

/**
 * What the next base remembers; undefined where this one remembers nothing and not all opens of the run say that they know
 * of it. HAZARD: a map that is gone stays remembered, or taking it away and bringing another would ask nobody.
 */
export function agreedUnderOfNextBase(options: {
  readonly types: readonly Pick<DatasetType, 'taxonomy' | 'held' | 'documents'>[];
  readonly before: AgreedUnder | undefined;
  readonly opens: readonly { readonly algorithms: readonly string[] }[];
  readonly snapshots: Readonly<Record<AuthorityId, Counted>>;
}): AgreedUnder | undefined {
  const { types, before, opens, snapshots } = options;
  if (!before && !opens.every(({ algorithms }) => algorithms.includes(versionsAlgorithm))) return undefined;
  const next: Record<string, AgreedType> = {};
  for (const { taxonomy, held, documents } of types) {
    if (!documents) continue;
    const maps: Record<AuthorityId, AgreedMap> = { ...before?.[taxonomy.type]?.maps };
    for (const [authority, map] of Object.entries(documents.maps)) {
      const snapshot = held[authority] ? snapshots[authority] : undefined;
      // Who is absent agrees to nothing here.
      if (!snapshot) continue;
      const notBack = notBackIn(snapshot, taxonomy.type);
      maps[authority] = { ...map, ...(notBack > 0 ? { notBack } : {}) };
    }
    next[taxonomy.type] = { taxonomy: documents.taxonomy, maps };
  }
  return next;
}
