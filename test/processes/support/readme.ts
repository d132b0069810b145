/** A tutorial as something that can be played: its commands, and what it says that they print. */

export interface Step {
  readonly commands: readonly string[];
  /** Lines of the block after the commands. */
  readonly shown: readonly string[];
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** A `sh` block whose next block has no language is a step; one without output (how to start) is none. */
export function chaptersOf(markdown: string): readonly Chapter[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
        language,
        lines: body.split('\n').slice(0, -1),
      }));
      const steps = blocks.flatMap(({ language, lines }, at) => {
        const next = blocks[at + 1];
        if (language !== 'sh' || next?.language !== '') return [];
        return [{ commands: lines.map((line) => line.replace(/ {2,}#.*$/, '')), shown: next.lines }];
      });
      return { title: text.split('\n')[0] ?? '', steps };
    });
}

/**
 * The first shown line that does not come out, or null. Each needs a line of its own; their order and the numbers of
 * operations follow the keys of records, which differ in every run. Within a line `…` stands for any text, and alone for
 * lines that are left out.
 */
export function matches(output: string, shown: readonly string[]): string | null {
  const left = output.split('\n').map(comparable);
  for (const line of shown.map(comparable)) {
    if (line === '…') continue;
    const found = left.findIndex((each) => isLike(each, line));
    if (found < 0) return line;
    left.splice(found, 1);
  }
  return null;
}

function comparable(line: string): string {
  return line.trimEnd().replace(/ #\d+\b/, ' #');
}

function isLike(line: string, shown: string): boolean {
  const [first = '', ...rest] = shown.split('…');
  if (!line.startsWith(first)) return false;
  let at = first.length;
  for (const [index, piece] of rest.entries()) {
    const found = index === rest.length - 1 ? line.length - piece.length : line.indexOf(piece, at);
    if (found < at || !line.startsWith(piece, found)) return false;
    at = found + piece.length;
  }
  return at === line.length;
}
