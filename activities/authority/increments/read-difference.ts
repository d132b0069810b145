/**
 * What changed between two reads of everything, from the bytes of their pages: rows that both hold are neither parsed nor
 * translated. Both are gone through side by side; where they part, what one has and the other not is held until it shows up
 * there, so that rows which were added, taken out or moved cost no more than themselves.
 */
import type { Digest } from '../../../core/digest.js';
import type { NativeObject } from '../../../core/record.js';
import type { AuthorityContext } from '../context.js';
import { bodyBegin as bodyBeginText, lineHead } from '../../object-line.js';
import { LineNatives, objectLinesIn, type ObjectLines } from '../page-files.js';
import { NumberList } from './line-keys.js';

/** Objects of one native type, by id. */
export interface ReadDifference {
  /** As the read before showed them: gone, or changed. */
  readonly before: ReadonlyMap<string, NativeObject>;
  /** As this read shows them: new, or changed. */
  readonly now: ReadonlyMap<string, NativeObject>;
  /** Of each object of this read: as the how many-th of its type, from 1, the read before showed it; 0 where it did not, or elsewhere. */
  readonly places: Uint32Array;
}

/** Of all lines that are held at once. */
const heldCharactersMax = 64 * 1024 * 1024;

/**
 * Of each of `natives`, which are all that the reads hold. Null where more than `changedMax` lines are on one side alone, or an
 * object stands in this read twice: then what changed is not told by it.
 */
export async function differenceOfReads(
  context: Pick<AuthorityContext, 'privateStore' | 'heartbeat'>,
  dataset: string,
  reads: { readonly before: Digest; readonly now: Digest },
  natives: readonly string[],
  changedMax: number,
): Promise<ReadonlyMap<string, ReadDifference> | null> {
  const { privateStore: store } = context;
  const [before, now] = [
    new Lines(objectLinesIn(store, dataset, reads.before), natives),
    new Lines(objectLinesIn(store, dataset, reads.now), natives),
  ];
  const [gone, come] = [new HeldLines(), new HeldLines()];
  const places = natives.map(() => new NumberList(0));
  try {
    while ((await before.isThere()) && (await now.isThere())) {
      context.heartbeat();
      while (before.hasMore && now.hasMore) {
        if (before.isAs(now)) {
          const place = before.step();
          places[now.native()]?.add(place);
          now.step();
        } else if (gone.take(now.text())) {
          places[now.native()]?.add(0);
          now.step();
        } else if (come.take(before.text())) before.step();
        else {
          gone.hold(before.text());
          come.hold(now.text());
          places[now.native()]?.add(0);
          before.step();
          now.step();
          if (isTooMuch(gone, come, changedMax)) return null;
        }
      }
    }
    for (const [lines, own, others] of [[before, gone, come] as const, [now, come, gone] as const])
      while (await lines.isThere())
        for (; lines.hasMore; lines.step()) {
          if (lines === now) places[now.native()]?.add(0);
          if (others.take(lines.text())) continue;
          own.hold(lines.text());
          if (isTooMuch(gone, come, changedMax)) return null;
        }
  } finally {
    await before.close();
    await now.close();
  }
  const sides = byType(natives, gone.objects(), come.objects());
  if (!sides || !(await standOnce(context, dataset, reads.now, sides))) return null;
  return new Map(
    [...sides].map(([native, own], at) => [native, { ...own, places: places[at]?.all() ?? new Uint32Array() }]),
  );
}

function isTooMuch(gone: HeldLines, come: HeldLines, changedMax: number): boolean {
  return Math.max(gone.count, come.count) > changedMax || gone.characters + come.characters > heldCharactersMax;
}

/** One read, a line at a time. */
class Lines {
  readonly #files: AsyncGenerator<ObjectLines>;
  readonly #natives: LineNatives;
  /** Of each native type, how many were gone over. */
  readonly #seen: number[];
  #file: ObjectLines | null = null;
  #at = 0;

  constructor(files: AsyncGenerator<ObjectLines>, natives: readonly string[]) {
    this.#files = files;
    this.#natives = new LineNatives(natives);
    this.#seen = natives.map(() => 0);
  }
  /** In the file that is looked at. */
  get hasMore(): boolean {
    return this.#file !== null && this.#at < this.#file.count;
  }
  async isThere(): Promise<boolean> {
    while (!this.hasMore) {
      const next = await this.#files.next();
      if (next.done === true) return false;
      this.#file = next.value;
      this.#at = 0;
    }
    return true;
  }
  /** As which one of its native type it was gone over, from 1. */
  step(): number {
    const native = this.native();
    this.#at += 1;
    const seen = (this.#seen[native] ?? 0) + 1;
    this.#seen[native] = seen;
    return seen;
  }
  native(): number {
    const { buffer, starts } = this.#file ?? nothingRead;
    return this.#natives.of(buffer, starts[this.#at] ?? 0);
  }
  isAs(other: Lines): boolean {
    const [own, others] = [this.#file, other.#file];
    if (!own || !others) return false;
    const [start, end] = [own.starts[this.#at] ?? 0, own.ends[this.#at] ?? 0];
    const [otherStart, otherEnd] = [others.starts[other.#at] ?? 0, others.ends[other.#at] ?? 0];
    return (
      end - start === otherEnd - otherStart && own.buffer.compare(others.buffer, otherStart, otherEnd, start, end) === 0
    );
  }
  /** Each byte a character: to be held and found again, at a byte a character in memory. */
  text(): string {
    return this.#file?.buffer.toString('latin1', this.#file.starts[this.#at], this.#file.ends[this.#at]) ?? '';
  }
  async close(): Promise<void> {
    await this.#files.return(undefined);
  }
}

const nothingRead = { buffer: Buffer.alloc(0), starts: [] };

/** Lines of one read that the other one has not shown yet; one may stand there more than once. */
class HeldLines {
  readonly #counts = new Map<string, number>();
  count = 0;
  characters = 0;

  hold(text: string): void {
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
    this.count += 1;
    this.characters += text.length;
  }
  take(text: string): boolean {
    const count = this.#counts.get(text);
    if (count === undefined) return false;
    if (count === 1) this.#counts.delete(text);
    else this.#counts.set(text, count - 1);
    this.count -= 1;
    this.characters -= text.length;
    return true;
  }
  /** Null where one stands there twice. */
  objects(): readonly NativeObject[] | null {
    if (this.#counts.size !== this.count) return null;
    // Written by this worker's own connector and read by nobody else: trusted inside.
    return [...this.#counts.keys()].map(
      (text) => JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as NativeObject,
    );
  }
}

interface Sides {
  readonly before: Map<string, NativeObject>;
  readonly now: Map<string, NativeObject>;
}

function byType(
  natives: readonly string[],
  gone: readonly NativeObject[] | null,
  come: readonly NativeObject[] | null,
): ReadonlyMap<string, Sides> | null {
  if (!gone || !come) return null;
  const types = new Map(natives.map((native) => [native, { before: new Map(), now: new Map() } satisfies Sides]));
  for (const [side, objects] of [['before', gone] as const, ['now', come] as const])
    for (const object of objects) {
      const of = types.get(object.type)?.[side];
      if (!of || of.has(object.id)) return null;
      of.set(object.id, object);
    }
  return types;
}

/** HAZARD: a list that changes while it is paged may show an object twice, once as it was and once as it is. */
async function standOnce(
  context: Pick<AuthorityContext, 'privateStore' | 'heartbeat'>,
  dataset: string,
  run: Digest,
  differences: ReadonlyMap<string, Sides>,
): Promise<boolean> {
  const heads = new Map<string, number>();
  for (const [type, { before, now }] of differences)
    for (const id of now.keys()) if (!before.has(id)) heads.set(Buffer.from(lineHead(type, id)).toString('latin1'), 0);
  if (heads.size === 0) return true;
  for await (const { buffer, count, starts, ends } of objectLinesIn(context.privateStore, dataset, run)) {
    context.heartbeat();
    for (let at = 0; at < count; at += 1) {
      const start = starts[at] ?? 0;
      const bodyAt = buffer.indexOf(bodyBegin, start);
      if (bodyAt === -1 || bodyAt >= (ends[at] ?? 0)) return false;
      const head = buffer.toString('latin1', start, bodyAt + bodyBegin.length);
      const seen = heads.get(head);
      if (seen === undefined) continue;
      if (seen > 0) return false;
      heads.set(head, seen + 1);
    }
  }
  return true;
}
const bodyBegin = Buffer.from(bodyBeginText);
