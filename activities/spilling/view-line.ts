/** A view as one line of a scratch file: the fields of the base, and of each member what it shows otherwise. */
import type { RecordView } from '../../core/compare.js';
import { sameJson } from '../../core/lens/same-json.js';
import { byCodeUnit, type Json } from '../../core/json.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import type { KnownVersions } from '../../core/record-versions.js';

/** null: not there. Else the fields that differ, and the names of those that are missing. */
type Against = null | readonly [Fields, readonly string[]];

interface Line {
  readonly key: string;
  readonly base: Fields | null;
  /** What is shown where there is no base: the fields of the first member that has some. */
  readonly first: Fields | null;
  readonly members: Readonly<Record<AuthorityId, Against>>;
  readonly storedBase?: Fields;
  /** null: not known at all. */
  readonly versions?: Readonly<Record<AuthorityId, KnownVersions | null>>;
}

export function viewLine({ key, members, base, storedBase, versions }: RecordView): string {
  const first = base ? null : (Object.values(members).find((fields) => fields !== undefined) ?? null);
  const common = base ?? first ?? {};
  const line: Line = {
    key,
    base: base ?? null,
    first,
    members: Object.fromEntries(Object.entries(members).map(([member, fields]) => [member, against(common, fields)])),
    ...(storedBase ? { storedBase } : {}),
    ...(versions
      ? { versions: Object.fromEntries(Object.entries(versions).map(([member, known]) => [member, known ?? null])) }
      : {}),
  };
  return JSON.stringify(line);
}

function against(common: Fields, fields: Fields | undefined): Against {
  if (fields === undefined) return null;
  const changed: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (!Object.hasOwn(common, field) || !sameJson(common[field], value)) changed[field] = value;
  }
  return [changed, Object.keys(common).filter((field) => !Object.hasOwn(fields, field))];
}

/** The view, with the members of each of its maps in the order in which they were given. */
export function viewOfLine(text: string): RecordView {
  const { key, base, first, members, storedBase, versions } = JSON.parse(text) as Line;
  const common = base ?? first ?? {};
  return {
    key,
    members: Object.fromEntries(Object.entries(members).map(([member, own]) => [member, fieldsOf(common, own)])),
    base: base ?? undefined,
    ...(storedBase ? { storedBase } : {}),
    ...(versions
      ? {
          versions: Object.fromEntries(Object.entries(versions).map(([member, known]) => [member, known ?? undefined])),
        }
      : {}),
  };
}

function fieldsOf(common: Fields, own: Against): Fields | undefined {
  if (own === null) return undefined;
  const [changed, missing] = own;
  const fields: Record<string, Json> = { ...common, ...changed };
  for (const field of missing) delete fields[field];
  // Sealed fields stand in order of their names, and so do these again.
  if (Object.keys(changed).every((field) => Object.hasOwn(common, field))) return fields;
  return Object.fromEntries(Object.entries(fields).sort(([left], [right]) => byCodeUnit(left, right)));
}
