/** Lines in columns. The last column is as long as it is. */
import { stripVTControlCharacters } from 'node:util';

export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
    });
  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : `${cell}${' '.repeat((widths[at] ?? 0) - widthOf(cell))}`))
      .join('  ')
      .trimEnd(),
  );
}

/** Colours and combining marks take no room. */
function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).match(/\P{M}/gu)?.length ?? 0;
}
