/**
 * What the manifests forbid of one operation: writable types, fields and kinds, ceilings, and where values may go. Each
 * refuses the operation that it concerns and nothing else; none of them asks for more people, and no flag turns one off.
 *
 * Pure, and only ever stricter: adding a constraint anywhere releases no operation that was refused before.
 */
import { digestOf } from './digest.js';
import type { ErrorCode } from './errors.js';
import type { Authority } from './federation/authority.js';
import type { Ceiling, Residency } from './federation/constraints.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import { byCodeUnit } from './json.js';
import { isReferenceTo } from './lens/reference.js';
import { sameJson } from './lens/same-json.js';
import { applyChanges, type Change, type Operation } from './operation.js';
import type { AuthorityId, Fields } from './record.js';

export interface ConstraintRefusal {
  readonly code: Extract<ErrorCode, 'notWritable' | 'aboveCeiling' | 'residencyRefused'>;
  /** Says which constraint of whom, and no value. */
  readonly message: string;
}

export interface ConstraintInput {
  readonly operation: Operation;
  /** Terms in force of every member of the dataset. */
  readonly authorities: Readonly<Record<AuthorityId, Pick<Authority, 'authority' | 'constraints'>>>;
  readonly taxonomy: Readonly<Record<string, TaxonomyType>>;
  /** The record as each member shows it; undefined for who holds none. */
  readonly members: Readonly<Record<AuthorityId, Fields | undefined>>;
  /** Members that take no part: what they hold is not known, so they speak as if they held the record. */
  readonly absent: readonly AuthorityId[];
}

/** The first constraint that the operation breaks at the authority that it would write to; null where it breaks none. */
export function constraintRefusal(input: ConstraintInput): ConstraintRefusal | null {
  return notWritable(input) ?? aboveCeiling(input) ?? residencyRefused(input);
}

function ownConstraints({ operation, authorities }: ConstraintInput): Authority['constraints'] | undefined {
  return authorities[operation.authority]?.constraints;
}

function notWritable(input: ConstraintInput): ConstraintRefusal | null {
  const { operation } = input;
  const writable = ownConstraints(input)?.writable;
  if (!writable) return null;
  const terms = Object.hasOwn(writable, operation.type) ? writable[operation.type] : undefined;
  const refuse = (what: string): ConstraintRefusal => ({
    code: 'notWritable',
    message: `${operation.authority} lets nobody ${what} through federation (constraints.writable)`,
  });
  if (!terms) return refuse(`write a ${operation.type}`);
  if (terms.operations && !terms.operations.includes(operation.kind))
    return refuse(`${operation.kind} a ${operation.type}`);
  if (operation.kind === 'delete' || !terms.fields) return null;
  const foreign = operation.changes.find(({ field }) => !terms.fields?.includes(field));
  return foreign ? refuse(`set ${operation.type}.${foreign.field}`) : null;
}

function aboveCeiling(input: ConstraintInput): ConstraintRefusal | null {
  const { operation, members, taxonomy } = input;
  // Taking something away is never above a ceiling.
  if (operation.kind === 'delete') return null;
  const type = taxonomy[operation.type];
  const after = applyChanges(
    operation.changes,
    operation.kind === 'create' ? null : (members[operation.authority] ?? {}),
  );
  const broken = (ownConstraints(input)?.ceilings ?? []).find((ceiling) => {
    if (ceiling.type !== operation.type) return false;
    const change = operation.changes.find(({ field }) => field === ceiling.field);
    if (!change || !appliesTo(ceiling, after, type, taxonomy)) return false;
    const allowed = new Set(ceiling.among.flatMap((text) => valuesMeant(text, ceiling.field, type, taxonomy)));
    return writtenValues(change).some((value) => !allowed.has(value));
  });
  return broken
    ? {
        code: 'aboveCeiling',
        message: `${operation.authority} writes nothing but ${broken.among.join(', ')} to ${broken.type}.${broken.field} here: ${broken.reason}`,
      }
    : null;
}

/** HAZARD: a record that lacks a field that `where` names is none that the ceiling can leave out. */
function appliesTo(
  { where }: Ceiling,
  after: Fields,
  type: TaxonomyType | undefined,
  taxonomy: ConstraintInput['taxonomy'],
): boolean {
  return Object.entries(where).every(([field, wanted]) => {
    const value = after[field];
    if (value === undefined) return true;
    if (sameJson(value, wanted)) return true;
    return typeof wanted === 'string' && valuesMeant(wanted, field, type, taxonomy).some((one) => one === value);
  });
}

function writtenValues(change: Change): readonly string[] {
  if (change.kind === 'set') return change.add;
  if (change.after === null) return [];
  return [typeof change.after === 'string' ? change.after : JSON.stringify(change.after)];
}

/** A text as it stands; of a reference also the record that the text names, where its type is known by one field. */
function valuesMeant(
  text: string,
  field: string,
  type: TaxonomyType | undefined,
  taxonomy: ConstraintInput['taxonomy'],
): readonly string[] {
  const kind = type?.fields[field];
  if (kind?.kind !== 'reference' || isReferenceTo(text, kind.of)) return [text];
  return kind.of.flatMap((of) => {
    const [name, ...more] = taxonomy[of]?.key ?? [];
    if (name === undefined || more.length > 0) return [];
    return [`${of}/${digestOf({ type: of, key: { [name]: text } })}`];
  });
}

/** Values of a record may be written only where everybody who holds the record lets the field go. */
function residencyRefused(input: ConstraintInput): ConstraintRefusal | null {
  const { operation, authorities, members, absent } = input;
  if (operation.kind === 'delete') return null;
  const region = ownConstraints(input)?.residency?.region;
  const holders = [...Object.keys(members).filter((member) => members[member] !== undefined), ...absent];
  for (const holder of holders.sort(byCodeUnit)) {
    if (holder === operation.authority) continue;
    const broken = operation.changes.find(
      (change) => !mayGo(authorities[holder]?.constraints.residency, operation, change, region),
    );
    if (broken)
      return {
        code: 'residencyRefused',
        message: `${holder} keeps ${operation.type}.${broken.field} out of ${region ?? 'meshes that name no region'} (constraints.residency)`,
      };
  }
  return null;
}

function mayGo(
  residency: Residency | undefined,
  { type }: Operation,
  change: Change,
  region: string | undefined,
): boolean {
  const isNothing = change.kind === 'set' ? change.add.length === 0 : change.after === null;
  const regions = residency?.keepWithin[type]?.[change.field];
  return isNothing || regions === undefined || (region !== undefined && regions.includes(region));
}
