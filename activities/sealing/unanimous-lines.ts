/** What all members hold alike and the base lacks, as the bytes in which one member sealed it, for that member itself. */
import { lineHeadBytes } from './body.js';
import { walkUnanimous, type UnanimousWalk } from './walk-unanimous.js';

export interface SealedLines {
  readonly bytes: Buffer;
  /** Where the canonical JSON of each record begins and where it ends, in turns. */
  readonly lines: Uint32Array;
}

/**
 * In the order of the walk. A body is held to its digest and its lines to no entries.
 *
 * HAZARD: so it must be a body that whoever asks has made: of a peer's, the index counts and not the bytes (openBody).
 */
export async function* unanimousLines(options: UnanimousWalk, own: string): AsyncGenerator<SealedLines> {
  let held: { readonly digest: string; readonly bytes: Buffer } | undefined;
  for await (const { columns, stretches } of walkUnanimous(options, [own])) {
    const [shown] = columns;
    if (!shown) throw new Error(`${own} takes no part in what it is said to hold`);
    const { body, bodyBytes } = shown.segment;
    if (held?.digest !== body) {
      held = undefined;
      held = { digest: body, bytes: await options.reader.whole(body, bodyBytes) };
    }
    await shown.loadOffsets();
    const entries = stretches[0] ?? [];
    const lines = new Uint32Array(2 * entries.reduce((sum, { from, to }) => sum + to - from, 0));
    let at = 0;
    for (const { from, to } of entries)
      for (let entry = from; entry < to; entry += 1) {
        lines[at++] = shown.bodyStart(entry) + lineHeadBytes;
        lines[at++] = shown.bodyStart(entry + 1) - 1;
      }
    yield { bytes: held.bytes, lines };
  }
}
