/** The other side of a walk: not what differs, but what all members hold alike and the base does not have yet. */
import type { Fields } from '../../core/record.js';
import { openBodies, type OpenBody } from './body.js';
import { notAuthentic, type SegmentColumns } from './segment-columns.js';
import { walkSteps, type Unanimous, type WalkOptions } from './walk-differing.js';

export interface UnanimousWalk extends WalkOptions {
  readonly unanimous: Unanimous;
}

export interface Entries {
  readonly from: number;
  /** The first that is none of them. */
  readonly to: number;
}

/** The same records in the seals of several participants. */
export interface UnanimousEntries {
  /** Of each participant that was asked for; they load what is needed. */
  readonly columns: readonly SegmentColumns[];
  /** Per participant, ascending within its segment and over all calls, and of one length at one place. */
  readonly stretches: readonly (readonly Entries[])[];
}

const opensAtOnce = 2_048;

/**
 * What walkDiffering passes over under the same options, in order. Both take the very same steps, so each record is in
 * one of the two and none is in both.
 */
export async function* walkUnanimous(
  options: UnanimousWalk,
  participants: readonly string[],
): AsyncGenerator<UnanimousEntries> {
  for await (const step of walkSteps(options)) {
    if (step.kind !== 'unanimous') continue;
    const indexes = participants.map((id) => step.comparison.participants.findIndex((one) => one.id === id));
    yield {
      columns: indexes.flatMap((index) => step.cursors[index]?.columns ?? []),
      stretches: indexes.map((index) =>
        step.stretches.map(({ starts, count }) => ({ from: starts[index] ?? 0, to: (starts[index] ?? 0) + count })),
      ),
    };
  }
}

/** The records themselves, each put together from those of several participants. Every body is held to its index entry. */
export async function* unanimousRecords(
  options: UnanimousWalk,
  participants: readonly string[],
): AsyncGenerator<readonly OpenBody[]> {
  for await (const { columns, stretches } of walkUnanimous(options, participants)) {
    for (const own of columns) await own.loadAll();
    const chunks = stretches.map((own) => [...chunksOf(own)]);
    for (let at = 0; at < (chunks[0]?.length ?? 0); at += 1) {
      const opened: (readonly OpenBody[])[] = [];
      for (const [index, own] of columns.entries())
        opened.push(await openBodies(own, chunks[index]?.[at] ?? [], options.reader));
      yield joined(opened);
    }
  }
}

function* chunksOf(stretches: readonly Entries[]): Generator<readonly number[]> {
  let chunk: number[] = [];
  for (const { from, to } of stretches)
    for (let entry = from; entry < to; entry += 1) {
      chunk.push(entry);
      if (chunk.length < opensAtOnce) continue;
      yield chunk;
      chunk = [];
    }
  if (chunk.length > 0) yield chunk;
}

function joined(opened: readonly (readonly OpenBody[])[]): readonly OpenBody[] {
  const [first = [], ...others] = opened;
  if (others.length === 0) return first;
  return first.map(({ key, fields }, index) => {
    const all: Record<string, Fields[string]> = { ...fields };
    for (const other of others) {
      const body = other[index];
      if (body?.key !== key) throw notAuthentic('what has one digest has two keys');
      Object.assign(all, body.fields);
    }
    return { key, fields: all };
  });
}
