/** One input, one digest, on every machine: held to the syntax trees of what is recomputed, and shown to be able to fail. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { recomputedFaults } from './recomputed.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
let sources: ReadonlyMap<string, string>;

beforeAll(async () => {
  const names = (await readdir(path.join(root, 'core'), { recursive: true })).filter((name) => name.endsWith('.ts'));
  sources = new Map(
    await Promise.all(
      names.map(async (name) => {
        const file = path.posix.join('core', name.split(path.sep).join('/'));
        return [file, await readFile(path.join(root, file), 'utf8')] as const;
      }),
    ),
  );
});

describe('correlate, compare, plan and next base, with all that they call', () => {
  test('use no locale, date, time zone, regular expression, fraction or changing Unicode table', () => {
    expect(recomputedFaults(sources).faults).toEqual([]);
  });

  test('are followed into every file that has a part in them', () => {
    const { reached } = recomputedFaults(sources);
    expect(reached.length).toBeGreaterThan(50);
    for (const part of [
      'core/json.ts byCodeUnit',
      'core/digest.ts canonicalJson',
      'core/lens/same-json.ts sameJson',
      'core/references.ts References',
      'core/draft-operations.ts updatesOf',
      'core/operation.ts makeOperation',
      'core/plan-dispute.ts disputeCandidates',
    ])
      expect(reached).toContain(part);
    // A pattern in a schema that is used at borders only is no part of it.
    expect(reached).not.toContain('core/digest.ts Digest');
  });
});

describe('the proof fails', () => {
  const planted = (change: (text: string) => string, file = 'core/json.ts'): readonly string[] => {
    const text = sources.get(file);
    if (text === undefined || change(text) === text) throw new Error(`nothing was planted in ${file}`);
    return recomputedFaults(new Map([...sources, [file, change(text)]])).faults;
  };

  test.each([
    ['return left.localeCompare(right);', /orders by locale/],
    ["return left['localeCompare'](right);", /orders by locale/],
    ['return new Intl.Collator().compare(left, right);', /asks for locale data \(Intl\)/],
    ['return Date.parse(left) - Date.parse(right);', /reads or forms dates \(Date\)/],
    ['return new Date(left).getTimezoneOffset();', /reads or forms dates \(Date\)/],
    ['return /^a/.test(left) ? 1 : 0;', /has a regular expression/],
    ['return new RegExp(right).test(left) ? 1 : 0;', /makes a regular expression/],
    ['return left.search(right);', /makes a regular expression/],
    ['return left.length / right.length;', /calculates with fractions/],
    ['return left.length * 0.5;', /has a fraction/],
    ['return Math.sqrt(left.length);', /calculates with fractions/],
    ['return left.toLowerCase() < right ? 1 : 0;', /Unicode version/],
    ['return left.normalize() < right ? 1 : 0;', /Unicode version/],
  ])('where the comparison of texts says: %s', (line, message) => {
    const faults = planted((text) => text.replace('return left < right ? -1 : left > right ? 1 : 0;', line));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
    expect(faults[0]).toMatch(/^core\/json\.ts:\d+: /);
  });

  test('where a method of a class that compare uses, or a constant beside it, does it', () => {
    expect(
      planted(
        (text) => text.replace('isOpen(', 'isOdd(): boolean { return /x/.test(""); }\n  isOpen('),
        'core/references.ts',
      ),
    ).toHaveLength(1);
    expect(
      planted(
        (text) =>
          `const order = new Intl.Collator();\n${text.replace('return left < right', 'void order; return left < right')}`,
      ),
    ).toHaveLength(1);
  });

  test('and not for what nothing recomputed calls, or for a type of that name', () => {
    const added = `${sources.get('core/json.ts') ?? ''}\nexport const aside = (date: Date) => date.toLocaleString();\n`;
    expect(recomputedFaults(new Map([...sources, ['core/json.ts', added]])).faults).toEqual([]);
  });

  test('where one of the four is not there under its name any more', () => {
    expect(() => recomputedFaults(sources, [{ file: 'core/plan.ts', name: 'planMaker' }])).toThrow(/out of date/);
  });
});
