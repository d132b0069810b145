/** What is measured, each in a process of its own: ours, the floor below it, and the plain way to do the same. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, digestOf } from '../../core/digest.js';
import { Dataset } from '../../core/federation/dataset.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import { makePlan } from '../../core/plan.js';
import type { FederatedRecord, Fields } from '../../core/record.js';
import { SealedType } from '../../core/sealed.js';
import { digestBytes, hashBytes, offsetBytes } from '../../activities/sealing/entry-buffer.js';
import { createSealer } from '../../activities/sealing/sealer.js';
import { createSegmentReader, segmentName } from '../../activities/sealing/segment-reader.js';
import { walkDiffering, type Differing } from '../../activities/sealing/walk-differing.js';
import { createFileStore } from '../../activities/store-files.js';
import { openStore } from '../../activities/store-location.js';
import { walkWide } from '../../activities/walking/walk-in-threads.js';
import { groups, participants, recordsOf, type ParticipantName, type World } from './data.js';

export interface Outcome {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakRssMb: number;
  /** Differing records where the engine compares, else what it handled. */
  readonly count: number;
  /** The same for every engine that compares, whatever its order. */
  readonly digest: string;
  /** What ours took from the store, of what is stored there for the three participants. */
  readonly bytesRead?: number;
  readonly bytesStored?: number;
}

const pieceBytes = 1024 * 1024;

export const engines = {
  generate: generateAll,
  seal: sealAll,
  rows: writeRows,
  parse: parseAll,
  read: readAll,
  walk: walkAll,
  walkInThreads: walkAllInThreads,
  plan: planAll,
  nothing: walkNothing,
  maps: compareMaps,
} satisfies Record<string, (folder: string, world: World) => Promise<Result>>;
export type EngineName = keyof typeof engines;

interface Result {
  readonly count: number;
  readonly differing: readonly Differing[];
  readonly bytesRead?: number;
  readonly bytesStored?: number;
}

export async function run(engine: EngineName, folder: string, world: World): Promise<Outcome> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const { count, differing, ...bytes } = await engines[engine](folder, world);
  const wallMs = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  const peakRssMb = process.resourceUsage().maxRSS / 1024;
  const digest = createHash('sha256').update(differing.map(lineOf).sort().join('\n')).digest('hex');
  return { wallMs, cpuMs: (cpu.user + cpu.system) / 1000, peakRssMb, count, digest, ...bytes };
}

/** What making the records of this bench costs: to be taken off `seal`. */
async function generateAll(_folder: string, world: World): Promise<Result> {
  let count = 0;
  for (const name of participants) for (const { key } of recordsOf(world, name)) count += key === '' ? 0 : 1;
  return await Promise.resolve({ count, differing: [] });
}

/** Includes making the records (`generate`). */
async function sealAll(folder: string, world: World): Promise<Result> {
  const store = createFileStore(folder);
  let count = 0;
  for (const name of participants) {
    const sealer = createSealer({ store, prefix: name, type: 'person', groups, expectedCount: world.count });
    for (const record of recordsOf(world, name)) sealer.add(record);
    const sealed = await sealer.finish();
    count += sealed.count;
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(sealed));
  }
  return { count, differing: [] };
}

/** For the rivals: JSON Lines for most of them, and the lines that COPY of PostgreSQL takes. No text here needs an escape. */
async function writeRows(folder: string, world: World): Promise<Result> {
  mkdirSync(join(folder, 'rows'));
  let count = 0;
  for (const name of participants) {
    const lines = createWriteStream(join(folder, 'rows', `${name}.jsonl`));
    const copied = createWriteStream(join(folder, 'rows', `${name}.tsv`));
    for (const { key, fields } of recordsOf(world, name)) {
      count += 1;
      const text = JSON.stringify(fields);
      lines.write(`{"key":"${key}","fields":${text}}\n`);
      copied.write(`${key}\t${text}\n`);
      for (const file of [lines, copied]) if (file.writableNeedDrain) await once(file, 'drain');
    }
    for (const file of [lines, copied]) await new Promise<void>((resolve) => file.end(resolve));
  }
  return { count, differing: [] };
}

function manifest(folder: string, name: ParticipantName): SealedType {
  return SealedType.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
}

async function* bodyPieces(folder: string, name: ParticipantName): AsyncGenerator<Uint8Array> {
  const store = createFileStore(folder);
  for (const { body, bodyBytes } of manifest(folder, name).segments)
    for (let start = 0; start < bodyBytes; start += pieceBytes)
      yield await store.getRange(segmentName(name, body), start, Math.min(pieceBytes, bodyBytes - start));
}

async function* bodyRecords(folder: string, name: ParticipantName): AsyncGenerator<readonly FederatedRecord[]> {
  let rest = '';
  for await (const piece of bodyPieces(folder, name)) {
    // All text of this data is ASCII, so a piece can be cut anywhere.
    const lines = (rest + Buffer.from(piece).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield lines.map((line) => JSON.parse(line.slice(17)) as FederatedRecord);
  }
}

async function readAll(folder: string): Promise<Result> {
  let count = 0;
  for (const name of participants) for await (const piece of bodyPieces(folder, name)) count += piece.length;
  return { count, differing: [] };
}

async function parseAll(folder: string): Promise<Result> {
  let count = 0;
  for (const name of participants) for await (const records of bodyRecords(folder, name)) count += records.length;
  return { count, differing: [] };
}

async function walkAll(folder: string): Promise<Result> {
  return await walk(folder, participants);
}

/** As a worker does: what several processors can do, they do. What its threads read is not counted here. */
async function walkAllInThreads(folder: string): Promise<Result> {
  const differing: Differing[] = [];
  const compared = participants.map((id) => ({ id, sealed: manifest(folder, id) }));
  const options = { participants: compared, groups, store: openStore(folder), prefixes: participants, recordsMin: 0 };
  for await (const record of walkWide(options)) differing.push(record);
  return { count: differing.length, differing };
}

/** What an authority does again before it asks and before it writes: the compare, the plan over what differs, its digest. */
async function planAll(folder: string): Promise<Result> {
  const found = await walk(folder, participants);
  const taxonomy: TaxonomyType = {
    type: 'person',
    fields: Object.fromEntries((groups[0]?.fields ?? []).map((field) => [field, kindOf(field)])),
  };
  const held = { left: groups[0]?.fields ?? [], right: groups[0]?.fields ?? [] };
  const plan = makePlan({
    shape: {
      dataset: {
        ...Dataset.parse({ dataset: 'bench', types: ['person'], members: ['left', 'right'] }),
        schedule: null,
      },
      members: ['left', 'right'],
      types: [{ taxonomy, held, absent: [], digests: [], groups }],
      absent: [],
      configuration: '0'.repeat(64),
    },
    base: '0'.repeat(64),
    standing: '0'.repeat(64),
    rejections: {},
    correlation: '0'.repeat(64),
    cases: [],
    held: [],
    incomplete: [],
    views: {
      person: found.differing.map(({ key, present }) => ({
        key,
        members: { left: present['left'], right: present['right'] },
        base: present['base'],
      })),
    },
    heldAtBase: { person: held },
  });
  if (digestOf(plan) === '' || plan.divergences.length === 0) throw new Error('the plan is empty');
  return found;
}

function kindOf(field: string): TaxonomyType['fields'][string] {
  if (field === 'active') return { kind: 'boolean', sensitivity: 'public' };
  if (field === 'roles' || field === 'teams') return { kind: 'set', of: 'text', sensitivity: 'public' };
  return { kind: 'text', equality: 'exact', sensitivity: 'public' };
}

/** Three participants with one seal: what a run costs when nothing changed. */
async function walkNothing(folder: string): Promise<Result> {
  return await walk(folder, ['base', 'base', 'base']);
}

async function walk(folder: string, sources: readonly ParticipantName[]): Promise<Result> {
  const store = createFileStore(folder);
  let bytesRead = 0;
  const tally = <Bytes extends Uint8Array | null>(bytes: Bytes): Bytes => {
    bytesRead += bytes?.length ?? 0;
    return bytes;
  };
  const [get, getRange] = [store.get.bind(store), store.getRange.bind(store)];
  store.get = async (name) => tally(await get(name));
  store.getRange = async (name, start, length) => tally(await getRange(name, start, length));
  const getInto = store.getInto?.bind(store);
  if (getInto)
    store.getInto = async (name, room) => {
      const length = await getInto(name, room);
      bytesRead += length ?? 0;
      return length;
    };
  const getRanges = store.getRanges?.bind(store);
  if (getRanges) store.getRanges = async (name, ranges) => (await getRanges(name, ranges)).map(tally);
  const reader = createSegmentReader({ store, prefixes: participants });
  const differing: Differing[] = [];
  const compared = sources.map((source, index) => ({
    id: participants[index] ?? source,
    sealed: manifest(folder, source),
  }));
  for await (const record of walkDiffering({ participants: compared, groups, reader })) differing.push(record);
  return { count: differing.length, differing, bytesRead, bytesStored: storedBytes(compared) };
}

/** Of all objects that the seals name, each once. */
function storedBytes(compared: readonly { readonly sealed: SealedType }[]): number {
  const sizes = new Map<string, number>();
  for (const { count, body, bodyBytes, keys, groups: columns, offsets } of compared.flatMap(
    ({ sealed }) => sealed.segments,
  )) {
    sizes
      .set(body, bodyBytes)
      .set(keys, count * hashBytes)
      .set(offsets, count * offsetBytes);
    for (const column of columns) sizes.set(column, count * digestBytes);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function compareMaps(folder: string): Promise<Result> {
  const maps = new Map<ParticipantName, Map<string, Fields>>();
  for (const name of participants) {
    const map = new Map<string, Fields>();
    for await (const records of bodyRecords(folder, name)) for (const { key, fields } of records) map.set(key, fields);
    maps.set(name, map);
  }
  const keys = new Set<string>();
  for (const map of maps.values()) for (const key of map.keys()) keys.add(key);
  const differing: Differing[] = [];
  for (const key of keys) {
    const present: Record<string, Fields | undefined> = {};
    for (const name of participants) present[name] = maps.get(name)?.get(key);
    const [first, ...others] = participants.map((name) => present[name]);
    if (others.some((other) => !sameFields(first, other))) differing.push({ key, present });
  }
  return { count: differing.length, differing };
}

function sameFields(left: Fields | undefined, right: Fields | undefined): boolean {
  if (!left || !right) return left === right;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const a = left[name];
      const b = right[name];
      return (
        a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => x === b[i]))
      );
    })
  );
}

function lineOf({ key, present }: Differing): string {
  return canonicalJson([key, ...participants.map((name) => present[name] ?? null)]);
}
