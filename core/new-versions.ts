/**
 * Types and maps that are others than those of the last agreement. Each is asked of every authority that holds the type, also
 * where nothing would be written there: a plan that names one is agreed on by all of them, or by nobody.
 */
import { z } from 'zod';
import { DocumentVersion, notBackIn } from './agreed-under.js';
import type { OpenedDecision } from './decision.js';
import { Digest, digestOf } from './digest.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { byCodeUnit } from './json.js';
import type { Base, SnapshotStatement } from './messages.js';
import type { MadePlan } from './plan.js';
import { AuthorityId } from './record.js';

/** Of one authority: what its snapshot of this very run proves of the new version. */
export const RoundTrip = z.strictObject({
  authority: AuthorityId,
  /** Objects of the type that were read and belong to the dataset. */
  records: z.int().nonnegative(),
  /** Of them, those that came back through the map as they were. */
  cameBack: z.int().nonnegative(),
  /** Present where not all objects were read, or some of their fields are held by a drift. */
  incomplete: z.literal(true).optional(),
});
export type RoundTrip = z.infer<typeof RoundTrip>;

const common = {
  /** Digest of the base, of what it is about, and of before and now: a decision on it ends where the base moves. */
  id: Digest,
  type: z.string(),
  before: DocumentVersion,
  now: DocumentVersion,
  /** Everybody who holds the type, sorted; also those who take no part in the run. */
  asked: z.array(AuthorityId),
  proof: z.array(RoundTrip),
} as const;

export const NewVersion = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('type'), ...common }),
  z.strictObject({ kind: z.literal('map'), authority: AuthorityId, ...common }),
]);
export type NewVersion = z.infer<typeof NewVersion>;

type ProvenBy = Pick<SnapshotStatement, 'authority' | 'lossy' | 'untranslatable' | 'types' | 'scopes'>;

/**
 * In the order of types, each type before its maps. Nobody is asked at first contact: where there is no base, where the base
 * holds nothing of a type or remembers no documents, and about the first map of an authority.
 */
export function newVersionsOf(
  { types }: Pick<DatasetShape, 'types'>,
  base: Pick<Base, 'types' | 'agreedUnder'> | null,
  baseDigest: Digest | null,
  snapshots: Readonly<Record<AuthorityId, ProvenBy>>,
): readonly NewVersion[] {
  return types.flatMap((type): readonly NewVersion[] => {
    const changed = changedDocuments(type, base);
    if (!changed) return [];
    const name = type.taxonomy.type;
    const asked = [...Object.keys(type.held), ...type.absent].sort(byCodeUnit);
    const proofOf = (authorities: readonly AuthorityId[]): RoundTrip[] =>
      authorities.flatMap((authority) => {
        const snapshot = type.held[authority] ? snapshots[authority] : undefined;
        return snapshot ? [roundTrip(snapshot, name)] : [];
      });
    const made: NewVersion[] = [];
    if (changed.taxonomy) {
      const { before, now } = changed.taxonomy;
      const id = digestOf({ base: baseDigest, kind: 'type', type: name, before, now });
      made.push({ kind: 'type', id, type: name, before, now, asked, proof: proofOf(asked) });
    }
    for (const { authority, before, now } of changed.maps) {
      const id = digestOf({ base: baseDigest, kind: 'map', authority, type: name, before, now });
      made.push({ kind: 'map', authority, id, type: name, before, now, asked, proof: proofOf([authority]) });
    }
    return made;
  });
}

interface Changed {
  readonly before: DocumentVersion;
  readonly now: DocumentVersion;
}

/** What is another one than the base remembers; null where nothing of the type was agreed on, or nothing is remembered. */
export function changedDocuments(
  { taxonomy, documents }: Pick<DatasetType, 'taxonomy' | 'documents'>,
  base: Pick<Base, 'types' | 'agreedUnder'> | null,
): { readonly taxonomy: Changed | null; readonly maps: readonly (Changed & { authority: AuthorityId })[] } | null {
  const agreed = base?.agreedUnder?.[taxonomy.type];
  const count = base?.types.find(({ type }) => type === taxonomy.type)?.count ?? 0;
  if (!agreed || !documents || count === 0) return null;
  const changed = (before: DocumentVersion | undefined, now: DocumentVersion): Changed | null =>
    before && before.digest !== now.digest
      ? { before: { version: before.version, digest: before.digest }, now: { ...now } }
      : null;
  return {
    taxonomy: changed(agreed.taxonomy, documents.taxonomy),
    maps: Object.keys(documents.maps)
      .sort(byCodeUnit)
      .flatMap((authority) => {
        const now = documents.maps[authority];
        const found = now && changed(agreed.maps[authority], now);
        return found ? [{ authority, ...found }] : [];
      }),
  };
}

function roundTrip(snapshot: ProvenBy, type: string): RoundTrip {
  const { authority, types, scopes, untranslatable } = snapshot;
  const unread = untranslatable.reduce((sum, one) => (one.type === type ? sum + one.count : sum), 0);
  const records = (types.find((one) => one.type === type)?.count ?? 0) + unread;
  return {
    authority,
    records,
    cameBack: Math.max(0, records - notBackIn(snapshot, type)),
    ...(scopes.some((one) => one.type === type && !one.complete && one.scope !== `${type}/untranslatable`)
      ? { incomplete: true as const }
      : {}),
  };
}

/** Who must approve a new version of the plan and takes no part in the run: until they do, nobody is asked anything. */
export function versionsWaitFor({
  newVersions = [],
  absent = [],
}: Pick<MadePlan, 'newVersions'> & { readonly absent?: readonly AuthorityId[] }): readonly AuthorityId[] {
  return absent.filter((authority) => newVersions.some(({ asked }) => asked.includes(authority)));
}

/** Whether all who are asked about each new version of the plan approved it; true where there is none. */
export function areVersionsApproved(
  { newVersions = [] }: Pick<MadePlan, 'newVersions'>,
  isApprovedBy: (authority: AuthorityId, id: Digest) => boolean,
): boolean {
  return newVersions.every(({ id, asked }) => asked.every((authority) => isApprovedBy(authority, id)));
}

/**
 * A yes to a new version holds over the same base, from whichever plan, until somebody here says no. A no ends with its plan:
 * the next run asks again.
 */
export function carriedVersions(
  { kind, newVersions = [] }: Pick<OpenedDecision, 'kind' | 'newVersions'>,
  scope: { readonly newVersions?: readonly NewVersion[] | undefined },
  isStanding: (id: Digest) => boolean = () => true,
): Pick<OpenedDecision, 'newVersions'> {
  const here = new Set(scope.newVersions?.map(({ id }) => id));
  const standing = kind === 'approve' ? newVersions.filter((id) => here.has(id) && isStanding(id)) : [];
  return standing.length > 0 ? { newVersions: standing } : {};
}

/** `map of oslo for shipment is new: 412 of 412 records come back as they were`. Names of authorities and types, and counts. */
export function newVersionWords(version: NewVersion): string {
  const { type, before, now, proof } = version;
  const what = version.kind === 'type' ? `type ${type}` : `map of ${version.authority} for ${type}`;
  const versions = before.version === now.version ? '' : ` (version ${now.version} after ${before.version})`;
  return `${what} is new${versions}: ${proof.length === 0 ? 'nothing was read that could prove it' : proof.map((one) => roundTripWords(version, one)).join(', ')}`;
}

function roundTripWords({ kind }: NewVersion, { authority, records, cameBack, incomplete }: RoundTrip): string {
  const whose = kind === 'type' ? ` of ${authority}` : '';
  const unread = incomplete === true ? ', and not all that is there could be read' : '';
  return `${cameBack} of ${records} record${records === 1 ? '' : 's'}${whose} come${records === 1 ? 's' : ''} back as ${records === 1 ? 'it was' : 'they were'}${unread}`;
}
