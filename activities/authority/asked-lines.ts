/**
 * Of the pages of a run only those objects that may stand behind records that are asked for, found by what the seal of the run
 * left of their keys (increments/line-keys.ts) and by the links that lead to them: all others are neither parsed nor held.
 */
import type { RunInputs } from '../../core/messages.js';
import type { NativeObject } from '../../core/record.js';
import type { Digest } from '../../core/digest.js';
import { bodyBegin, lineHead } from '../object-line.js';
import type { Links } from '../links.js';
import type { AskedType } from './asked-objects.js';
import { askedKeys, type AskedRecords } from './asked-records.js';
import type { AuthorityContext } from './context.js';
import { lineKeyOf, readLineKeys, unknown } from './increments/line-keys.js';
import { stateOf } from './increments/state.js';
import { endOfLineAt, LineNatives, lineStarts, objectPagesIn } from './page-files.js';

interface AskedLines {
  readonly native: string;
  readonly lineKeys: Uint32Array;
  readonly wanted: ReadonlySet<number>;
}

/** In the order of the pages; null where they cannot be told by lines, or are more than `max`. */
export async function candidatesByLines(
  context: AuthorityContext,
  { dataset, run }: Pick<RunInputs, 'dataset' | 'run'>,
  types: readonly AskedType[],
  asked: AskedRecords,
  links: Links,
  max: number,
): Promise<readonly NativeObject[] | null> {
  const state = await stateOf(context, dataset, run);
  if (!state) return null;
  const lines: AskedLines[] = [];
  for (const { taxonomy, map } of types) {
    const [native, seal, keys] = [state.natives[map.native], state.seals[taxonomy.type], asked.keysOf(taxonomy.type)];
    // HAZARD: only where every object of this run stands in the pages of this run.
    if (native?.full !== run || native.layers.length > 0 || seal?.lineKeys === undefined || !keys) return null;
    const lineKeys = await readLineKeys(context.privateStore, seal.lineKeys, native.count);
    if (!lineKeys) return null;
    lines.push({ native: map.native, lineKeys, wanted: new Set([unknown, ...[...keys].map(lineKeyOf)]) });
  }
  const isWanted = (at: number, of: AskedLines): boolean => of.wanted.has(of.lineKeys[at] ?? unknown);
  const isNoneWanted = (of: AskedLines | undefined, from: number, count: number): boolean => {
    for (let at = from; of && at < from + count; at += 1) if (isWanted(at, of)) return false;
    return true;
  };
  const found = await objectsAt(context, dataset, run, lines, max, isWanted, isNoneWanted);
  if (!found) return null;
  const missing = new Set<string>();
  for (const type of types) for (const head of await linkedBeside(type, asked, links, found)) missing.add(head);
  if (missing.size === 0) return inOrder(found);
  const others = await objectsAt(context, dataset, run, lines, max, (_at, _of, head) => missing.has(head()));
  if (!others) return null;
  return inOrder(new Map([...found, ...others]));
}

const inOrder = (found: ReadonlyMap<number, NativeObject>): readonly NativeObject[] =>
  [...found].sort(([left], [right]) => left - right).map(([, object]) => object);

/** How the lines of objects begin that links lead to and that were not found: one that was joined under another key than it has now. */
async function linkedBeside(
  { taxonomy: { type }, map }: AskedType,
  asked: AskedRecords,
  links: Links,
  found: ReadonlyMap<number, NativeObject>,
): Promise<readonly string[]> {
  const ids = new Set([...found.values()].flatMap((object) => (object.type === map.native ? [object.id] : [])));
  const linked = await links.linkedTo(type, askedKeys(asked, type));
  return linked.flatMap(([id]) => (ids.has(id) ? [] : [Buffer.from(lineHead(map.native, id)).toString('latin1')]));
}

/** By their place among all lines. Null where they are more than `max`, or the pages do not hold what `lines` say. */
async function objectsAt(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  lines: readonly AskedLines[],
  max: number,
  isCandidate: (at: number, of: AskedLines, head: () => string) => boolean,
  mayPass: (of: AskedLines | undefined, from: number, count: number) => boolean = (of) => of === undefined,
): Promise<Map<number, NativeObject> | null> {
  const natives = new LineNatives(lines.map(({ native }) => native));
  const seen = lines.map(() => 0);
  const found = new Map<number, NativeObject>();
  let place = 0;
  for await (const page of objectPagesIn(context.privateStore, dataset, run)) {
    context.heartbeat();
    const { buffer, alike } = page;
    const only = alike ? lines.findIndex(({ native }) => native === alike.nativeType) : -1;
    if (alike && mayPass(lines[only], seen[only] ?? 0, alike.count)) {
      place += alike.count;
      if (only !== -1) seen[only] = (seen[only] ?? 0) + alike.count;
      continue;
    }
    const starts = lineStarts(page);
    for (let line = 0; line < starts.length - 1; line += 1) {
      const start = starts[line] ?? 0;
      const native = alike ? only : natives.of(buffer, start);
      const of = lines[native];
      place += 1;
      if (!of) continue;
      const at = seen[native] ?? 0;
      seen[native] = at + 1;
      const end = endOfLineAt(starts, line);
      if (!isCandidate(at, of, () => headOf(buffer, start, end))) continue;
      // Written by this worker's own connector and read by nobody else: trusted inside.
      found.set(place, JSON.parse(buffer.toString('utf8', start, end)) as NativeObject);
      if (found.size > max) return null;
    }
  }
  return lines.every(({ lineKeys }, at) => lineKeys.length === seen[at]) ? found : null;
}

function headOf(buffer: Buffer, start: number, end: number): string {
  const bodyAt = buffer.indexOf(bodyText, start);
  return bodyAt === -1 || bodyAt >= end ? '' : buffer.toString('latin1', start, bodyAt + bodyText.length);
}
const bodyText = Buffer.from(bodyBegin);
