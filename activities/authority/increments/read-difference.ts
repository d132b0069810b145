/**
 * What changed between two reads of everything, from the bytes of their pages: rows that both hold are neither parsed nor
 * translated. Both are gone through side by side; where they part, what one has and the other not is held until it shows up
 * there, so that rows which were added, taken out or moved cost no more than themselves.
 */
import type { Digest } from '../../../core/digest.js';
import type { NativeObject } from '../../../core/record.js';
import type { AuthorityContext } from '../context.js';
import { bodyBegin as bodyBeginText, lineBreak, lineHead } from '../../object-line.js';
import { endOfLineAt, LineNatives, lineStarts, objectPagesIn, type ObjectPage } from '../page-files.js';
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
    new Lines(objectPagesIn(store, dataset, reads.before), natives),
    new Lines(objectPagesIn(store, dataset, reads.now), natives),
  ];
  const [gone, come] = [new HeldLines(), new HeldLines()];
  const places = new Places(natives.length);
  try {
    while ((await before.isThere()) && (await now.isThere())) {
      context.heartbeat();
      while (before.hasMore && now.hasMore) {
        if (now.passAlike(before, places)) continue;
        if (gone.take(now.text())) {
          places.addElsewhere(now.step());
        } else if (come.take(before.text())) places.pass(before.step());
        else {
          gone.hold(before.text());
          come.hold(now.text());
          places.addElsewhere(now.step());
          places.pass(before.step());
          if (isTooMuch(gone, come, changedMax)) return null;
        }
      }
    }
    for (const [lines, own, others] of [[before, gone, come] as const, [now, come, gone] as const])
      while (await lines.isThere())
        while (lines.hasMore) {
          const text = lines.text();
          const native = lines.step();
          if (lines === now) places.addElsewhere(native);
          if (others.take(text)) continue;
          own.hold(text);
          if (isTooMuch(gone, come, changedMax)) return null;
        }
  } finally {
    await before.close();
    await now.close();
  }
  const sides = byType(natives, gone.objects(), come.objects());
  if (!sides || !(await standOnce(context, dataset, reads.now, sides))) return null;
  return new Map([...sides].map(([native, own], at) => [native, { ...own, places: places.of(at) }]));
}

function isTooMuch(gone: HeldLines, come: HeldLines, changedMax: number): boolean {
  return Math.max(gone.count, come.count) > changedMax || gone.characters + come.characters > heldCharactersMax;
}

/** Of each native type, where the objects of this read stood in the one before. */
class Places {
  readonly #lists: readonly NumberList[];
  /** Of each native type, how many of the read before were gone over. */
  readonly #passed: number[];

  constructor(natives: number) {
    this.#lists = Array.from({ length: natives }, () => new NumberList(0));
    this.#passed = this.#lists.map(() => 0);
  }
  /** Both showed them, at this place. */
  addSame(native: number, count: number): void {
    const passed = this.#passed[native] ?? 0;
    this.#lists[native]?.addAscending(passed + 1, count);
    this.#passed[native] = passed + count;
  }
  addElsewhere(native: number): void {
    this.#lists[native]?.add(0);
  }
  /** One of the read before, which this one does not show at this place. */
  pass(native: number): void {
    this.#passed[native] = (this.#passed[native] ?? 0) + 1;
  }
  of(native: number): Uint32Array {
    return this.#lists[native]?.all() ?? new Uint32Array();
  }
}

/** One read, some lines at a time: only where the two part it is looked for where each of them begins. */
class Lines {
  readonly #pages: AsyncGenerator<ObjectPage>;
  readonly #natives: LineNatives;
  readonly #names: readonly string[];
  #page: ObjectPage = nothingRead;
  /** Where the next line begins. */
  #at = 0;
  /** Of this page, once one was looked for. */
  #starts: readonly number[] | null = null;
  #line = 0;
  /** So many lines are compared at once next. */
  #stride = 1;

  constructor(pages: AsyncGenerator<ObjectPage>, natives: readonly string[]) {
    this.#pages = pages;
    this.#natives = new LineNatives(natives);
    this.#names = natives;
  }
  /** In the page that is looked at. */
  get hasMore(): boolean {
    return this.#at < this.#page.end;
  }
  async isThere(): Promise<boolean> {
    while (!this.hasMore) {
      const next = await this.#pages.next();
      if (next.done === true) return false;
      this.#page = next.value;
      this.#at = next.value.start;
      this.#starts = null;
      this.#line = 0;
    }
    return true;
  }
  /** Of which native type the line is that was gone over. */
  step(): number {
    const native = this.#natives.of(this.#page.buffer, this.#at);
    this.#at = this.#lineEnd() + lineBreak.length;
    this.#line += 1;
    return native;
  }
  /** Goes over as many lines as both have alike from here, in one page; false where already the first is another one. */
  passAlike(before: Lines, places: Places): boolean {
    if (this.#passPage(before, places)) return true;
    this.#starts ??= lineStarts(this.#page);
    const starts = this.#starts;
    const linesLeft = starts.length - 1 - this.#line;
    for (let count = Math.min(this.#stride, linesLeft); count > 0; count >>>= 1) {
      const end = endOfLineAt(starts, this.#line + count - 1);
      if (!this.#isAs(before, end)) continue;
      this.#stride = 2 * count;
      this.#count(count, starts, places);
      before.#skip(end - this.#at);
      this.#at = end + lineBreak.length;
      this.#line += count;
      return true;
    }
    this.#stride = 1;
    return false;
  }
  /** Where a page begins of which it is known what it holds. */
  #passPage(before: Lines, places: Places): boolean {
    const { alike, start, end } = this.#page;
    if (alike === null || this.#at !== start || !this.#isAs(before, end)) return false;
    places.addSame(this.#names.indexOf(alike.nativeType), alike.count);
    before.#skip(end - start);
    this.#at = end;
    return true;
  }
  /** Up to `end`, where a line ends: no object is the beginning of another one, so one ends there too. */
  #isAs(before: Lines, end: number): boolean {
    const [other, from] = [before.#page, before.#at];
    const to = from + end - this.#at;
    return to <= other.end && this.#page.buffer.compare(other.buffer, from, to, this.#at, end) === 0;
  }
  #count(count: number, starts: readonly number[], places: Places): void {
    const { alike, buffer } = this.#page;
    if (alike) places.addSame(this.#names.indexOf(alike.nativeType), count);
    else
      for (let line = this.#line; line < this.#line + count; line += 1)
        places.addSame(this.#natives.of(buffer, starts[line] ?? 0), 1);
  }
  #skip(bytes: number): void {
    this.#at += bytes + lineBreak.length;
  }
  #lineEnd(): number {
    const { buffer, end } = this.#page;
    const next = buffer.indexOf(newline, this.#at);
    return next === -1 || next >= end ? end : next + 1 - lineBreak.length;
  }
  /** Each byte a character: to be held and found again, at a byte a character in memory. */
  text(): string {
    return this.#page.buffer.toString('latin1', this.#at, this.#lineEnd());
  }
  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }
}

const newline = 0x0a;
const nothingRead: ObjectPage = { buffer: Buffer.alloc(0), start: 0, end: 0, alike: null };

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
  for await (const page of objectPagesIn(context.privateStore, dataset, run)) {
    context.heartbeat();
    const { buffer } = page;
    const starts = lineStarts(page);
    for (let line = 0; line < starts.length - 1; line += 1) {
      const start = starts[line] ?? 0;
      const bodyAt = buffer.indexOf(bodyBegin, start);
      if (bodyAt === -1 || bodyAt >= endOfLineAt(starts, line)) return false;
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
