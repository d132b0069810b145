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

/** Falls silent once the signal is aborted: the story is over then, and what is under way must not tell on. */
export function createNarrator(output: Output, signal: AbortSignal): Narrator {
  const width = Math.max(60, Math.min(output.columns, widthMax)) - indent.length;
  const say = (text: string): void => {
    if (!signal.aborted) output.line(text);
  };
  const lines = (texts: readonly string[]): void => {
    for (const text of texts) say(`${indent}${indent}${text}`.trimEnd());
  };
  return {
    heading: (text) => {
      say('');
      say(output.paint.bold(text));
    },
    say: (text) => {
      for (const line of wrapped(text, width)) say(`${indent}${line}`);
    },
    lines,
    rows: (rows) => lines(tableLines(rows)),
    progress: (text) => {
      if (!signal.aborted) output.progress(`${indent}… ${text}`);
    },
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
