/** How the demo speaks: headings, wrapped sentences, rows in columns. Plain lines; colours only where there is a terminal. */
import type { Output } from '../output/output.js';
import { tableLines } from '../showing/table.js';

export interface Narrator {
  /** Opens a part of the story. */
  heading(text: string): void;
  /** A sentence or several, wrapped. */
  say(text: string): void;
  /** Lines as they are, set in. */
  lines(lines: readonly string[]): void;
  /** Cells in columns, set in. */
  rows(rows: readonly (readonly string[])[]): void;
  /** What goes on right now; on a terminal one line that the next one replaces. */
  progress(text: string): void;
}

const widthMax = 110;
const indent = '  ';

export function createNarrator(output: Output): Narrator {
  const width = Math.max(60, Math.min(output.columns, widthMax)) - indent.length;
  const lines = (texts: readonly string[]): void => {
    for (const text of texts) output.line(`${indent}${indent}${text}`.trimEnd());
  };
  return {
    heading: (text) => {
      output.line('');
      output.line(output.paint.bold(text));
    },
    say: (text) => {
      for (const line of wrapped(text, width)) output.line(`${indent}${line}`);
    },
    lines,
    rows: (rows) => lines(tableLines(rows)),
    progress: (text) => output.progress(`${indent}… ${text}`),
  };
}

/** Words stay whole: one that is longer than the width stands alone on its line. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && longer.length > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
