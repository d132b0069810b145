/** The verdict on one record again, in words of its own, and what the compare says in the same words. */
import type { DatasetType } from '../../../core/federation/federation.js';
import type { Json } from '../../../core/json.js';
import type { FieldVerdict, RecordVerdict } from '../../../core/verdict.js';
import { elements, textOf, type PlainView } from './naive.js';
import type { World } from './worlds.js';

/** Three ways, field by field, in words of its own; `isAgreedOn` where there is a base at all. */
export function plainVerdict(
  view: PlainView,
  {
    type,
    shape,
    incomplete,
    isAgreedOn,
  }: { type: DatasetType; shape: World['shape']; incomplete: ReadonlySet<string>; isAgreedOn: boolean },
): unknown {
  const base = isAgreedOn ? view.base : undefined;
  const ids = Object.keys(type.held).sort();
  const holders = ids.filter((id) => view.members[id]);
  const away = ids.filter((id) => !view.members[id]);
  const [unread, absent] = [away.filter((id) => incomplete.has(id)), away.filter((id) => !incomplete.has(id))];
  if (holders.length === 0)
    return unread.length === 0 ? { kind: 'gone' } : { kind: 'deleted', absent, unread, fields: [] };
  if (!base && holders.every((id) => Object.keys(view.members[id] ?? {}).length === 0)) return { kind: 'agreed' };
  const holdsType = (of: string, id: string): boolean =>
    shape.types.some((one) => one.taxonomy.type === of && one.held[id] !== undefined);
  const fields = Object.entries(type.taxonomy.fields).flatMap(([field, kind]) => {
    const of = kind.kind === 'reference' ? kind.of[0] : kind.kind === 'set' && kind.of !== 'text' ? kind.of : undefined;
    const speaking = holders.filter(
      (id) => view.members[id]?.[field] !== undefined && (of === undefined || holdsType(of, id)),
    );
    if (speaking.length === 0) return [];
    const values = new Map(speaking.map((id) => [id, view.members[id]?.[field] as Json]));
    return [
      `${field}: ${kind.kind === 'set' ? ofSet(values, base?.[field], incomplete) : ofValue(values, base?.[field])}`,
    ];
  });
  const isOpen = fields.some((words) => !words.includes(': all say '));
  if (base && absent.length > 0) {
    const isEdited = holders.some((id) =>
      Object.entries(view.members[id] ?? {}).some(([field, value]) =>
        type.taxonomy.fields[field]?.kind === 'set'
          ? elements(value).some((one) => !elements(base[field]).includes(one))
          : textOf(value) !== textOf(base[field] ?? null),
      ),
    );
    return { kind: isEdited ? 'editedAndDeleted' : 'deleted', absent, unread, fields: fields.sort() };
  }
  if (away.length === 0 && !isOpen) return { kind: 'agreed' };
  return { kind: 'differs', absent, unread, fields: fields.sort() };
}

function ofValue(values: ReadonlyMap<string, Json>, base: Json | undefined): string {
  const said = [...new Set([...values.values()].map(textOf))].sort();
  const moved = said.filter((value) => value !== textOf(base ?? null));
  if (said.length === 1) return `all say ${said[0] ?? ''}`;
  if (moved.length > 1) return `in conflict ${said.join(' ')}`;
  const behind = [...values].filter(([, value]) => textOf(value) !== moved[0]).map(([id]) => id);
  return `to ${moved[0] ?? ''} at ${behind.sort().join()}`;
}

function ofSet(values: ReadonlyMap<string, Json>, base: Json | undefined, incomplete: ReadonlySet<string>): string {
  const before = elements(base);
  const after = [...new Set([...before, ...[...values.values()].flatMap(elements)])].filter((one) => {
    // One that was agreed stays until somebody who was read to the end lacks it; any other one is new.
    if (!before.includes(one)) return true;
    return [...values].every(([id, value]) => elements(value).includes(one) || incomplete.has(id));
  });
  const changes = [...values].flatMap(([id, value]) => {
    const has = elements(value);
    const more = after.filter((one) => !has.includes(one) && !(before.includes(one) && incomplete.has(id)));
    const less = has.filter((one) => !after.includes(one));
    return more.length + less.length > 0 ? [`${id} +${textOf(more.sort())} -${textOf(less)}`] : [];
  });
  return changes.length === 0
    ? `all say ${textOf(after.sort())}`
    : `to ${textOf(after.sort())} by ${changes.sort().join(' ')}`;
}

/** In the words of the naive one. */
export function verdictInWords(verdict: RecordVerdict): unknown {
  if (verdict.kind === 'agreed' || verdict.kind === 'gone') return { kind: verdict.kind };
  const fields = verdict.fields.map((field) => `${field.field}: ${wordsOf(field)}`).sort();
  const absent = verdict.kind === 'differs' ? verdict.missing : verdict.by;
  return { kind: verdict.kind, absent, unread: verdict.unread, fields };
}

function wordsOf(field: FieldVerdict): string {
  switch (field.kind) {
    case 'equal':
      return `all say ${textOf(field.value)}`;
    case 'proposal':
      return `to ${textOf(field.target)} at ${field.behind.toSorted().join()}`;
    case 'setProposal': {
      const changes = Object.entries(field.perMember).map(
        ([id, { add, remove }]) => `${id} +${textOf(add)} -${textOf(remove)}`,
      );
      return `to ${textOf(field.target)} by ${changes.sort().join(' ')}`;
    }
    case 'conflict':
      return `in conflict ${field.candidates
        .map(({ value }) => textOf(value))
        .sort()
        .join(' ')}`;
    default:
      return field.kind;
  }
}
