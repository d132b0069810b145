/**
 * A plan that is too large to be held whole: counted and sampled as it passes by, or written out part by part. What a filter
 * leaves out is not even parsed where its bytes already say so.
 */
import type { ObjectStore } from '../../activities/store.js';
import { quorumOf, trippedBy } from '../../core/brakes.js';
import { DigestList } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import type { SnapshotStatement } from '../../core/messages.js';
import type { Federation } from '../../core/federation/federation.js';
import { naturalKeyOf } from '../../core/natural-key.js';
import type { Operation } from '../../core/operation.js';
import type { Conflict, Divergence } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { PlanCensus, type Census } from '../../core/report/plan-census.js';
import type { ReviewSheet } from '../../activities/authority/review-sheet.js';
import { listMax, planList, Samples, type PlanReport, type PlanSamples } from './plan-report.js';
import {
  changesField,
  conflictMembers,
  isOfField,
  kindFilter,
  restOf,
  touchesOf,
  versionNumbersOf,
  versionsOf,
  type PlanFilter,
  type ShownPlan,
} from './plan-view.js';

/** Plans up to this many bytes are held whole, which shows names and native calls too: some fifty thousand operations. */
export const wholePlanBytesMax = 32 * 1024 * 1024;

export interface PlanPart {
  /** Counts of all that the filter lets through. */
  readonly census: Census;
  readonly unsettled: number;
  readonly samples: PlanSamples;
  /** The beginning of each list. */
  readonly operations: readonly Operation[];
  readonly divergences: readonly Divergence[];
  readonly conflicts: readonly Conflict[];
  readonly numbers: {
    readonly operations: ReadonlyMap<Digest, number>;
    readonly conflicts: ReadonlyMap<Digest, number>;
    readonly newVersions: ReadonlyMap<Digest, number>;
  };
}

interface Wanted {
  /** False where the bytes of a part already say that it is not wanted. */
  readonly bytes: (text: string) => boolean;
  readonly of: { readonly [Name in keyof Lists]: (part: Lists[Name]) => boolean };
}

/**
 * Here `key` is the beginning of a key, or all of a natural one: names would have to be read for each record. Divergences have
 * to pass by before the operations that would settle them.
 */
function wantedBy(federation: Pick<Federation, 'taxonomy'>, filter: PlanFilter): Wanted {
  const { key, field, type } = filter;
  const natural = new Set(
    Object.values(federation.taxonomy).flatMap((taxonomy) => {
      const [only, ...more] = taxonomy.key ?? [];
      if (key === undefined || only === undefined || more.length > 0) return [];
      const found = naturalKeyOf(taxonomy, { [only]: key });
      return found.kind === 'key' ? [found.key] : [];
    }),
  );
  const keys = key === undefined ? [] : [key, ...natural].map((text) => `"key":${JSON.stringify(text).slice(0, -1)}`);
  const words = [
    ...(field === undefined ? [] : [`"field":${JSON.stringify(field)}`]),
    ...(type === undefined ? [] : [`"type":${JSON.stringify(type)}`]),
  ];
  // Of a million operations: 32 bytes each, and a place.
  const settling = new DigestList();
  const kind = kindFilter(filter.kind, settling);
  const touches = touchesOf(filter);
  const isRecord = (of: { readonly type: string; readonly key: string }): boolean =>
    (type === undefined || of.type === type) && (key === undefined || of.key.startsWith(key) || natural.has(of.key));
  return {
    bytes: (text) =>
      (keys.length === 0 || keys.some((word) => text.includes(word))) && words.every((word) => text.includes(word)),
    of: {
      conflicts: (conflict) =>
        kind.conflict(conflict) &&
        isRecord(conflict) &&
        isOfField(conflict, field) &&
        touches(conflictMembers(conflict)),
      divergences: (divergence) => {
        if (!kind.divergence(divergence)) return false;
        if (kind.settles) for (const id of divergence.operations) settling.push(id);
        return (
          isRecord(divergence) && isOfField(divergence, field) && touches([...divergence.because, ...divergence.at])
        );
      },
      operations: (operation) =>
        kind.operation(operation) &&
        isRecord(operation) &&
        changesField(operation, field) &&
        touches([operation.authority]),
    },
  };
}

interface Lists {
  readonly conflicts: Conflict;
  readonly divergences: Divergence;
  readonly operations: Operation;
}

/** In the order of the document: divergences say which operations would settle them, and come before them. */
const lists = ['conflicts', 'divergences', 'operations'] as const satisfies readonly (keyof Lists)[];

interface Match<Part> {
  readonly part: Part;
  /** Its place in the list of the whole plan, from 1. */
  readonly number: number;
  readonly text: string;
}

/** Those of one list that the filter lets through, a piece of the plan at a time. */
async function* matching<Name extends keyof Lists>(
  exchange: ObjectStore,
  report: PlanReport,
  wanted: Wanted,
  name: Name,
): AsyncGenerator<readonly Match<Lists[Name]>[]> {
  let number = 0;
  const isWanted = wanted.of[name] as (part: Lists[Name]) => boolean;
  for await (const texts of planList(exchange, report, name)) {
    const found: Match<Lists[Name]>[] = [];
    for (const { text, part } of texts) {
      number += 1;
      if (!wanted.bytes(text)) continue;
      const read = part() as Lists[Name];
      if (isWanted(read)) found.push({ part: read, number, text });
    }
    yield found;
  }
}

/** Counts of what the filter lets through, and the first of each. */
export async function partOf(
  exchange: ObjectStore,
  federation: Pick<Federation, 'taxonomy'>,
  report: PlanReport,
  filter: PlanFilter,
  samplesMax: number,
): Promise<PlanPart> {
  const census = new PlanCensus();
  const operations: Operation[] = [];
  const divergences: Divergence[] = [];
  const conflicts: Conflict[] = [];
  const numbers = {
    operations: new Map<Digest, number>(),
    conflicts: new Map<Digest, number>(),
    newVersions: versionNumbersOf(report),
  };
  const shown = new Map<AuthorityId, number>();
  const samples = new Samples();
  let unsettled = 0;
  const wanted = wantedBy(federation, filter);
  for await (const found of matching(exchange, report, wanted, 'conflicts'))
    for (const { part, number } of found) {
      census.addConflict();
      if (conflicts.length >= samplesMax) continue;
      conflicts.push(part);
      numbers.conflicts.set(part.id, number);
    }
  for await (const found of matching(exchange, report, wanted, 'divergences'))
    for (const { part } of found) {
      census.addDivergence(part);
      samples.addDivergence(part);
      if (part.operations.length > 0 || part.accepted.length > 0 || part.kind === 'conflict') continue;
      unsettled += 1;
      if (unsettled <= samplesMax) divergences.push(part);
    }
  for await (const found of matching(exchange, report, wanted, 'operations'))
    for (const { part, number } of found) {
      census.addOperation(part);
      samples.addOperation(part);
      const count = shown.get(part.authority) ?? 0;
      if (count >= samplesMax) continue;
      shown.set(part.authority, count + 1);
      operations.push(part);
      numbers.operations.set(part.id, number);
    }
  return { census: census.result(), unsettled, samples: samples.all(), operations, divergences, conflicts, numbers };
}

/** As much of a plan as can be shown: what planView takes. */
export function shownPlan(report: PlanReport, part: PlanPart, filter: PlanFilter): ShownPlan {
  const { operations, divergences, conflicts } = part;
  return {
    base: report.base,
    operations: [...operations],
    divergences: [...divergences],
    conflicts: [...conflicts],
    ...restOf({ cases: [...report.cases], incomplete: [...report.incomplete] }, filter),
    opaque: [],
    ...(report.ignored.length > 0 ? { ignored: [...report.ignored] } : {}),
    ...versionsOf(report, filter),
    absent: [...report.absent],
  };
}

/** Records of each type in each mesh, as they were read. */
export function heldBy(
  snapshots: Iterable<Pick<SnapshotStatement, 'authority' | 'types'>>,
): Readonly<Record<AuthorityId, Readonly<Record<string, number>>>> {
  return Object.fromEntries(
    [...snapshots].map(({ authority, types }) => [
      authority,
      Object.fromEntries(types.map(({ type, count }) => [type, count])),
    ]),
  );
}

/** What brakes say of the whole plan, from the terms that are here: the sheets of a plan of this size are not read. */
export function limitsOf(
  federation: Pick<Federation, 'authorities'>,
  census: Census,
  held: Readonly<Record<AuthorityId, Readonly<Record<string, number>>>>,
): Readonly<Record<AuthorityId, Pick<ReviewSheet, 'braked' | 'quorum'>>> {
  return Object.fromEntries(
    Object.entries(census.braking).flatMap(([id, counts]) => {
      const authority = federation.authorities[id];
      if (!authority) return [];
      const braked = [...trippedBy(authority, counts, held[id] ?? {})];
      return [[id, { braked, quorum: quorumOf(authority, braked.length > 0) }] as const];
    }),
  );
}

/**
 * One JSON document in pieces: as `planDocument` for a plan that is held whole, without names and native calls. `accepted` and
 * `counts` come last, because they are of what the filter lets through.
 */
export async function* planPieces(
  exchange: ObjectStore,
  federation: Pick<Federation, 'taxonomy'>,
  report: PlanReport,
  filter: PlanFilter,
  head: object,
): AsyncGenerator<string> {
  const rest = restOf({ cases: [...report.cases], incomplete: [...report.incomplete] }, filter);
  const { base, ignored } = report;
  yield JSON.stringify({ ...head, base, ignored, ...versionsOf(report, filter), ...rest }).slice(0, -1);
  const wanted = wantedBy(federation, filter);
  const accepted: Divergence[] = [];
  const census = new PlanCensus();
  const count: { readonly [Name in keyof Lists]: (part: Lists[Name]) => void } = {
    conflicts: () => census.addConflict(),
    divergences: (divergence) => {
      census.addDivergence(divergence);
      if (divergence.accepted.length > 0 && accepted.length < listMax) accepted.push(divergence);
    },
    operations: (operation) => census.addOperation(operation),
  };
  for (const name of lists) {
    const add = count[name] as (part: Lists[typeof name]) => void;
    yield `,"${name}":[`;
    let before = '\n';
    for await (const found of matching(exchange, report, wanted, name)) {
      if (found.length === 0) continue;
      for (const { part } of found) add(part);
      yield before + found.map(({ number, text }) => `${inFront(name, number)}${text.slice(1)}`).join(',\n');
      before = ',\n';
    }
    yield ']';
  }
  yield `,"accepted":${JSON.stringify(accepted)}`;
  yield `,"counts":${JSON.stringify(census.result())}}`;
}

/** What a part is given beside its own members, as far as it can be known without the whole. */
function inFront(name: keyof Lists, number: number): string {
  if (name === 'divergences') return '{';
  const more = name === 'operations' ? '"calls":null,"consequences":[],"refused":null,' : '';
  return `{"number":${number},"name":null,${more}`;
}
