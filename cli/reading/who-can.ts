/** The answer of `concordat who-can`: out of the newest sealed snapshots, with what they cannot tell. */
import { opaqueRecords } from '../../activities/recompute.js';
import { readAll } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { hlcParts } from '../../core/clock/hlc.js';
import type { Reach } from '../../core/effect/effect.js';
import { ConcordatError } from '../../core/errors.js';
import { hasEffect, hasPlaces, placeNatives, sayable } from '../../core/federation/effect-natives.js';
import { mapOf, type Federation } from '../../core/federation/federation.js';
import { capabilitiesFileName } from '../../core/federation/files.js';
import { nearest } from '../../core/federation/nearest.js';
import { notEvaluated } from '../../core/federation/not-evaluated.js';
import { referredTypes, type TaxonomyType } from '../../core/federation/taxonomy.js';
import { byCodeUnit } from '../../core/json.js';
import type { Reference } from '../../core/lens/reference.js';
import type { AuthorityId, FederatedRecord } from '../../core/record.js';
import { grantTypes, whoCan, type MeshRecords } from '../../core/who-can.js';
import type { Snapshots } from './documents.js';
import { readSnapshots } from './documents.js';
import type { FederationSession } from './federation-session.js';
import { chooseDataset, findPlan } from './find-run.js';
import { openRecords, type Records } from './records.js';

export interface NamedRecord extends Reference {
  readonly name: string | null;
}

export interface NamedWay {
  readonly authority: AuthorityId;
  readonly reach: Reach;
  readonly isAllSeen: boolean;
  /** From the holder to the one the grant names. */
  readonly through: readonly NamedRecord[];
  readonly grant: NamedRecord;
  readonly role: NamedRecord | null;
  readonly scope: NamedRecord | null;
  /** The scope that was asked about, below the one of the grant: the cloud lets it be inherited there. */
  readonly inheritedOn: NamedRecord | null;
}

export interface WhoCanAnswer {
  readonly dataset: string;
  readonly run: string | null;
  readonly capability: string;
  readonly on: readonly NamedRecord[] | null;
  readonly meshes: readonly { readonly authority: AuthorityId; readonly observedAtMs: number }[];
  readonly holders: readonly { readonly holder: NamedRecord; readonly ways: readonly NamedWay[] }[];
  /** What could give it to others, or take it away from these. */
  readonly notSeen: readonly { readonly authority: AuthorityId; readonly what: string }[];
}

/** Throws usage for a capability, scope or dataset that is not there, notFound where nothing was sealed yet. */
export async function whoCanAnswer(
  session: FederationSession,
  question: { readonly capability: string; readonly on: string | undefined; readonly dataset: string | undefined },
): Promise<WhoCanAnswer> {
  const { federation, exchange, runs } = session;
  const { capability } = question;
  requireCapability(federation, capability);
  const dataset = chooseDataset(federation, question.dataset);
  const taxonomy = grantTaxonomy(federation, dataset);
  const found = await findPlan(runs, federation, exchange, dataset);
  const snapshots = await readSnapshots(federation, exchange, found.snapshots);
  const records = openRecords(federation, exchange, dataset, snapshots);
  const meshes = await meshRecords(session, dataset, snapshots, taxonomy);
  const scopes = question.on === undefined ? null : await scopesNamed(question.on, taxonomy, meshes, records);
  const answer = whoCan({ capability, scopes, taxonomy, meshes });
  const named = async (reference: Reference): Promise<NamedRecord> => ({
    type: reference.type,
    key: reference.key,
    name: await records.name(reference.type, reference.key),
  });
  const maybeNamed = (reference: Reference | null): Promise<NamedRecord> | null =>
    reference === null ? null : named(reference);
  return {
    dataset,
    run: found.run?.runId ?? null,
    capability,
    on: scopes && (await Promise.all(scopes.map(named))),
    meshes: Object.values(snapshots)
      .map(({ authority, hlc }) => ({ authority, observedAtMs: hlcParts(hlc).ms }))
      .sort((left, right) => byCodeUnit(left.authority, right.authority)),
    holders: await Promise.all(
      answer.holders.map(async ({ holder, ways }) => ({
        holder: await named(holder),
        ways: await Promise.all(
          ways.map(async ({ authority, reach, isAllSeen, through, grant, role, scope, inheritedOn }) => ({
            authority,
            reach,
            isAllSeen,
            through: await Promise.all(through.map(named)),
            grant: await named(grant),
            role: await maybeNamed(role),
            scope: await maybeNamed(scope),
            inheritedOn: await maybeNamed(inheritedOn),
          })),
        ),
      })),
    ),
    notSeen: await notSeen(session, dataset, snapshots, taxonomy, capability, answer.silent, scopes !== null),
  };
}

function requireCapability(federation: Federation, capability: string): void {
  const declared = (federation.capabilities ?? []).map((one) => one.capability).sort(byCodeUnit);
  if (declared.includes(capability)) return;
  if (declared.length === 0)
    throw new ConcordatError('usage', `this federation declares no capabilities; write ${capabilitiesFileName}`);
  const near = nearest(capability, declared);
  throw new ConcordatError(
    'usage',
    `no capability is called ${capability}; ${near === undefined ? `there is: ${declared.join(', ')}` : `did you mean "${near}"?`}`,
  );
}

function grantTaxonomy(federation: Federation, dataset: string): readonly TaxonomyType[] {
  const types = federation.datasets[dataset]?.types ?? [];
  const taxonomy = types.flatMap((type) => federation.taxonomy[type] ?? []);
  if (grantTypes(taxonomy).length === 0)
    throw new ConcordatError(
      'usage',
      `${dataset} holds no grants: no type of it has a field "principal" that refers to people, teams or workloads`,
    );
  return taxonomy;
}

/** Only what a path can lead over: grants, and what they refer to, however far. */
async function meshRecords(
  { exchange, federation }: FederationSession,
  dataset: string,
  snapshots: Snapshots,
  taxonomy: readonly TaxonomyType[],
): Promise<readonly MeshRecords[]> {
  const members = [...(federation.datasets[dataset]?.members ?? [])];
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const wanted = new Set(grantTypes(taxonomy).map(({ type }) => type));
  for (const name of wanted)
    for (const kind of Object.values(taxonomy.find(({ type }) => type === name)?.fields ?? {}))
      for (const target of referredTypes(kind)) wanted.add(target);
  const meshes: MeshRecords[] = [];
  for (const { authority, types } of Object.values(snapshots)) {
    const records: Record<string, FederatedRecord[]> = {};
    for (const sealed of types) {
      if (!wanted.has(sealed.type)) continue;
      const own: FederatedRecord[] = [];
      for await (const record of readAll(sealed, reader)) own.push(record);
      records[sealed.type] = own;
    }
    const kind = federation.authorities[authority]?.mesh.kind;
    meshes.push({ authority, records, isPartialByScope: kind === 'entra' || kind === 'keystone' });
  }
  return meshes;
}

/** By the beginning of a key, or by a whole name. Scopes of one name in several types are all meant. */
async function scopesNamed(
  word: string,
  taxonomy: readonly TaxonomyType[],
  meshes: readonly MeshRecords[],
  records: Records,
): Promise<readonly Reference[]> {
  const types = new Set(
    grantTypes(taxonomy).flatMap(({ fields }) => (fields['scope'] ? referredTypes(fields['scope']) : [])),
  );
  if (types.size === 0) throw new ConcordatError('usage', 'grants of this dataset have no scope; take --on away');
  const all = new Map<string, Reference>();
  for (const mesh of meshes)
    for (const type of types) for (const { key } of mesh.records[type] ?? []) all.set(`${type}/${key}`, { type, key });
  const names: string[] = [];
  const found: Reference[] = [];
  for (const scope of all.values()) {
    const name = await records.name(scope.type, scope.key);
    if (name !== null) names.push(name);
    if (name === word || (word.length >= keyCharactersMin && scope.key.startsWith(word))) found.push(scope);
  }
  if (found.length > 0) return found;
  const near = nearest(word, names);
  throw new ConcordatError(
    'usage',
    `no scope is called ${word}; ${near === undefined ? `there is: ${[...new Set(names)].sort(byCodeUnit).slice(0, 20).join(', ')}` : `did you mean "${near}"?`}`,
  );
}

/** Fewer characters of a key could be a name. */
const keyCharactersMin = 8;

/** Native types whose grants may count below where they are given. */
const inherits = Object.values(placeNatives).flatMap((natives) =>
  Object.keys(natives).filter((native) => (natives[native] ?? []).length > 0),
);

async function notSeen(
  { federation, exchange }: FederationSession,
  dataset: string,
  snapshots: Snapshots,
  taxonomy: readonly TaxonomyType[],
  capability: string,
  silent: readonly AuthorityId[],
  isOnScope: boolean,
): Promise<WhoCanAnswer['notSeen']> {
  const opaque = await opaqueRecords(exchange, snapshots);
  const grants = grantTypes(taxonomy).map(({ type }) => type);
  const members = [...(federation.datasets[dataset]?.members ?? [])].sort(byCodeUnit);
  return members.flatMap((authority) => {
    const says = (what: string) => ({ authority, what });
    const snapshot = snapshots[authority];
    if (!snapshot) return [says('the whole mesh: it took no part in this run')];
    const kind = federation.authorities[authority]?.mesh.kind;
    const maps = taxonomy.flatMap(({ type }) => mapOf(federation, authority, type) ?? []).filter(hasEffect);
    const scoped = grantTypes(taxonomy).filter(({ fields }) => fields['scope']);
    const unsaid = maps.filter(
      (map) =>
        isOnScope && scoped.some(({ type }) => type === map.type) && inherits.includes(map.native) && !hasPlaces(map),
    );
    const canSay =
      kind && maps.some(({ native }) => sayable(kind, native, federation.capabilities ?? []).includes(capability));
    const ofGrants = opaque.filter((one) => one.authority === authority && grants.includes(one.type));
    const reasons = [...new Set(ofGrants.map(({ reason }) => reason))].sort(byCodeUnit);
    const cut = snapshot.scopes.filter(({ complete }) => !complete);
    const hidden = snapshot.hiddenRows.filter(({ type }) => grants.includes(type));
    const outside = snapshot.outside.filter(({ type }) => grants.includes(type));
    return [
      ...(canSay
        ? []
        : [
            says(
              `what it says of "${capability}": ${capabilitiesFileName} has nothing that its grants could be held against`,
            ),
          ]),
      ...unsaid.map(({ type }) =>
        says(
          `what is inherited from above the scope: no field of ${type} says where a grant counts ({ from: scopes })`,
        ),
      ),
      ...(silent.includes(authority) ? [says('the effect of its grants: its surface or maps leave it out')] : []),
      ...reasons.map((reason) => says(opaqueGrants(ofGrants.filter((one) => one.reason === reason).length, reason))),
      ...cut.map(({ type, scope, reason }) =>
        says(`${type} ${scope}: not read to its end (${reason ?? 'no reason given'})`),
      ),
      ...hidden.map(({ type, count }) => says(`${count} ${type} records that its surface hides`)),
      ...outside.map(({ type, field, count }) =>
        says(`${count} ${type} records whose ${field} leads out of the dataset`),
      ),
      ...(kind ? notEvaluated[kind].map(says) : []),
    ];
  });
}

function opaqueGrants(count: number, reason: string): string {
  return `${count} ${count === 1 ? 'grant that is' : 'grants that are'} opaque: ${reason}`;
}
