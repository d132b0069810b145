/** What a plan can find about a record on which members differ, or that it leaves alone. */
import { z } from 'zod';

export const DivergenceKind = z.enum([
  'changed',
  'elementsChanged',
  'missing',
  'deleted',
  'conflict',
  'editedAndDeleted',
  'deletionHeldBack',
  'unread',
  'heldByCase',
  'waitsForConflict',
  // Where the dataset declares a policy (docs/resolution.md).
  'decidedByPolicy',
  'waitsForMember',
  'suspended',
  'deletedKept',
  // Goes back to what was agreed before, by a person's signed word.
  'undone',
  'doubled',
  // What it refers to is in doubt, or not there and not coming.
  'waitsForReference',
  // Its mesh can show it and cannot be told.
  'readOnlyThere',
  // Its connector cannot fully represent it there (core/opaque.ts).
  'opaque',
  // What is granted agrees, and the capabilities that it leaves do not (core/effect-labels.ts).
  'effectDiffers',
]);
export type DivergenceKind = z.infer<typeof DivergenceKind>;
