/**
 * Delta queries on users and groups (https://learn.microsoft.com/graph/delta-query-overview): what is not as it was when the token was given.
 *
 * As in Graph, a deleted user is not told as having left its groups, nor one that was restored as being back: the membership
 * itself did not change. Whoever follows groups must know.
 */
import { isDeepStrictEqual } from 'node:util';
import { badRequest, GraphProblem, json, type Call } from './call.js';
import { selectOf, show } from './odata.js';
import type { EntraGroup, EntraState, EntraUser, Properties } from './state.js';
import type { SandboxAnswer } from '../http/service.js';

type Kind = 'user' | 'group';

interface Seen {
  readonly properties: Properties;
  readonly members: readonly string[];
}
/** By id. */
type Snapshot = ReadonlyMap<string, Seen>;

/** What Graph may do to whoever asks: it promises neither order nor single telling, and forgets. */
export interface DeltaFaults {
  /** Every entry twice, the second time among those of other objects. */
  repeated: boolean;
  reversed: boolean;
  /** Tokens given so far are known no longer. */
  expired: boolean;
  /** Delta shows the tenant as it was when this became true. */
  late: boolean;
}

interface Query {
  readonly kind: Kind;
  readonly select: readonly string[] | undefined;
  readonly hasMembers: boolean;
}
interface Place {
  readonly query: Query;
  readonly entries: readonly Properties[];
  readonly target: Snapshot;
}

const noFaults: DeltaFaults = { repeated: false, reversed: false, expired: false, late: false };

export class DeltaQueries {
  readonly #state: EntraState;
  readonly #places = new Map<string, Place>();
  readonly #shown: Partial<Record<Kind, Snapshot>> = {};
  #made = 0;
  faults: DeltaFaults = { ...noFaults };
  pageSize = 100;

  constructor(state: EntraState) {
    this.#state = state;
  }

  set(faults: Partial<DeltaFaults>): void {
    if (faults.late === true && !this.faults.late)
      for (const kind of ['user', 'group'] as const) this.#shown[kind] = this.#look(kind);
    this.faults = { ...this.faults, ...faults };
    if (faults.expired === true) this.#places.clear();
  }
  clear(): void {
    this.#places.clear();
    this.faults = { ...noFaults };
  }

  answer(call: Call, kind: Kind): SandboxAnswer {
    const parameters = call.request.url.searchParams;
    const text = (name: string): string | null =>
      [...parameters].find(([each]) => each.toLowerCase() === name)?.[1] ?? null;
    const token = text('$deltatoken');
    const skip = text('$skiptoken');
    if (parameters.has('$filter')) throw badRequest('$filter is not supported here.');
    const known = token === null || token === 'latest' ? skip : token;
    if (known === null) {
      const query = queryOf(call, kind);
      const target = this.#now(kind);
      const all = token === 'latest' ? [] : this.#entries(query, new Map(), target);
      return this.#page(call, { query, entries: all, target });
    }
    const place = this.#places.get(known);
    if (!place || place.query.kind !== kind)
      throw new GraphProblem(410, 'syncStateNotFound', 'The sync state generation is not found. Resync required.');
    if (skip !== null) return this.#page(call, place);
    const target = this.#now(kind);
    return this.#page(call, { query: place.query, target, entries: this.#entries(place.query, place.target, target) });
  }

  #page(call: Call, { query, entries, target }: Place): SandboxAnswer {
    const rest = entries.slice(this.pageSize);
    const link = (name: string, left: readonly Properties[]): string => {
      this.#made += 1;
      const token = `token${this.#made}`;
      this.#places.set(token, { query, entries: left, target });
      return `${call.request.url.origin}${call.request.url.pathname}?${name}=${token}`;
    };
    return json(200, {
      '@odata.context': `${call.request.url.origin}/v1.0/$metadata#${query.kind}s`,
      ...(rest.length > 0
        ? { '@odata.nextLink': link('$skiptoken', rest) }
        : { '@odata.deltaLink': link('$deltatoken', []) }),
      value: entries.slice(0, this.pageSize),
    });
  }

  #now(kind: Kind): Snapshot {
    return (this.faults.late ? this.#shown[kind] : undefined) ?? this.#look(kind);
  }
  #look(kind: Kind): Snapshot {
    const objects: readonly (EntraUser | EntraGroup)[] =
      kind === 'user' ? this.#state.listUsers() : this.#state.listGroups();
    return new Map(
      objects.map((object) => [
        object.id,
        {
          properties: structuredClone(object.properties),
          members: object.kind === 'group' ? [...object.members].sort() : [],
        },
      ]),
    );
  }

  #entries({ kind, select, hasMembers }: Query, before: Snapshot, now: Snapshot): readonly Properties[] {
    const entries: Properties[] = [];
    const shownOf = (id: string, { properties }: Seen): Properties =>
      show(kind === 'user' ? { kind, id, properties } : { kind, id, properties, members: new Set() }, select);
    for (const [id, seen] of now) {
      const was = before.get(id);
      const [shown, shownBefore] = [shownOf(id, seen), was ? shownOf(id, was) : undefined];
      const members = hasMembers ? this.#membersDelta(was?.members ?? [], seen.members) : [];
      if (members.length === 0 && isDeepStrictEqual(shown, shownBefore)) continue;
      const told = Object.entries(shown).filter(
        ([name, value]) => value !== null || (shownBefore?.[name] ?? null) !== null,
      );
      entries.push({ ...Object.fromEntries(told), id, ...(members.length > 0 ? { 'members@delta': members } : {}) });
    }
    for (const id of before.keys())
      if (!now.has(id))
        entries.push({ id, '@removed': { reason: this.#state.deleted.has(id) ? 'changed' : 'deleted' } });
    const told = this.faults.repeated ? [...entries, ...entries] : entries;
    return this.faults.reversed ? told.toReversed() : told;
  }

  #membersDelta(before: readonly string[], now: readonly string[]): readonly Properties[] {
    const typed = (id: string): Properties => {
      const object = this.#state.get(id) ?? this.#state.deleted.get(id);
      return { '@odata.type': `#microsoft.graph.${object?.kind ?? 'user'}`, id };
    };
    return [
      ...now.filter((id) => !before.includes(id)).map(typed),
      ...before.filter((id) => !now.includes(id)).map((id) => ({ ...typed(id), '@removed': { reason: 'deleted' } })),
    ];
  }
}

function queryOf(call: Call, kind: Kind): Query {
  const url = new URL(call.request.url.href);
  const names = (url.searchParams.get('$select') ?? '').split(',').map((name) => name.trim());
  const hasMembers = kind === 'group' && names.includes('members');
  const others = names.filter((name) => name !== '' && !(kind === 'group' && name === 'members'));
  if (others.length > 0) url.searchParams.set('$select', others.join(','));
  else url.searchParams.delete('$select');
  return { kind, hasMembers, select: selectOf({ ...call, request: { ...call.request, url } }, kind) };
}
