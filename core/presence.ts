/** Who holds a record, who does not, who cannot tell, and in whose mesh there is no place for it. */
import type { CompareContext, RecordView } from './compare.js';
import type { DatasetType } from './federation/federation.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import { byCodeUnit } from './json.js';
import type { Reference } from './lens/reference.js';
import { referencesOf } from './natural-key.js';
import type { AuthorityId, Fields } from './record.js';

export interface Presence {
  readonly holders: readonly AuthorityId[];
  readonly absent: readonly AuthorityId[];
  /** Not shown by a snapshot that is not provably complete. */
  readonly unread: readonly AuthorityId[];
}

/** What a record refers to by single values; where one member shows it, all with this key do. */
export function referencesOfView(view: RecordView, { taxonomy }: DatasetType): readonly Reference[] {
  // Asked several times of each record of a plan, and most types refer to nothing.
  if (taxonomy.key === undefined || !Object.values(taxonomy.fields).some(({ kind }) => kind === 'reference')) return [];
  return referencesOf(taxonomy, keyFieldsOf(view, taxonomy));
}

/** The fields of the natural key, as the base or any member shows them; a silent record shows none. */
export function keyFieldsOf(view: RecordView, taxonomy: TaxonomyType): Fields {
  const members = Object.entries(view.members).sort(([left], [right]) => byCodeUnit(left, right));
  const shown = [view.base, ...members.map(([, fields]) => fields)].find((fields) =>
    taxonomy.key?.every((field) => fields?.[field] !== undefined),
  );
  return Object.fromEntries((taxonomy.key ?? []).map((field) => [field, shown?.[field] ?? null]));
}

/** Members in whose mesh there is no place for this record: neither for what it refers to nor for a value of its key. */
export function placelessMembers(
  view: RecordView,
  { type, references }: Pick<CompareContext, 'type' | 'references'>,
): readonly AuthorityId[] {
  const { taxonomy, lacks } = type;
  const without = Object.keys(type.held).filter((member) => view.members[member] === undefined);
  if (taxonomy.key === undefined || without.length === 0) return [];
  const fields = keyFieldsOf(view, taxonomy);
  const referred = referencesOf(taxonomy, fields);
  return without
    .filter((member) => {
      const lacking = lacks?.[member] ?? {};
      const lacksValue = Object.entries(lacking).some(
        ([field, values]) => typeof fields[field] === 'string' && values.includes(fields[field]),
      );
      return lacksValue || !references.hasPlaceFor(referred, member);
    })
    .sort(byCodeUnit);
}

/** Of the members that hold this type: who has the record, who has not, and who cannot tell. */
export function presenceOf(
  view: RecordView,
  context: Pick<CompareContext, 'type' | 'incomplete' | 'references' | 'standsIn'>,
): Presence {
  const referred = referencesOfView(view, context.type);
  const placeless = placelessMembers(view, context);
  const holders: AuthorityId[] = [];
  const absent: AuthorityId[] = [];
  const unread: AuthorityId[] = [];
  for (const member of Object.keys(context.type.held).sort(byCodeUnit)) {
    if (placeless.includes(member) || context.standsIn?.(view.key, member) === true) continue;
    if (view.members[member] !== undefined) holders.push(member);
    else if (context.incomplete.has(member) || context.references.areUnread(referred, member)) unread.push(member);
    else absent.push(member);
  }
  return { holders, absent, unread };
}
