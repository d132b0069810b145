/** What a dataset wants done where the schema of a mesh is no longer the one that its maps were written for. */
import { z } from 'zod';

/**
 * `report`: it is shown, and everything goes on. `hold`: the fields that are read from there are untold by this mesh, and
 * nothing is deleted for want of them, until a person of its authority approves. `stop`: nothing of the type is told.
 */
export const DriftAction = z.enum(['report', 'hold', 'stop']);
export type DriftAction = z.infer<typeof DriftAction>;

/** Under other keys every record would be deleted and created. */
export const usualRekeyed: DriftAction = 'stop';

/** A wider column of the same values changes nothing; what the values became is told by the other kinds. */
export const usualRedeclared: DriftAction = 'report';

const rule = (usual: DriftAction, words: string) => z.enum(DriftAction.options).default(usual).describe(words);

export const DriftRules = z.strictObject({
  gained: rule('report', 'a property that was not there before'),
  lost: rule('hold', 'a property that no object has any more, or that the map reads and none has'),
  renamed: rule('hold', 'a property that is gone while a new one holds the same values; only ever proposed'),
  retyped: rule(
    'hold',
    'most values are of another kind, numbers that are words now, or of one that the map cannot read',
  ),
  scaled: rule('hold', 'numbers a hundred times larger or smaller than before: another unit'),
  newValue: rule('report', 'a value that a property with few values never had'),
  emptied: rule('hold', 'many more objects hold nothing there than before, or nearly all of the few values are gone'),
  // Absent and not a default, as the next one: the digest of a dataset that says nothing about it stays what it was.
  redeclared: z
    .enum(DriftAction.options)
    .optional()
    .describe(`a column that the store declares of another type than before; ${usualRedeclared} where left out`),
  rekeyed: z
    .enum(DriftAction.options)
    .optional()
    .describe(
      `a property that records are known by, none of whose values it held before; ${usualRekeyed} where left out`,
    ),
  emptiedBy: z
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe('by how many percent of all objects the empty ones must have grown to count as emptied'),
});
export type DriftRules = z.infer<typeof DriftRules>;

export const usualDriftRules: DriftRules = DriftRules.parse({});
