/** What clouds hold and how they answer writes: enough of a cloud to see what a plan does to it. */
import { digestOf } from '../../../core/digest.js';
import { applyChanges, setElements, touchedState, type Operation } from '../../../core/operation.js';
import type { Outcome } from '../../../core/receipt.js';
import type { Fields } from '../../../core/record.js';
import type { Holdings } from './shape.js';

export type TypeName = keyof Holdings;
export const typeNames: readonly TypeName[] = ['person', 'team', 'grant'];

/** The records of one mesh, per type and key. */
export class Cloud {
  readonly records: Record<TypeName, Map<string, Fields>>;

  readonly held: Readonly<Partial<Record<TypeName, readonly string[]>>>;

  constructor(
    held: Readonly<Partial<Record<TypeName, readonly string[]>>>,
    records: Partial<Record<TypeName, ReadonlyMap<string, Fields>>> = {},
  ) {
    this.held = held;
    this.records = {
      person: new Map(records.person),
      team: new Map(records.team),
      grant: new Map(records.grant),
    };
  }

  copy(): Cloud {
    return new Cloud(this.held, this.records);
  }

  /** A new object shows all that this cloud has a place for, empty where nothing was said. */
  emptyRecord(type: TypeName): Fields {
    const held = this.held[type] ?? [];
    return Object.fromEntries(held.map((field) => [field, type === 'team' && field !== 'title' ? [] : null]));
  }

  /** As clouds do: with a person go the person's memberships, and with person or team the grants. */
  delete(type: TypeName, key: string): void {
    this.records[type].delete(key);
    for (const [name, fields] of this.records.grant)
      if (Object.values(fields).includes(`${type}/${key}`)) this.records.grant.delete(name);
    if (type !== 'person') return;
    for (const [name, fields] of this.records.team) {
      if (fields['people'] === undefined) continue;
      this.records.team.set(name, { ...fields, people: setElements(fields['people']).filter((one) => one !== key) });
    }
  }

  /** Whether all that a grant refers to is here. */
  hasAll(fields: Fields): boolean {
    return Object.values(fields).every((value) => {
      const [type, key] = typeof value === 'string' ? value.split('/') : [];
      return key !== undefined && this.records[type as TypeName].has(key);
    });
  }

  write(operation: Operation): Outcome {
    const type = operation.type as TypeName;
    const current = this.records[type].get(operation.key) ?? null;
    const found = digestOf(touchedState(operation.changes, current));
    if (found === operation.leaves) return 'alreadyApplied';
    if (found !== operation.expects) return 'conflict';
    if (operation.kind === 'delete') {
      this.delete(type, operation.key);
      return 'applied';
    }
    const unknownPeople = operation.changes.some(
      (change) =>
        change.kind === 'set' &&
        change.field === 'people' &&
        change.add.some((element) => !this.records.person.has(element)),
    );
    if (unknownPeople) return 'refused';
    if (
      type === 'grant' &&
      !this.hasAll(
        Object.fromEntries(
          operation.changes.map((change) => [change.field, change.kind === 'value' ? change.after : null]),
        ),
      )
    )
      return 'refused';
    this.records[type].set(operation.key, applyChanges(operation.changes, current ?? this.emptyRecord(type)));
    return 'applied';
  }
}

/** Creations and updates in order of dependency, then deletions the other way round, as the gate orders them. */
export function inWriteOrder(operations: readonly Operation[]): readonly Operation[] {
  const rank = ({ kind, type }: Operation): number =>
    kind === 'delete' ? 10 - typeNames.indexOf(type as TypeName) : typeNames.indexOf(type as TypeName);
  return [...operations].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}
