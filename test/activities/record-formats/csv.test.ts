import { expect, it } from 'vitest';
import { ConcordatError } from '../../../core/errors.js';
import { rowsOf, type Row } from '../../../activities/record-formats/rows.js';

const format = { format: 'csv', key: ['id'] } as const;

async function read(bytes: AsyncIterable<Uint8Array>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const row of rowsOf(bytes, format)) rows.push(row);
  return rows;
}

it('a CSV file whose bytes end with a failure is that failure, and nothing that ends the process', async () => {
  async function* cut(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('id,note\na,1\nb,');
    await Promise.resolve();
    throw new ConcordatError('unreachable', 'ended in the middle');
  }
  await expect(read(cut())).rejects.toMatchObject({ code: 'unreachable' });
});

it('a CSV file that is given up half way is read no further', async () => {
  let isLeft = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('id,note\n');
      for (let number = 0; ; number += 1) yield Buffer.from(`r${number},x\n`);
    } finally {
      isLeft = true;
    }
  }
  for await (const row of rowsOf(endless(), format)) if (row.kind === 'row') break;
  await expect.poll(() => isLeft).toBe(true);
  await expect(read(brokenThenMore())).rejects.toMatchObject({ code: 'CSV_INVALID_CLOSING_QUOTE' });
});

async function* brokenThenMore(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('id,note\n"a" b,c\n');
  await new Promise((resolve) => setTimeout(resolve, 5));
  throw new ConcordatError('unreachable', 'after the fault');
}
