/**
 * What is known of the records that sets refer to while types are walked in order of dependency: a plan and a next base
 * fill it with people before they come to teams.
 *
 * Sets are compared without elements whose own existence is open. An element that a mesh does not show says nothing
 * where that mesh could not read the record; and none is added where the record is not, and will not be.
 */
import type { DatasetShape } from './federation/federation.js';
import type { Reference } from './lens/reference.js';
import { isProvisional, type AuthorityId } from './record.js';

export class References {
  readonly #holders = new Map<string, ReadonlySet<AuthorityId>>();
  readonly #open = new Set<string>();
  readonly #unread = new Set<string>();
  readonly #without = new Set<string>();
  readonly #placeless = new Set<string>();

  constructor(shape: DatasetShape, held: readonly { readonly type: string; readonly key: string }[]) {
    for (const type of shape.types) this.#holders.set(type.taxonomy.type, new Set(Object.keys(type.held)));
    for (const { type, key } of held) this.markOpen(type, key);
  }

  /** The record is in doubt: a case, a dispute about its existence, or a deletion that an incomplete snapshot holds back. */
  markOpen(type: string, key: string): void {
    this.#open.add(`${type} ${key}`);
  }

  /** The snapshot of this member is incomplete and does not show the record. */
  markUnread(type: string, key: string, member: AuthorityId): void {
    this.#unread.add(`${member} ${type} ${key}`);
  }

  /** This member does not hold the record and will not after the plan, or will let it go with the plan. */
  markWithout(type: string, key: string, member: AuthorityId): void {
    this.#without.add(`${member} ${type} ${key}`);
  }

  /** Whether a set of references to `of` means anything there: a mesh without people cannot tell who is in a team. */
  canSpeakOf(of: string, member: AuthorityId): boolean {
    return this.#holders.get(of)?.has(member) ?? true;
  }

  isOpen(of: string, element: string): boolean {
    return of !== 'text' && (isProvisional(element) || this.#open.has(`${of} ${element}`));
  }

  isUnread(of: string, element: string, member: AuthorityId): boolean {
    return this.#unread.has(`${member} ${of} ${element}`);
  }

  /** Whether what a record refers to by single values is in doubt, so that the record itself has to wait. */
  areOpen(references: readonly Reference[]): boolean {
    return references.some(({ type, key }) => this.isOpen(type, key));
  }

  /** HAZARD: what a mesh could not read, it cannot show the edges of. They are unread there and not deleted. */
  areUnread(references: readonly Reference[], member: AuthorityId): boolean {
    return references.some(({ type, key }) => this.isUnread(type, key, member));
  }

  /** Whether this mesh has a place for all that a record refers to; without it the record is not missing there. */
  hasPlaceFor(references: readonly Reference[], member: AuthorityId): boolean {
    return references.every(
      ({ type, key }) => this.canSpeakOf(type, member) && !this.#placeless.has(`${member} ${type} ${key}`),
    );
  }

  /** The map of this member says that it has no image for the record. */
  markPlaceless(type: string, key: string, member: AuthorityId): void {
    this.#placeless.add(`${member} ${type} ${key}`);
  }

  /** Whether all that a record refers to is there, or will be with the plan. */
  canRefer(references: readonly Reference[], member: AuthorityId): boolean {
    return references.every(({ type, key }) => this.canAdd(type, key, member));
  }

  canAdd(of: string, element: string, member: AuthorityId): boolean {
    return !this.#unread.has(`${member} ${of} ${element}`) && !this.#without.has(`${member} ${of} ${element}`);
  }
}
