/**
 * What an authority keeps between two runs of what it read: where its native objects lie, from where their changes are
 * told next, and what its last seal was made of. All in its private store, and nothing in it that a full read does not
 * make anew: whatever is missing or does not fit ends in a full read.
 *
 * A run may seal twice, and an attempt may be repeated: both start again from the state before that run.
 */
import { z } from 'zod';
import { Digest } from '../../../core/digest.js';
import { NativeShape } from '../../../core/drift/native-shape.js';
import { ConcordatError } from '../../../core/errors.js';
import { SealedType } from '../../../core/sealed.js';
import { segmentName } from '../../sealing/segment-reader.js';
import type { AuthorityContext } from '../context.js';
import { ownWritesFolder } from './own-writes.js';

const Count = z.int().nonnegative();

/** The pages of one full read, and the changes that came over them, oldest first. */
export const NativeState = z.strictObject({
  full: Digest,
  /** Objects of the full read. */
  count: Count,
  layers: z.array(Digest),
  /** Objects that the layers name. */
  changed: Count,
  /** Runs since the full read. */
  runs: Count,
  /** Empty where the store tells no changes. */
  cursor: z.string(),
  /** False from a missed change on, until a full read proves that the changes between missed nothing. */
  isTrusted: z.boolean(),
  /** What the full read called its scopes; each was read to its end. */
  scopes: z.array(z.string()).optional(),
  /** What the store said of its columns then. */
  declares: z.record(z.string(), z.string()).optional(),
  /** An object is there that neither the full read nor the changes told. */
  isDoubtful: z.literal(true).optional(),
});
export type NativeState = z.infer<typeof NativeState>;

/** Objects that stand in the last seal as they are, and count for nothing but these. */
export const Tally = z.strictObject({ unmapped: z.record(z.string(), Count), lossy: Count });
export type Tally = z.infer<typeof Tally>;

export const SealState = z.strictObject({
  /** Of everything but the objects that the seal is made from: maps, surface, what is held, and the algorithm. */
  fingerprint: Digest,
  sealed: SealedType,
  /**
   * Which native object stands under which key, as of the last whole seal; sealed like records, in the private store. Null
   * where every run reads all: then the pages of the read before tell what an object was.
   */
  ledger: SealedType.nullable(),
  /** Changes of the ledger since, oldest first: objects of the private store. */
  ledgerLayers: z.array(z.string()),
  /** Objects that do not simply stand in the seal; looked at in every run. An object of the private store. */
  apart: z.string(),
  /** Of objects of the pages, where those tell which one stands under which key (line-keys.ts). An object of the private store. */
  lineKeys: z.string().optional(),
  tally: Tally,
  /** As of the last whole seal, and how many objects changed since: a shape is only counted over all of them. */
  shape: NativeShape.nullable(),
  changed: Count,
});
export type SealState = z.infer<typeof SealState>;

export const IncrementState = z.strictObject({
  /** By native type. */
  natives: z.record(z.string(), NativeState),
  /** By federated type. */
  seals: z.record(z.string(), SealState),
  /** Of the salts that the last snapshot proposed. */
  salts: Digest.nullable(),
  /** Own writes that the run read (own-writes.ts): they need not be read by key again. */
  written: z.array(z.string()).optional(),
});
export type IncrementState = z.infer<typeof IncrementState>;

const StateHead = z.strictObject({ current: Digest, before: Digest.nullable() });

/** Under the pages, so that an erasure takes it along with them. */
const stateName = (dataset: string, run: Digest): string => `pages/${dataset}/${run}/state`;
export const ledgerPrefix = (dataset: string): string => `pages/${dataset}/ledger`;
const headName = (dataset: string): string => `increments/${dataset}`;

export interface StateBefore {
  readonly run: Digest;
  readonly state: IncrementState;
}

/** As of the run before this one; null where there is none, or it is gone. */
export async function stateBefore(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
): Promise<StateBefore | null> {
  const head = await readHead(context, dataset);
  const known = head && (head.current === run ? head.before : head.current);
  if (!known) return null;
  const state = await stateOf(context, dataset, known);
  return state && { run: known, state };
}

/** What the run sealed; null where it has not, or nothing can be gone on from. */
export async function stateOf(context: AuthorityContext, dataset: string, run: Digest): Promise<IncrementState | null> {
  const bytes = await context.privateStore.get(stateName(dataset, run));
  return (bytes && IncrementState.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data) ?? null;
}

async function readHead(
  context: AuthorityContext,
  dataset: string,
): Promise<(z.infer<typeof StateHead> & { version: number }) | null> {
  const found = await context.privateStore.readHead(headName(dataset));
  if (!found) return null;
  return { ...StateHead.parse(JSON.parse(new TextDecoder().decode(found.bytes))), version: found.version };
}

/** From here on the next run goes on from this one. Durable before it returns. */
export async function keepState(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  state: IncrementState,
): Promise<void> {
  await putAnew(context, stateName(dataset, run), state);
  const head = await readHead(context, dataset);
  if (head?.current === run) return;
  const bytes = new TextEncoder().encode(JSON.stringify({ current: run, before: head?.current ?? null }));
  if (!(await context.privateStore.compareAndSetHead(headName(dataset), head?.version ?? 0, bytes)))
    throw new ConcordatError('storeFault', `another worker of this authority seals ${dataset} at this moment`);
}

/** Whether an object under the pages of the dataset is one that this run or a repetition of the one before builds on. */
export async function neededLater(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
): Promise<(name: string) => boolean> {
  const head = await readHead(context, dataset);
  const folders = new Set<string>();
  const names = new Set<string>();
  for (const known of [head?.current, head?.before]) {
    if (!known) continue;
    names.add(stateName(dataset, known));
    const state = await stateOf(context, dataset, known);
    if (!state) continue;
    for (const { full, layers } of Object.values(state.natives)) for (const one of [full, ...layers]) folders.add(one);
    for (const { ledger, ledgerLayers, apart, lineKeys } of Object.values(state.seals)) {
      for (const name of [apart, ...ledgerLayers, ...(lineKeys === undefined ? [] : [lineKeys])]) names.add(name);
      for (const { body, keys, groups, offsets } of ledger?.segments ?? [])
        for (const digest of [body, keys, offsets, ...groups]) names.add(segmentName(ledgerPrefix(dataset), digest));
    }
  }
  folders.add(run).add(ownWritesFolder);
  return (name) => names.has(name) || folders.has(name.split('/')[2] ?? '');
}

/** All cursors that any dataset may still ask from. */
export async function cursorsKept(context: AuthorityContext): Promise<readonly string[]> {
  const cursors: string[] = [];
  for (const dataset of Object.keys(context.federation.datasets)) {
    const head = await readHead(context, dataset);
    const state = head && (await stateOf(context, dataset, head.current));
    if (state) cursors.push(...Object.values(state.natives).map(({ cursor }) => cursor));
  }
  return cursors;
}

export async function putAnew(context: AuthorityContext, name: string, value: unknown): Promise<void> {
  await context.privateStore.remove(name);
  await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(value)));
}
