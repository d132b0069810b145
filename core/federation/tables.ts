/** Tables of maps (`table` steps): what a value becomes on its way through other meshes, and what is lost with names. */
import { byCodeUnit } from '../json.js';
import type { ManyToOne } from '../lens/table.js';
import { stepsOf, type TypeMap } from './map.js';

export interface TableStep {
  readonly table: ManyToOne;
  /** What becomes of a text that the table does not know. */
  readonly otherwise: 'setAside' | undefined;
  /** Position of the step. */
  readonly step: number;
}

/** The table of a field, where its map has one. */
export function tableOf(map: TypeMap, field: string): TableStep | null {
  const fieldMap = Object.hasOwn(map.fields, field) ? map.fields[field] : undefined;
  const steps = stepsOf(fieldMap);
  for (const [step, one] of steps.entries()) if ('table' in one) return { table: one.table, otherwise: one.else, step };
  return null;
}

/** A native text that does not come back from another mesh. */
export interface TableLoss {
  readonly type: string;
  readonly field: string;
  /** The member whose text it is. */
  readonly member: string;
  readonly native: string;
  readonly federated: string;
  /** Through whose mesh it goes. */
  readonly through: string;
  /** What that mesh holds for it; null where it has no such value and the record cannot be there. */
  readonly there: string | null;
  /** What comes back; null where nothing does. */
  readonly back: string | null;
}

/**
 * Native → federated → the preferred text of another mesh → federated → the preferred text here, for every text of every
 * table: what does not return to where it began. `maps`: by member, one type.
 */
export function tableLosses(maps: Readonly<Record<string, TypeMap>>, type: string): readonly TableLoss[] {
  const members = Object.keys(maps).sort(byCodeUnit);
  const fields = [...new Set(Object.values(maps).flatMap((map) => Object.keys(map.fields)))].sort(byCodeUnit);
  const losses: TableLoss[] = [];
  for (const field of fields) {
    for (const member of members) {
      const own = maps[member] && tableOf(maps[member], field)?.table;
      for (const [federated, natives] of Object.entries(own ?? {})) {
        for (const native of natives) {
          for (const through of members) {
            const other = maps[through] && tableOf(maps[through], field)?.table;
            if (through === member || !other) continue;
            const there = other[federated]?.[0] ?? null;
            const back = there === null ? null : (natives[0] ?? null);
            if (back !== native) losses.push({ type, field, member, native, federated, through, there, back });
          }
        }
      }
    }
  }
  return losses;
}

export function lossWords({ type, field, member, native, federated, through, there, back }: TableLoss): string {
  const way = `${member} ${native} → ${type}.${field} ${federated}`;
  if (there === null) return `${way}: ${through} has no such value, so it cannot be there`;
  return `${way} → ${through} ${there} → ${member} ${back ?? 'nothing'}: ${native} does not come back`;
}
