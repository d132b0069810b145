/** The compare again, so naive that it can be believed: plain records held against each other field by field, no digest anywhere. */
import type { DatasetType } from '../../../core/federation/federation.js';
import type { FieldKind } from '../../../core/federation/taxonomy.js';
import type { Json } from '../../../core/json.js';
import type { Fields } from '../../../core/record.js';
import type { World, WorldOfType } from './worlds.js';

export interface PlainView {
  readonly key: string;
  readonly members: Readonly<Record<string, Fields | undefined>>;
  readonly base: Fields | undefined;
}

export interface PlainCompare {
  readonly views: readonly PlainView[];
  /** What all members show alike and the base lacks, where nobody has to look at it. */
  readonly unanimous: readonly PlainView[];
}

/** One text for what is one value, whatever the order of its properties; absent is not null. */
export function textOf(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .map(([name, one]) => `${JSON.stringify(name)}:${textOf(one)}`)
    .sort()
    .join()}}`;
}

export function plainCompare(world: World, { type, members, base, isRegrouped }: WorldOfType): PlainCompare {
  const { taxonomy, held } = type;
  const fieldNames = Object.keys(taxonomy.fields);
  const ids = Object.keys(held);
  const hasSets = Object.values(taxonomy.fields).some(({ kind }) => kind === 'set');
  const passes = mayPass(world, type);
  const views: PlainView[] = [];
  const unanimous: PlainView[] = [];
  for (const key of new Set([...base.keys(), ...ids.flatMap((id) => [...(members[id]?.keys() ?? [])])])) {
    const shown = Object.fromEntries(ids.map((id) => [id, members[id]?.get(key)]));
    const agreed = base.get(key);
    const isNamed = world.named.some((one) => one.type === taxonomy.type && one.key === key);
    const isEverywhere = ids.every((id) => shown[id] !== undefined);
    const saysOf = (field: string): string[] =>
      ids.filter((id) => held[id]?.includes(field)).map((id) => textOf(shown[id]?.[field]));
    const isAlike = isEverywhere && fieldNames.every((field) => new Set(saysOf(field)).size <= 1);
    const isHeldBySomebody = (field: string): boolean => ids.some((id) => held[id]?.includes(field));
    const isEqual =
      isAlike &&
      agreed !== undefined &&
      fieldNames.every((field) => !isHeldBySomebody(field) || saysOf(field)[0] === textOf(agreed[field]));
    if (isEqual && !isRegrouped) continue;
    if (passes && !isNamed) {
      if (!isRegrouped && isAlike && agreed === undefined) {
        unanimous.push({ key, members: shown, base: agreed });
        continue;
      }
      if (hasSets && isEverywhere && agreed && isInOtherWords(shown, agreed, type)) continue;
    }
    views.push({ key, members: shown, base: agreed });
  }
  return { views, unanimous };
}

/** What no member may be asked about record by record: nothing is joined, referred to, unique, hidden or decided by who is away. */
function mayPass({ shape }: World, { taxonomy, digests, policy, absent }: DatasetType): boolean {
  const refersTo = (kind: FieldKind): readonly string[] =>
    kind.kind === 'reference' ? kind.of : kind.kind === 'set' && kind.of !== 'text' ? [kind.of] : [];
  const all = shape.types.flatMap((one) =>
    Object.values(one.taxonomy.fields).flatMap((kind) => refersTo(kind).flatMap((of) => [of, one.taxonomy.type])),
  );
  return (
    taxonomy.key !== undefined &&
    !all.includes(taxonomy.type) &&
    digests.length === 0 &&
    policy?.unique === undefined &&
    (absent.length === 0 || policy?.fields === undefined)
  );
}

function isInOtherWords(shown: PlainView['members'], base: Fields, { taxonomy, held }: DatasetType): boolean {
  return Object.entries(held).every(([id, fields]) =>
    fields.every((field) => {
      const value = shown[id]?.[field];
      if (value === undefined) return true;
      return textOf(taxonomy.fields[field]?.kind === 'set' ? elements(value) : value) === textOf(base[field]);
    }),
  );
}

export function elements(value: Json | undefined): readonly string[] {
  return [...new Set((value ?? []) as string[])].sort();
}
