/** A plan of any size in counts and samples, in one pass over its bytes; and its parts again, one by one, where all of them are wanted. */
import { z } from 'zod';
import { documentParts, parsePart, partsAt, type DocumentPlaces } from '../../activities/documents/document-parts.js';
import type { ObjectStore } from '../../activities/store.js';
import { Case } from '../../core/correlation-cases.js';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { IgnoredRecord } from '../../core/ignored.js';
import { NewVersion } from '../../core/new-versions.js';
import { Operation } from '../../core/operation.js';
import { Conflict, Divergence, IncompleteScope, planAlgorithm } from '../../core/plan.js';
import { AuthorityId } from '../../core/record.js';
import { PlanCensus, type Census } from '../../core/report/plan-census.js';
import { isAccepted } from '../../core/acceptance.js';
import { planRef } from './documents.js';

/** Lists that people made are shown whole up to this length; beyond it they are counted. */
export const listMax = 10_000;
const samplesOfEach = 5;

export interface PlanSamples {
  readonly operations: readonly Operation[];
  readonly divergences: readonly Divergence[];
}

export interface PlanReport {
  readonly digest: Digest;
  readonly dataset: string;
  readonly base: Digest | null;
  readonly census: Census;
  /** The first of each authority, and of each kind: to see what the counts are about. */
  readonly samples: PlanSamples;
  /** Divergences that somebody accepted, wholly or in part; the first ten thousand. */
  readonly accepted: readonly Divergence[];
  readonly ignored: readonly IgnoredRecord[];
  readonly cases: readonly Case[];
  readonly incomplete: readonly IncompleteScope[];
  /** Types and maps that are new since the last agreement. */
  readonly newVersions: readonly NewVersion[];
  /** Members that take no part. */
  readonly absent: readonly AuthorityId[];
  /** Those that were asked for by their ids. */
  readonly operations: ReadonlyMap<Digest, Operation>;
  readonly places: DocumentPlaces;
}

const schemas = {
  operations: Operation,
  divergences: Divergence,
  conflicts: Conflict,
  cases: Case,
  ignored: IgnoredRecord,
  incomplete: IncompleteScope,
  newVersions: NewVersion,
  absent: AuthorityId,
} as const;
type ListName = keyof typeof schemas;

const heads = { algorithm: z.literal(planAlgorithm), dataset: z.string(), base: Digest.nullable() } as const;

/** Throws notFound where the store of this machine does not hold it, inputNotAuthentic where it is not what its digest names. */
export async function readPlanReport(
  exchange: ObjectStore,
  digest: Digest,
  wanted: ReadonlySet<Digest> = new Set(),
): Promise<PlanReport> {
  const ref = await planRef(exchange, digest);
  const census = new PlanCensus();
  const accepted: Divergence[] = [];
  const ignored: IgnoredRecord[] = [];
  const cases: Case[] = [];
  const incomplete: IncompleteScope[] = [];
  const newVersions: NewVersion[] = [];
  const absent: AuthorityId[] = [];
  const operations = new Map<Digest, Operation>();
  const samples = new Samples();
  const head = new Map<string, unknown>();
  const keep = (operation: Operation): void => {
    if (wanted.has(operation.id)) operations.set(operation.id, operation);
  };
  const take: { readonly [Name in ListName]: (part: z.infer<(typeof schemas)[Name]>) => void } = {
    operations: (operation) => {
      census.addOperation(operation);
      samples.addOperation(operation);
      keep(operation);
    },
    divergences: (divergence) => {
      census.addDivergence(divergence);
      samples.addDivergence(divergence);
      if (divergence.accepted.length > 0) put(accepted, divergence);
    },
    conflicts: ({ candidates }) => {
      census.addConflict();
      for (const candidate of candidates) candidate.operations.forEach(keep);
    },
    cases: (one) => put(cases, one),
    ignored: (one) => put(ignored, one),
    incomplete: (one) => put(incomplete, one),
    newVersions: (one) => put(newVersions, one),
    absent: (one) => put(absent, one),
  };
  const parts = documentParts(
    exchange,
    ref,
    (member) => Object.hasOwn(schemas, member) || Object.hasOwn(heads, member),
  );
  for (;;) {
    const step = await parts.next();
    if (step.done) {
      const { algorithm, dataset, base } = z
        .object(heads)
        .catch(() => {
          throw otherShape(ref.ref);
        })
        .parse(Object.fromEntries(head));
      void algorithm;
      return {
        digest,
        dataset,
        base,
        census: census.result(),
        samples: samples.all(),
        accepted,
        ignored,
        cases,
        incomplete,
        newVersions,
        absent,
        operations,
        places: step.value,
      };
    }
    for (const { member, text, isElement } of step.value) {
      if (Object.hasOwn(heads, member)) head.set(member, parsePart(text));
      else if (!isElement) {
        if (text !== '[]') throw otherShape(ref.ref);
      } else {
        const name = member as ListName;
        (take[name] as (part: unknown) => void)(parsed(schemas[name], text, ref.ref));
      }
    }
  }
}

/** The parts of one list of a plan that was read before, in their order. */
export async function* planList<Name extends 'operations' | 'divergences' | 'conflicts'>(
  exchange: ObjectStore,
  { digest, places }: Pick<PlanReport, 'digest' | 'places'>,
  name: Name,
): AsyncGenerator<readonly { readonly text: string; readonly part: () => z.infer<(typeof schemas)[Name]> }[]> {
  const ref = await planRef(exchange, digest);
  const place = places.members.get(name);
  if (!place) return;
  const schema: z.ZodType = schemas[name];
  for await (const texts of partsAt(exchange, ref, place))
    yield texts.map((text) => ({ text, part: () => parsed(schema, text, ref.ref) as z.infer<(typeof schemas)[Name]> }));
}

/** Ids of what a plan of any size asks of an authority. */
export async function askedIds(
  exchange: ObjectStore,
  digest: Digest,
  authority: AuthorityId,
): Promise<ReadonlySet<Digest>> {
  const ref = await planRef(exchange, digest);
  const ids = new Set<Digest>();
  const asking = ['operations', 'conflicts', 'newVersions'];
  for await (const parts of documentParts(exchange, ref, (name) => asking.includes(name)))
    for (const { member, text, isElement } of parts) {
      if (member === 'newVersions') {
        const version = isElement ? parsed(NewVersion, text, ref.ref) : null;
        if (version?.asked.includes(authority) === true) ids.add(version.id);
        continue;
      }
      // Most parts of a large plan are of others.
      if (!isElement || !text.includes(`"authority":${JSON.stringify(authority)}`)) continue;
      if (member === 'operations') {
        const operation = parsed(Operation, text, ref.ref);
        if (operation.authority === authority) ids.add(operation.id);
      } else ids.add(parsed(Conflict, text, ref.ref).id);
    }
  return ids;
}

/** The open cases of a plan of any size. */
export async function casesOf(exchange: ObjectStore, digest: Digest): Promise<readonly Case[]> {
  const ref = await planRef(exchange, digest);
  const cases: Case[] = [];
  for await (const parts of documentParts(exchange, ref, (name) => name === 'cases'))
    for (const { text, isElement } of parts) if (isElement) cases.push(parsed(Case, text, ref.ref));
  return cases;
}

function parsed<Schema extends z.ZodType>(schema: Schema, text: string, ref: string): z.infer<Schema> {
  const found = schema.safeParse(parsePart(text));
  if (!found.success) throw otherShape(ref);
  return found.data;
}

function otherShape(ref: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `${ref} has another shape than this version knows`);
}

function put<Part>(list: Part[], part: Part): void {
  if (list.length < listMax) list.push(part);
}

/** The first few operations of each authority, and divergences of each kind that nobody accepted. */
export class Samples {
  readonly #operations = new Map<string, Operation[]>();
  readonly #divergences = new Map<string, Divergence[]>();

  addOperation(operation: Operation): void {
    keepFew(this.#operations, operation.authority, operation);
  }

  addDivergence(divergence: Divergence): void {
    if (!isAccepted(divergence)) keepFew(this.#divergences, divergence.kind, divergence);
  }

  all(): PlanSamples {
    return { operations: [...this.#operations.values()].flat(), divergences: [...this.#divergences.values()].flat() };
  }
}

function keepFew<Part>(of: Map<string, Part[]>, sort: string, part: Part): void {
  const known = of.get(sort);
  if (!known) of.set(sort, [part]);
  else if (known.length < samplesOfEach) known.push(part);
}
