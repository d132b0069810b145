/** The list of planted faults cannot rot: what each replaces is still there, once, and its tests exist. `npm run mutations` plants them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = path.resolve(import.meta.dirname, '../..');
const mutations = z
  .array(
    z.strictObject({
      fault: z.string().min(1),
      file: z.string(),
      replace: z.string().min(1),
      by: z.string(),
      tests: z.array(z.string()).min(1),
    }),
  )
  .parse(parse(readFileSync(path.join(import.meta.dirname, 'mutations.yaml'), 'utf8')));

it.each(mutations)('$file can be given the fault that $fault', ({ file, replace, by, tests }) => {
  expect(readFileSync(path.join(root, file), 'utf8').split(replace)).toHaveLength(2);
  expect(by).not.toBe(replace);
  for (const test of tests) expect(existsSync(path.join(root, test)), test).toBe(true);
});
