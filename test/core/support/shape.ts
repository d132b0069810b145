/** A small dataset of people and teams: who holds which fields is all that tests of the pure pipeline vary. */
import { Dataset } from '../../../core/federation/dataset.js';
import type { DatasetShape, DatasetType } from '../../../core/federation/federation.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { HeldFields } from '../../../core/compare.js';
import type { Resolution } from '../../../core/federation/resolution.js';
import { naturalKeyOf } from '../../../core/natural-key.js';

export const person = TaxonomyType.parse({
  type: 'person',
  fields: {
    mail: { kind: 'text' },
    // What values permit is read by one policy only.
    name: { kind: 'text', privileges: { capabilities: { a: ['read'], b: ['read', 'write'], c: ['read', 'audit'] } } },
    phone: { kind: 'text', privileges: { order: [null, 'a', 'b', 'c'] } },
  },
});
export const team = TaxonomyType.parse({
  type: 'team',
  fields: {
    title: { kind: 'text' },
    people: { kind: 'set', of: 'person' },
    labels: { kind: 'set', of: 'text' },
  },
});

/** An edge: who may work on what. */
export const grant = TaxonomyType.parse({
  type: 'grant',
  fields: { on: { kind: 'reference', of: ['team'] }, who: { kind: 'reference', of: ['person'] } },
  key: ['who', 'on'],
});

export function grantFields(who: string, on: string): { readonly on: string; readonly who: string } {
  return { on: `team/${on}`, who: `person/${who}` };
}

export function grantKey(who: string, on: string): string {
  const found = naturalKeyOf(grant, grantFields(who, on));
  if (found.kind !== 'key') throw new Error(`no key: ${found.kind}`);
  return found.key;
}

export interface Holdings {
  readonly person: HeldFields;
  readonly team: HeldFields;
  /** Left out where a test has no edges. */
  readonly grant?: HeldFields;
}

/** Everybody holds every field. */
export function fullHoldings(members: readonly string[]): Holdings {
  return {
    person: Object.fromEntries(members.map((member) => [member, ['mail', 'name', 'phone']])),
    team: Object.fromEntries(members.map((member) => [member, ['labels', 'people', 'title']])),
  };
}

export function shapeOf(
  holdings: Holdings,
  commit: Dataset['commit'] = 'permitted',
  resolution: Resolution = {},
): DatasetShape {
  const members = [...new Set([...Object.keys(holdings.person), ...Object.keys(holdings.team)])].sort();
  const types = ['person', 'team', ...(holdings.grant ? ['grant'] : [])];
  const typeOf = (taxonomy: TaxonomyType, held: HeldFields): DatasetType => ({
    taxonomy,
    held,
    absent: [],
    groups: [],
    digests: [],
    ...(resolution[taxonomy.type] ? { policy: resolution[taxonomy.type] } : {}),
  });
  return {
    dataset: { ...Dataset.parse({ dataset: 'workforce', types, members, commit }), schedule: null },
    members,
    absent: [],
    types: [
      typeOf(person, holdings.person),
      typeOf(team, holdings.team),
      ...(holdings.grant ? [typeOf(grant, holdings.grant)] : []),
    ],
    configuration: '0'.repeat(64),
  };
}
