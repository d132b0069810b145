/** docs/trust.md says of each power which test shows its limit: every row names one, and each that is named is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

interface Row {
  readonly power: string;
  readonly shownBy: string;
}

function rowsOf(text: string): readonly Row[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.includes('Shown by'))
    .map((line) => line.slice(1, -1).split(' | '))
    .map((cells) => ({ power: cells[0]?.trim() ?? '', shownBy: cells.at(-1)?.trim() ?? '' }));
}

/** Files of tests by their last part: a row names one by its path, or by its name alone after it was named before. */
const files = new Map<string, string[]>();
for (const entry of readdirSync(path.join(root, 'test'), { recursive: true, withFileTypes: true }))
  if (entry.isFile())
    files.set(entry.name, [...(files.get(entry.name) ?? []), path.join(entry.parentPath, entry.name)]);

/** What is wrong with a row. A text in “ ” after a file is a title in it. */
function faultsOf({ power, shownBy }: Row): readonly string[] {
  const named = [...shownBy.matchAll(/`([^`]+)`(?: “([^”]+)”)?/g)];
  if (named.length === 0) return [`"${power}" names no test`];
  return named.flatMap(([, name = '', title]) => {
    const found = name.includes('/')
      ? [path.join(root, name)].filter((file) => existsSync(file))
      : (files.get(name) ?? []);
    if (found.length === 0) return [`"${power}" names ${name}, which is not there`];
    if (found.length > 1) return [`"${power}" names ${name}, which is there ${found.length} times`];
    if (title !== undefined && !readFileSync(found[0] ?? '', 'utf8').includes(title))
      return [`"${power}" names the test "${title}", which ${name} does not hold`];
    return [];
  });
}

it('every row of the table of powers names a test that is there', () => {
  const rows = rowsOf(readFileSync(path.join(root, 'docs', 'trust.md'), 'utf8'));
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.flatMap(faultsOf)).toEqual([]);
});

it('a row without a test, with one that is gone, or with a title that is gone is found', () => {
  const table = (shownBy: string) =>
    rowsOf(`| It may try to | What happens | Shown by |\n|---|---|---|\n| lie | no | ${shownBy} |`);
  expect(table('`test/trust-table.test.ts` “every row of the table”').flatMap(faultsOf)).toEqual([]);
  expect(table('nobody').flatMap(faultsOf)).toEqual(['"lie" names no test']);
  expect(table('`gone.test.ts`').flatMap(faultsOf)).toEqual(['"lie" names gone.test.ts, which is not there']);
  const title = ['no', 'such', 'title'].join(' ');
  expect(table(`\`trust-table.test.ts\` “${title}”`).flatMap(faultsOf)[0]).toMatch(
    /which trust-table.test.ts does not hold/,
  );
});
