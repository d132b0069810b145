/** One change of a shape, before anybody says what follows from it. */
import { ValueKind, type PropertyShape } from './native-shape.js';
import type { SchemaDrift } from './schema-drift.js';

export interface Change extends Pick<SchemaDrift, 'kind' | 'property' | 'count' | 'of'> {
  readonly to?: string;
  readonly was?: ValueKind;
  readonly is?: ValueKind;
  readonly by?: number;
  readonly declared?: NonNullable<SchemaDrift['declared']>;
  readonly examples?: readonly string[];
  /** `rekeyed`: of what was agreed; `lost`: `never` where it was not there before. Who approved one does not approve the next. */
  readonly since?: string;
  /** Nothing that is held elsewhere can be emptied or written over because of it. */
  readonly isHarmless?: boolean;
}

/** Fewer values than these say nothing about a schema: one person's edit would. */
export const filledMin = 20;

/** The kind of at least nine in ten values; undefined where no kind is, or where too few values were seen. */
export function mostlyOf({ kinds, filled }: PropertyShape): ValueKind | undefined {
  if (filled < filledMin) return undefined;
  return ValueKind.options.find((kind) => (kinds[kind] ?? 0) * 10 >= filled * 9);
}
