/** Rows of JSON Lines that say less, or more, than they seem to. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLines, jsonText } from '../../../activities/record-formats/json-lines.js';
import type { Row } from '../../../activities/record-formats/rows.js';
import { propertyRuns } from '../../support/property-runs.js';

async function rowOf(line: string): Promise<Row | undefined> {
  async function* text(): AsyncGenerator<string> {
    yield line;
  }
  for await (const row of jsonLines(text())) return row;
  return undefined;
}

test.each([
  '{"id":"a","weight":1,"weight":2}',
  '{"id":"a","weight":1, "weight" : null}',
  '{"id":"a","in":{"x":"1","x":"2"}}',
  '{"id":"a","in":[{"x":true,"\\u0078":false}]}',
])(
  'a property that stands twice with two values makes its row unreadable, and is not its last value: %s',
  async (line) => {
    expect(await rowOf(line)).toMatchObject({ kind: 'row', body: null });
  },
);

test('texts that look like names are texts', async () => {
  const body = { id: 'a', note: '"weight": 1, "weight": 2', in: [{ '"x":': ['":'] }] };
  expect((await rowOf(JSON.stringify(body)))?.body).toEqual(body);
});

test('every row comes back as what was written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (given) => {
      const body = JSON.parse(JSON.stringify(given)) as Record<string, never>;
      fc.pre(!JSON.stringify(body).includes('__proto__') && !JSON.stringify(body).includes('$number'));
      const row = await rowOf(jsonText(body));
      expect(jsonText(row?.body ?? {})).toBe(jsonText(body));
    }),
    propertyRuns(200),
  );
});
