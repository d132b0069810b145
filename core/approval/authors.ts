/**
 * Separation of duties: who stands behind an operation. A change that was observed in a cloud has no author here. One
 * that exists because somebody said which records are the same, or are not, has that person as its author, and so has one that
 * follows from a document that somebody signed (core/federation/documents-behind.ts). Nobody approves alone what they authored.
 */
import { newKey, type Assignment, type StandingLink } from '../correlate.js';
import { byCodeUnit } from '../json.js';
import type { NewVersion } from '../new-versions.js';
import type { Operation } from '../operation.js';
import { isProvisional, type AuthorityId } from '../record.js';

/** Who is listed by an authority, under which name and with which key. */
interface Listed {
  readonly approvers: readonly { readonly id: string; readonly key?: { readonly x: string } | undefined }[];
}

/** A person who stands behind something: listed by `authority` under this name, or wherever `key` is listed. */
export interface Author {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly key?: { readonly x: string };
}

/** Anything that a person signed and that operations follow from: a document, or whatever else names its operations itself. */
export interface SignedCause {
  readonly author: Author;
  readonly isBehind: (operation: Operation) => boolean;
  /** Absent where it is behind none. */
  readonly isBehindVersion?: (version: NewVersion) => boolean;
}

/** One statement, found under the keys of the records that it joined or kept apart. */
interface Authored {
  readonly author: Author;
  /** Whose view of the record the statement changed; null where that cannot be told, which is taken as everybody's. */
  readonly at: AuthorityId | null;
}

export class Authorship {
  /** By `type key` for records, and by key alone for what may be an element of a set. */
  readonly #byRecord = new Map<string, Authored[]>();
  readonly #byElement = new Map<string, Authored[]>();
  readonly #authorities: Readonly<Record<AuthorityId, Listed>>;

  readonly #causes: readonly SignedCause[];

  /** `links` of all members' standings; `assignments` of the correlation that this run's snapshots applied. */
  constructor(
    authorities: Readonly<Record<AuthorityId, Listed>>,
    links: readonly StandingLink[],
    assignments: readonly Assignment[],
    causes: readonly SignedCause[] = [],
  ) {
    this.#authorities = authorities;
    this.#causes = causes;
    const assigned = new Map(assignments.map(({ type, from, key }) => [`${type} ${from}`, key]));
    const keysOf = (type: string, key: string): readonly string[] => {
      if (!isProvisional(key)) return [key];
      const given = assigned.get(`${type} ${key}`);
      // Alone in its cluster, the record got the key that follows from its own digest.
      return [key, newKey(type, [key]), ...(given === undefined ? [] : [given])];
    };
    for (const { authority, approver, type, record, to, key } of links) {
      const authored: Authored = { author: { authority, approver }, at: isProvisional(to) ? null : authority };
      for (const one of new Set([...keysOf(type, record), ...keysOf(type, to), ...(key === null ? [] : [key])])) {
        keep(this.#byRecord, `${type} ${one}`, authored);
        keep(this.#byElement, one, authored);
      }
    }
  }

  /** The approvers of `authority`, by id, who are one person with an author of the operation. Sorted. */
  of(operation: Operation, authority: AuthorityId): readonly string[] {
    const people = new Set<string>();
    for (const { author, at } of new Set(this.#mentioned(operation))) {
      const isMeant = at === null || at === operation.authority || operation.because.includes(at);
      if (isMeant) for (const id of samePerson(this.#authorities, author, authority)) people.add(id);
    }
    for (const { author, isBehind } of this.#causes)
      if (isBehind(operation)) for (const id of samePerson(this.#authorities, author, authority)) people.add(id);
    return [...people].sort(byCodeUnit);
  }

  /** The same of a new version: whoever signed the document that is new. */
  ofVersion(version: NewVersion, authority: AuthorityId): readonly string[] {
    const people = this.#causes
      .filter(({ isBehindVersion }) => isBehindVersion?.(version) === true)
      .flatMap(({ author }) => samePerson(this.#authorities, author, authority));
    return [...new Set(people)].sort(byCodeUnit);
  }

  /** The record itself, or as a member of a set: whoever links an account to a person must not walk into their teams. */
  #mentioned({ type, key, changes }: Operation): readonly Authored[] {
    const elements = changes.flatMap((change) => (change.kind === 'set' ? [...change.add, ...change.remove] : []));
    return [
      ...(this.#byRecord.get(`${type} ${key}`) ?? []),
      ...elements.flatMap((element) => this.#byElement.get(element) ?? []),
    ];
  }
}

function keep(known: Map<string, Authored[]>, name: string, authored: Authored): void {
  const there = known.get(name);
  if (there) there.push(authored);
  else known.set(name, [authored]);
}

/** A person may be listed by several authorities, under different names; the key tells. */
function samePerson(
  authorities: Readonly<Record<AuthorityId, Listed>>,
  { authority, approver, key: own }: Author,
  at: AuthorityId,
): readonly string[] {
  const key = own?.x ?? authorities[authority]?.approvers.find(({ id }) => id === approver)?.key?.x;
  return (authorities[at]?.approvers ?? [])
    .filter((one) => (at === authority && one.id === approver) || (key !== undefined && one.key?.x === key))
    .map(({ id }) => id);
}
