/** What is measured, each in a process of its own: the floor, and ours as far as each step. */
import { createHash } from 'node:crypto';
import { pagesIn, PageWriter } from '../../activities/authority/page-files.js';
import { createSealer } from '../../activities/sealing/sealer.js';
import { createFileStore } from '../../activities/store-files.js';
import { sealedRoot } from '../../core/sealed.js';
import type { Json } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { straightTranslation } from '../../core/straight-translation.js';
import { groups, type World } from '../compare/data.js';
import { map, nativePages, surface, taxonomy } from './native-pages.js';

export interface Outcome {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakRssMb: number;
  readonly count: number;
  /** Of what came out: the same from run to run. */
  readonly digest: string;
}

interface Result {
  readonly count: number;
  readonly digest: string;
}

export const engines = { generate, parse, translate: translateOnly, seal } satisfies Record<
  string,
  (folder: string, world: World) => Promise<Result>
>;
export type EngineName = keyof typeof engines;

export async function run(engine: EngineName, folder: string, world: World): Promise<Outcome> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const { count, digest } = await engines[engine](folder, world);
  const wallMs = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    wallMs,
    cpuMs: (cpu.user + cpu.system) / 1000,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
    count,
    digest,
  };
}

const prefix = 'floor/';
const kept = { dataset: 'people', run: 'a'.repeat(64) };

/** The same objects twice: a page a file for the floor, and as a read of the mesh leaves them. */
async function generate(folder: string, world: World): Promise<Result> {
  const store = createFileStore(folder);
  const writer = await PageWriter.behind(store, kept.dataset, kept.run, () => undefined);
  let pages = 0;
  for (const objects of nativePages(world)) {
    const page = { kind: 'objects', scope: 'users', objects, cursor: String(pages) } as const;
    await store.putIfAbsent(`${prefix}${String(pages).padStart(8, '0')}`, Buffer.from(JSON.stringify(page)));
    await writer.add(page);
    pages += 1;
  }
  await writer.end();
  return { count: pages, digest: '' };
}

/** As activities/authority/page-files.ts reads them. */
async function* keptPages(folder: string): AsyncGenerator<readonly NativeObject[]> {
  for await (const item of pagesIn(createFileStore(folder), kept.dataset, kept.run))
    if (item.kind === 'objects') yield item.objects;
}

/** Read and parsed a page at a time, and nothing else: this is the floor. */
async function* pages(folder: string): AsyncGenerator<readonly NativeObject[]> {
  const store = createFileStore(folder);
  for (const name of await store.list(prefix)) {
    const bytes = await store.get(name);
    if (bytes) yield (JSON.parse(new TextDecoder().decode(bytes)) as { objects: readonly NativeObject[] }).objects;
  }
}

async function parse(folder: string): Promise<Result> {
  let count = 0;
  for await (const objects of pages(folder)) count += objects.length;
  return { count, digest: '' };
}

const straight = straightTranslation(map, taxonomy, surface, map.native);
const values: (Json | undefined)[] = [];
const resolve = (): null => null;

/** As activities/authority/seal-pass.ts does: into `values`. */
function translated({ body }: NativeObject): number {
  if (straight.values(body, resolve, values)?.length !== 0)
    throw new Error('the map of this bench does not fit its objects');
  return 1;
}

async function translateOnly(folder: string): Promise<Result> {
  let count = 0;
  for await (const objects of keptPages(folder)) for (const object of objects) count += translated(object);
  return { count, digest: '' };
}

async function seal(folder: string, world: World): Promise<Result> {
  const store = createFileStore(folder);
  const sealer = createSealer({ store, prefix: 'left', type: 'person', groups, expectedCount: world.count });
  const add = sealer.adder(straight.names);
  for await (const objects of keptPages(folder))
    for (const object of objects) {
      translated(object);
      add(object.id, values);
    }
  const sealed = await sealer.finish();
  for (const { body, keys, offsets, groups: columns } of sealed.segments)
    for (const digest of [body, keys, offsets, ...columns]) await store.remove(`left/segments/${digest}`);
  return {
    count: sealed.count,
    digest: createHash('sha256')
      .update(sealedRoot([sealed]))
      .digest('hex'),
  };
}
