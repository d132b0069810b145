/**
 * The authority's snapshot: native pages translated, filtered by the surface, sealed under a digest and signed.
 *
 * HAZARD: what could not be read or translated must never look deleted. It makes the scope of its type incomplete, is
 * counted, and no deletion follows.
 */
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { snapshotType, SnapshotStatement, type ScopeReport, type RunInputs } from '../../core/messages.js';
import { heldAtBase } from '../../core/next-base.js';
import { Correlation } from '../../core/correlate.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { sealedRoot, type SealedType } from '../../core/sealed.js';
import { digestOf, type Digest } from '../../core/digest.js';
import type { SnapshotResult, TranslateInput } from '../../workflows/contract.js';
import { getDocument, getMessage, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { referredTypes } from '../../core/federation/taxonomy.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { loadLinks, type Links } from '../links.js';
import { ownTable } from '../lineage/run-hops.js';
import { SaltProposals } from '../lineage/salts.js';
import { readOpens, type RunMessages } from '../run-messages.js';
import { recomputeCorrelation } from '../recompute.js';
import { digestsOfRun } from './digest-key.js';
import { watchedBy, type AuthorityContext } from './context.js';
import { Effects } from './effects/effects.js';
import { requireLive } from './live-run.js';
import { logObserver, observePeers } from './log-observer.js';
import { NaturalKeys } from './natural-keys.js';
import { OpaqueSeen } from './opaque.js';
import { beginReseal } from './reseal-claims.js';
import { readPagesOnce, readRecord, readTally, storedPages } from './pages.js';
import { IncrementSeals } from './increments/seals.js';
import { readAll, readOne } from '../sealing/read-records.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { SchemaSeen } from './schema-seen.js';
import { sealType, type SealedHere } from './seal-type.js';
import { settleByRead, type WhatIsShown } from './unsettled.js';
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
  const record = await readRecord(context, inputs.dataset, inputs.run);
  if (record)
    return {
      objects: Object.values(record.plan.types).reduce((sum, read) => sum + read.objects, 0),
      incompleteScopes: record.ends.filter(({ complete }) => !complete).length,
    };
  const { objects, ends } = await readTally(context, inputs.dataset, inputs.run);
  return {
    objects: Object.values(objects).reduce((sum, count) => sum + count, 0),
    incompleteScopes: ends.filter(({ complete }) => !complete).length,
  };
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
  const { messages, snapshots, correlation } = await recomputeCorrelation(
    context.federation,
    context.exchange,
    inputs,
    watchedBy(context),
  );
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
  const effects = await Effects.of(
    context,
    inputs,
    shape.types.map(({ taxonomy }) => taxonomy.type),
  );
  const mayTouch = digests === null && effects === null;
  const increments = await IncrementSeals.load(context, inputs, shape.types, mayTouch);
  const isUnknown = (object: NativeObject): boolean =>
    shape.types.some(({ taxonomy: { type } }) => {
      const filter = filters.get(type);
      return (
        filter !== undefined &&
        filter !== null &&
        mapOf(context.federation, context.id, type)?.native === object.type &&
        isProvisional(keyInRun(links, assigned, type, object.id)) &&
        !filter(object)
      );
    });
  const tally = await readTally(context, inputs.dataset, inputs.run);
  // Of types that nothing refers to, nobody asks which objects there are.
  const isReferredTo = referredToIn(shape.types, effects !== null);
  const nativesAskedFor = new Set(
    shape.types.flatMap(({ taxonomy: { type } }) =>
      isReferredTo(type) ? (mapOf(context.federation, context.id, type)?.native ?? []) : [],
    ),
  );
  // Of other types with a natural key only what is hidden or opaque is known by its link, and the pass asks for that by itself.
  for (const { taxonomy } of shape.types) {
    const isAsked = nativesAskedFor.has(mapOf(context.federation, context.id, taxonomy.type)?.native ?? '');
    if (taxonomy.key === undefined || (isAsked && filters.get(taxonomy.type))) await links.readWhole(taxonomy.type);
  }
  const inScope =
    nativesAskedFor.size === 0
      ? new Map<string, ReadonlySet<string>>()
      : await idsInScope(context, inputs, nativesAskedFor, isUnknown);
  const naturals = new NaturalKeys(links);
  const opaque = await OpaqueSeen.load(context, inputs.dataset);
  const resolve = (referenced: string, nativeId: string): string | null => {
    const map = mapOf(context.federation, context.id, referenced);
    if (!map || !shape.types.some(({ taxonomy }) => taxonomy.type === referenced)) return null;
    // Else it would look as if there were no such object.
    if (!isReferredTo(referenced)) throw new Error(`nothing refers to ${referenced}, and it is asked for`);
    if (naturals.has(referenced)) return naturals.keyOf(referenced, nativeId) ?? null;
    return inScope.get(map.native)?.has(nativeId) ? keyInRun(links, assigned, referenced, nativeId) : null;
  };
  const types: SealedType[] = [];
  const matches: SealedType[] = [];
  const scopes: ScopeReport[] = [];
  let unlinked = 0;
  const schema = await SchemaSeen.load(context, inputs.dataset, heldAtBase(messages.base, shape), tally.ends);
  const claims = await beginReseal(context, messages, digests?.keyId ?? null);
  try {
    for (const type of shape.types) {
      const sealed = await sealType(context, inputs, type, {
        dataset: shape.dataset,
        links,
        keyOf: (name, nativeId) => keyInRun(links, assigned, name, nativeId),
        naturals,
        resolve,
        isIncomplete: (referenced) => scopes.some((scope) => scope.type === referenced && !scope.complete),
        isReferredTo,
        expectedCount: (native) => tally.objects[native] ?? 0,
        counters,
        opaque,
        effects,
        salts,
        digests,
        claims,
        schema,
        increments,
        isExposed: filters.get(type.taxonomy.type) ?? null,
      });
      if (!sealed) continue;
      unlinked += sealed.unlinked;
      types.push(sealed.sealed);
      if (sealed.matches) matches.push(sealed.matches);
      scopes.push(...scopesOf(context, tally.ends, type, sealed, messages, counters, links));
    }
  } finally {
    await claims?.end();
  }
  const unsettled = await settleByRead(context, inputs, shownBy(context, types, scopes));
  await salts.goOnFrom(context.exchange, context.id, increments?.saltsBefore ?? null);
  const proposed = await salts.put(context.exchange, context.id);
  const drifts = (await schema?.put(inputs.dataset, inputs.run)) ?? [];
  const natives = new Map(
    types.flatMap(({ type }) => {
      const map = mapOf(context.federation, context.id, type);
      return map ? [[type, map.native] as const] : [];
    }),
  );
  const reads = (await increments?.finish(natives, proposed)) ?? [];
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
    salts: proposed,
    reseals: claims?.statements() ?? [],
    scopes,
    ...counters.report(),
    opaque: await opaque.put(context, inputs.dataset, inputs.run),
    ...(unsettled.length > 0 ? { unsettled: [...unsettled] } : {}),
    ...(drifts.length > 0 ? { drifts: [...drifts] } : {}),
    ...(reads.length > 0 ? { reads: [...reads] } : {}),
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

/** What this read shows of a record: one that an incomplete list does not show is not gone. */
function shownBy(context: AuthorityContext, types: readonly SealedType[], scopes: readonly ScopeReport[]): WhatIsShown {
  const reader = createSegmentReader({ store: context.exchange, prefixes: [context.id] });
  const sealedOf = (type: string): SealedType | undefined => types.find((one) => one.type === type);
  return {
    one: async (type, key) => {
      const sealed = sealedOf(type);
      const found = sealed && (await readOne(sealed, key, reader));
      if (found) return found.fields;
      return scopes.some((scope) => scope.type === type && !scope.complete) ? 'unread' : null;
    },
    all: async function* (type) {
      const sealed = sealedOf(type);
      if (sealed) yield* readAll(sealed, reader);
    },
  };
}

async function idsInScope(
  context: AuthorityContext,
  inputs: RunInputs,
  natives: ReadonlySet<string>,
  isUnknown: (object: NativeObject) => boolean,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ids = new Map<string, Set<string>>();
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'objects') continue;
    for (const object of item.objects)
      if (natives.has(object.type) && !isUnknown(object))
        ids.set(object.type, (ids.get(object.type) ?? new Set<string>()).add(object.id));
  }
  return ids;
}

/** Whether records of a type may be asked for by native id. What is worked out of effects may name any. */
function referredToIn(types: readonly DatasetType[], hasEffects: boolean): (type: string) => boolean {
  const referred = new Set(
    types.flatMap(({ taxonomy }) => Object.values(taxonomy.fields).flatMap((kind) => referredTypes(kind))),
  );
  return (type) => hasEffects || referred.has(type);
}

function scopesOf(
  context: AuthorityContext,
  ends: Awaited<ReturnType<typeof readTally>>['ends'],
  type: DatasetType,
  { sealed, doubts }: SealedHere,
  messages: RunMessages,
  counters: SetAside,
  links: Links,
): readonly ScopeReport[] {
  const name = type.taxonomy.type;
  const native = mapOf(context.federation, context.id, name)?.native;
  const scopes: ScopeReport[] = [];
  for (const item of ends) {
    if (item.nativeType !== native) continue;
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
  for (const { scope, reason } of doubts)
    scopes.push({ scope: `${name}/${scope}`, type: name, complete: false, reason });
  const baseCount = messages.base?.types.find((one) => one.type === name)?.count ?? 0;
  if (sealed.count === 0 && baseCount > 0)
    scopes.push({ scope: name, type: name, complete: false, reason: 'emptyWhereBaseWasNot' });
  return scopes.sort((a, b) => byCodeUnit(a.scope, b.scope));
}
