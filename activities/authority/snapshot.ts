/**
 * The authority's snapshot: native pages translated, filtered by the surface, sealed under a digest and signed.
 *
 * HAZARD: what could not be read or translated must never look deleted. It makes the scope of its type incomplete, is
 * counted, and no deletion follows.
 */
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import { exposedFields, surfaceOf } from '../../core/federation/surface.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { snapshotType, SnapshotStatement, type ScopeReport, type RunInputs } from '../../core/messages.js';
import { Correlation } from '../../core/correlate.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { groupsHeldBy, sealedRoot, type SealedType } from '../../core/sealed.js';
import { digestOf, type Digest } from '../../core/digest.js';
import { translate } from '../../core/translate.js';
import type { SnapshotResult, TranslateInput } from '../../workflows/contract.js';
import { getDocument, getMessage, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { loadLinks, type Links } from '../links.js';
import { ownTable } from '../lineage/run-hops.js';
import { SaltProposals } from '../lineage/salts.js';
import { readOpens, type RunMessages } from '../run-messages.js';
import { recomputeCorrelation } from '../recompute.js';
import { createSealer } from '../sealing/sealer.js';
import { digestsOfRun } from './digest-key.js';
import { sealedRecord, type FieldDigests } from '../surface/field-digests.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { requireLive } from './live-run.js';
import { logObserver, observePeers } from './log-observer.js';
import { createMatchSeal } from './match-seal.js';
import { beginReseal, type ResealClaims } from './reseal-claims.js';
import { readPagesOnce, storedPages } from './pages.js';
import { SetAside } from './set-aside.js';
import { observeSeal } from './observations.js';
import { rowFilterOf } from './row-filter.js';
import { noticeInputs, noticeOpens } from './peer-clocks.js';

export async function readPages(
  context: AuthorityContext,
  inputs: RunInputs,
  signal?: AbortSignal,
): Promise<{ objects: number; incompleteScopes: number }> {
  const { opens } = await readOpens(context.federation, context.exchange, inputs);
  await requireLive(context, inputs);
  await noticeOpens(context, inputs.dataset, opens);
  await observePeers(context, opens);
  await readPagesOnce(context, inputs.dataset, inputs.run, signal);
  let objects = 0;
  let incompleteScopes = 0;
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind === 'objects') objects += item.objects.length;
    else if (!item.complete) incompleteScopes += 1;
  }
  return { objects, incompleteScopes };
}

export async function sealSnapshot(context: AuthorityContext, inputs: RunInputs): Promise<SnapshotResult> {
  const messages = await readOpens(context.federation, context.exchange, inputs);
  await requireLive(context, inputs);
  await noticeOpens(context, inputs.dataset, messages.opens);
  return seal(context, inputs, messages, new Map(), null);
}

/** Applies the new links of a correlation that this authority makes again itself, to the pages already read. */
export async function translateAgain(context: AuthorityContext, input: TranslateInput): Promise<SnapshotResult> {
  const { inputs } = input;
  await requireLive(context, inputs);
  const { messages, snapshots, correlation } = await recomputeCorrelation(context.federation, context.exchange, inputs);
  await noticeInputs(context, { messages, snapshots });
  const digest = digestOf(correlation);
  if (digest !== input.correlation.sha256)
    throw new ConcordatError(
      'planNotReproduced',
      'this authority joins the records otherwise than the coordinator says',
    );
  const assigned = new Map(
    correlation.assignments
      .filter(({ authority }) => authority === context.id)
      .map(({ type, from, key }) => [`${type} ${from}`, key]),
  );
  return seal(context, inputs, messages, assigned, digest);
}

/**
 * The links that a run's correlation gives this authority, for steps after the second translation.
 *
 * HAZARD: they say which native object a write touches. The one correlation that counts is the one under this
 * authority's own signed snapshot, which it made again itself; another one would turn an approved change against
 * somebody else's account.
 */
export async function assignedLinks(
  context: AuthorityContext,
  inputs: RunInputs,
): Promise<ReadonlyMap<string, string>> {
  const applied = await appliedCorrelation(context, inputs);
  if (applied === null) return new Map();
  if (inputs.correlation?.sha256 !== applied)
    throw new ConcordatError(
      'planNotReproduced',
      'the coordinator names another correlation than the one that this authority applied to its snapshot',
    );
  const correlation = await getDocument(context.exchange, inputs.correlation, Correlation);
  return new Map(
    correlation.assignments
      .filter(({ authority }) => authority === context.id)
      .map(({ type, from, key }) => [`${type} ${from}`, key]),
  );
}

async function appliedCorrelation(context: AuthorityContext, inputs: RunInputs): Promise<Digest | null> {
  const own = inputs.snapshots.find(({ ref }) => ref.startsWith(`${context.id}/`));
  if (!own) throw new ConcordatError('wrongRun', `the run lacks the snapshot of ${context.id}`);
  const { payload } = await getMessage(context.exchange, own, {
    typ: snapshotType,
    schema: SnapshotStatement,
    keys: keysOf(context.federation, context.id, 'messages'),
  });
  if (payload.run !== inputs.run || payload.dataset !== inputs.dataset)
    throw new ConcordatError('wrongRun', 'the own snapshot is of another run');
  return payload.correlation;
}

/** The federated key of a native object in this run: its link, what correlation assigned, or the provisional key. */
export function keyInRun(links: Links, assigned: ReadonlyMap<string, string>, type: string, nativeId: string): string {
  const key = links.keyOf(type, nativeId);
  return isProvisional(key) ? (assigned.get(`${type} ${key}`) ?? key) : key;
}

async function seal(
  context: AuthorityContext,
  inputs: RunInputs,
  messages: RunMessages,
  assigned: ReadonlyMap<string, string>,
  correlation: Digest | null,
): Promise<SnapshotResult> {
  const links = await loadLinks(context.privateStore, inputs.dataset, context.linkKey);
  const { shape } = messages;
  const counters = new SetAside();
  const salts = new SaltProposals(await ownTable(logObserver(context), inputs.dataset));
  const digests = await digestsOfRun(context, inputs.dataset, messages.opens[context.id]?.digestKey ?? null);
  const filters = new Map(shape.types.map(({ taxonomy: { type } }) => [type, rowFilterOf(context, type)] as const));
  const inScope = await idsInScope(context, inputs, (object) =>
    shape.types.some(({ taxonomy: { type } }) => {
      const filter = filters.get(type);
      return (
        filter &&
        mapOf(context.federation, context.id, type)?.native === object.type &&
        isProvisional(keyInRun(links, assigned, type, object.id)) &&
        !filter(object)
      );
    }),
  );
  const types: SealedType[] = [];
  const matches: SealedType[] = [];
  const scopes: ScopeReport[] = [];
  let unlinked = 0;
  const claims = await beginReseal(context, messages, digests?.keyId ?? null);
  try {
    for (const type of shape.types) {
      const sealed = await sealType(context, inputs, type, {
        dataset: shape.dataset,
        links,
        assigned,
        inScope,
        counters,
        salts,
        digests,
        claims,
        isExposed: filters.get(type.taxonomy.type) ?? null,
      });
      if (!sealed) continue;
      unlinked += sealed.unlinked;
      types.push(sealed.sealed);
      if (sealed.matches) matches.push(sealed.matches);
      scopes.push(...(await scopesOf(context, inputs, type, sealed.sealed, messages, counters, links)));
    }
  } finally {
    await claims?.end();
  }
  const statement: SnapshotStatement = {
    authority: context.id,
    dataset: inputs.dataset,
    run: inputs.run,
    configuration: messages.shape.configuration,
    base: messages.baseDigest,
    correlation,
    types,
    root: sealedRoot(types),
    versions: [...(await observeSeal(context, inputs.dataset, messages, types))],
    matches,
    salts: await salts.put(context.exchange, context.id),
    reseals: claims?.statements() ?? [],
    scopes,
    ...counters.report(),
    hlc: await context.clock.stamp(),
  };
  const snapshot = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: snapshotType, key: context.signingKey }),
  );
  return {
    snapshot,
    records: types.reduce((sum, { count }) => sum + count, 0),
    unlinked,
    incompleteScopes: scopes.filter(({ complete }) => !complete).length,
    setAside: counters.total(),
    hidden: counters.hiddenTotal(),
  };
}

interface SealContext {
  readonly dataset: RunMessages['shape']['dataset'];
  readonly links: Links;
  readonly assigned: ReadonlyMap<string, string>;
  readonly inScope: ReadonlyMap<string, ReadonlySet<string>>;
  readonly counters: SetAside;
  readonly salts: SaltProposals;
  readonly digests: FieldDigests | null;
  readonly claims: ResealClaims | null;
  /** The row filter of the type; null where every row is exposed. */
  readonly isExposed: ((object: NativeObject) => boolean) | null;
}

async function sealType(
  context: AuthorityContext,
  inputs: RunInputs,
  type: DatasetType,
  { dataset, links, assigned, inScope, counters, salts, digests, claims, isExposed }: SealContext,
): Promise<{ sealed: SealedType; matches: SealedType | undefined; unlinked: number } | undefined> {
  const name = type.taxonomy.type;
  const map = mapOf(context.federation, context.id, name);
  const surface = surfaceOf(authorityOf(context), name);
  if (!map || !surface || !type.held[context.id]) return undefined;
  const expectedCount = inScope.get(map.native)?.size ?? 0;
  const sealer = createSealer({
    store: context.exchange,
    prefix: context.id,
    type: name,
    groups: groupsHeldBy(type.groups, context.id),
    expectedCount,
  });
  const matches = createMatchSeal({
    store: context.exchange,
    authority: context.id,
    dataset,
    type,
    digests,
    expectedCount,
  });
  const claimed = claims?.beginType(type, expectedCount);
  // A list that changes while it is paged may show an object twice: the later sight counts.
  const latest = await latestPositions(context, inputs, map.native);
  let unlinked = 0;
  try {
    let position = 0;
    for await (const object of objectsOf(context, inputs, map.native)) {
      position += 1;
      if (position % 2_000 === 0) context.heartbeat({ translated: position });
      if (latest.get(object.id) !== position) continue;
      const key = keyInRun(links, assigned, name, object.id);
      if (isExposed && !isExposed(object)) {
        counters.hidden(name);
        // HAZARD: peers know this record. Left out, it would look deleted; so it is there, and says nothing.
        if (isProvisional(key)) continue;
        sealer.add({ type: name, key, fields: {} });
        await salts.add(name, key);
        continue;
      }
      const translation = translate({
        object,
        map,
        taxonomy: type.taxonomy,
        surface: exposedFields(surface),
        key,
        resolve: (referenced, nativeId) => {
          const referencedMap = mapOf(context.federation, context.id, referenced);
          return referencedMap && inScope.get(referencedMap.native)?.has(nativeId)
            ? keyInRun(links, assigned, referenced, nativeId)
            : null;
        },
      });
      if (translation.kind !== 'record') {
        counters.untranslatable(name, translation.field, translation.reason);
        continue;
      }
      if (isProvisional(key)) unlinked += 1;
      for (const property of translation.unmapped) counters.unmapped(name, property);
      if (!translation.roundTrips) counters.lossy(name);
      sealer.add(sealedRecord(digests, type, translation.record));
      matches?.add(key, translation.record.fields);
      claimed?.add(translation.record);
      await salts.add(name, key);
    }
    await claimed?.finish();
    return { sealed: await sealer.finish(), matches: await matches?.finish(), unlinked };
  } finally {
    claimed?.discard();
    sealer.discard();
    matches?.discard();
  }
}

async function* objectsOf(context: AuthorityContext, inputs: RunInputs, native: string): AsyncIterable<NativeObject> {
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'objects') continue;
    for (const object of item.objects) if (object.type === native) yield object;
  }
}

async function latestPositions(
  context: AuthorityContext,
  inputs: RunInputs,
  native: string,
): Promise<ReadonlyMap<string, number>> {
  const positions = new Map<string, number>();
  let position = 0;
  for await (const object of objectsOf(context, inputs, native)) positions.set(object.id, (position += 1));
  return positions;
}

async function idsInScope(
  context: AuthorityContext,
  inputs: RunInputs,
  isUnknown: (object: NativeObject) => boolean,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ids = new Map<string, Set<string>>();
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'objects') continue;
    for (const object of item.objects)
      if (!isUnknown(object)) ids.set(object.type, (ids.get(object.type) ?? new Set<string>()).add(object.id));
  }
  return ids;
}

async function scopesOf(
  context: AuthorityContext,
  inputs: RunInputs,
  type: DatasetType,
  sealed: SealedType,
  messages: RunMessages,
  counters: SetAside,
  links: Links,
): Promise<readonly ScopeReport[]> {
  const name = type.taxonomy.type;
  const native = mapOf(context.federation, context.id, name)?.native;
  const scopes: ScopeReport[] = [];
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'scopeEnd' || item.nativeType !== native) continue;
    // Of a scope that names a native object only its keyed digest leaves this authority.
    const [collection = '', nativeId, ...rest] = item.scope.split('/');
    const scope =
      nativeId === undefined
        ? item.scope
        : `${collection}/${links.provisionalKeyOf(name, nativeId).slice(1, 13)}/${rest.join('/')}`;
    scopes.push({
      scope,
      type: name,
      complete: item.complete,
      reason: item.complete ? null : (item.reason ?? 'unexpectedAnswer'),
    });
  }
  if (scopes.length === 0) scopes.push({ scope: name, type: name, complete: false, reason: 'unexpectedAnswer' });
  if (counters.hasUntranslatable(name))
    scopes.push({ scope: `${name}/untranslatable`, type: name, complete: false, reason: 'valueNotRepresentable' });
  const baseCount = messages.base?.types.find((one) => one.type === name)?.count ?? 0;
  if (sealed.count === 0 && baseCount > 0)
    scopes.push({ scope: name, type: name, complete: false, reason: 'emptyWhereBaseWasNot' });
  return scopes.sort((a, b) => byCodeUnit(a.scope, b.scope));
}
