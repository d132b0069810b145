/**
 * Reading the users, groups and members of one domain.
 * https://docs.openstack.org/api-ref/identity/v3/#list-users, #list-groups, #list-users-in-group
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { byCodeUnit, type JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem } from '../connector.js';
import { GroupAnswer, nativeGroup, nativeUser, UserAnswer, type KeystoneRecord } from './body.js';
import type { KeystoneClient } from './client.js';
import { cursorOf, isAmongPeople, type PeoplePosition, type Position, type PositionIn } from './cursor.js';
import { replyError } from './http.js';
import type { PersonType } from './native-types.js';
import { listOf, pageLength, readPage, readWhole, type Page } from './page.js';

/** Lists of members that are asked for at once. */
const memberListsAtOnce = 8;

export interface PeopleRequest {
  readonly position: PeoplePosition;
  /** Where the read goes on once people are done. */
  readonly next: Position;
  readonly wanted: readonly string[];
  /** Why nothing that a list says could be believed. */
  readonly distrusted: ErrorCode | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface KeystoneReader {
  /** Why nothing that a list says could be believed. HAZARD: of a domain that does not exist, lists are empty and complete. */
  distrust(signal?: AbortSignal): Promise<ErrorCode | undefined>;
  readonly start: PeoplePosition;
  readPeople(request: PeopleRequest): AsyncGenerator<ReadItem>;
  /** Throws ConcordatError. Whether it exists and belongs to the domain. */
  isOurs(type: PersonType, id: string): Promise<boolean>;
  /** Throws ConcordatError; null where it does not exist or belongs to another domain. */
  readOne(type: PersonType, id: string): Promise<NativeObject | null>;
  findTwin(type: PersonType, after: JsonObject): Promise<NativeObject | null>;
  /** Whether a user is in any group, or a group has any member, that this token can see. */
  hasMemberships(type: PersonType, id: string): Promise<boolean>;
}

interface Step {
  readonly item?: ReadItem;
  readonly position: Position;
}

type MembersRead = { readonly members: readonly KeystoneRecord[] } | { readonly reason: ErrorCode };

/** A page of groups, in an order in which `after` names a place. */
interface GroupsPage extends Page {
  readonly query: string;
}

function endOf(scope: string, nativeType: PersonType, reason: ErrorCode | undefined, position: Position): Step {
  const verdict = reason === undefined ? { complete: true } : { complete: false, reason };
  return { item: { kind: 'scopeEnd', scope, nativeType, ...verdict, cursor: cursorOf(position) }, position };
}

function reasonOf(reason: ErrorCode | undefined): { reason?: ErrorCode } {
  return reason === undefined ? {} : { reason };
}

function isAscending(records: readonly KeystoneRecord[]): boolean {
  return records.every((record, index) => index === 0 || byCodeUnit(records[index - 1]?.id ?? '', record.id) < 0);
}

export function createKeystoneReader(client: KeystoneClient, domain: string): KeystoneReader {
  const firstPage = `?${new URLSearchParams({ domain_id: domain, limit: String(pageLength) }).toString()}`;
  const usersStart: PeoplePosition = { at: 'users', page: firstPage };
  const groupsStart: PeoplePosition = { at: 'groups', page: firstPage, untold: [] };

  const distrust: KeystoneReader['distrust'] = async (signal) => {
    let checked;
    try {
      checked = await client.read(`/domains/${encodeURIComponent(domain)}`, signal);
    } catch (error) {
      if (error instanceof ConcordatError && error.code === 'scopeNotFound') return error.code;
      throw error;
    }
    if (checked.reply.status === 404) return 'scopeNotFound';
    // A token scoped to the domain proves that it exists, where the cloud lets only others read domains.
    return checked.token.domain === domain ? undefined : 'wrongAccount';
  };

  const readMembers = async (group: string, signal?: AbortSignal): Promise<MembersRead> => {
    try {
      const path = `/groups/${encodeURIComponent(group)}/users`;
      const members = await readWhole(client, listOf(path, 'users'), '', signal);
      // Listed a moment ago and gone now: told as not read, so that the next run finds out.
      return members === null ? { reason: 'expectationFailed' } : { members };
    } catch (error) {
      const partial: readonly ErrorCode[] = ['forbidden', 'truncated', 'unexpectedAnswer', 'wrongAccount'];
      if (error instanceof ConcordatError && partial.includes(error.code)) return { reason: error.code };
      throw error;
    }
  };

  const usersStep = async (at: PositionIn<'users'>, signal?: AbortSignal): Promise<Step> => {
    const page = await readPage(client, listOf('/users', 'users'), at.page, signal);
    if (page.kind === 'gone') return { position: { at: 'usersEnd', reason: 'unexpectedAnswer' } };
    if (page.kind === 'stopped') return { position: { at: 'usersEnd', reason: page.reason } };
    const position: Position =
      page.next === undefined
        ? { at: 'usersEnd', ...reasonOf(page.truncated ? 'truncated' : undefined) }
        : { at: 'users', page: page.next };
    const objects = page.records.filter((record) => (record.domain_id ?? domain) === domain).map(nativeUser);
    if (objects.length === 0) return { position };
    return { item: { kind: 'objects', scope: 'users', objects, cursor: cursorOf(position) }, position };
  };

  const groupsOf = async (query: string, signal?: AbortSignal): Promise<GroupsPage | ErrorCode> => {
    const page = await readPage(client, listOf('/groups', 'groups'), query, signal);
    if (page.kind === 'gone') return 'unexpectedAnswer';
    if (page.kind === 'stopped') return page.reason;
    const own = page.records.filter((record) => (record.domain_id ?? domain) === domain);
    return { ...page, query, records: own };
  };

  const groupsStep = async (at: PositionIn<'groups'>, page: GroupsPage, signal?: AbortSignal): Promise<Step> => {
    // A page that is asked for again may have shifted. A place in it is safe to resume from where nothing can shift past
    // it: the list is one page, or pages follow the order of ids. Else the page is told as one item.
    const isWhole = page.next === undefined && !new URLSearchParams(page.query).has('marker');
    const isResumable = isWhole || isAscending(page.records);
    const { after } = at;
    if (after !== undefined && !isResumable) throw new ConcordatError('cursorLost', 'the order of groups changed');
    const left = page.records
      .filter(({ id }) => after === undefined || byCodeUnit(id, after) > 0)
      .sort((one, other) => byCodeUnit(one.id, other.id));
    const batch = isResumable ? left.slice(0, memberListsAtOnce) : left;
    const objects: NativeObject[] = [];
    const untold: PositionIn<'groups'>['untold'] = [];
    for (let start = 0; start < batch.length; start += memberListsAtOnce) {
      const reads = batch
        .slice(start, start + memberListsAtOnce)
        .map(async (group) => ({ group, read: await readMembers(group.id, signal) }));
      for (const { group, read } of await Promise.all(reads)) {
        if ('reason' in read) untold.push({ group: group.id, reason: read.reason });
        objects.push(nativeGroup(group, 'reason' in read ? undefined : read.members, domain));
      }
    }
    const last = batch.at(-1);
    let position: Position;
    if (last && batch.length < left.length) position = { at: 'groups', page: at.page, after: last.id, untold };
    else if (page.next !== undefined) position = { at: 'groups', page: page.next, untold };
    else position = { at: 'groupsEnd', untold, ...reasonOf(page.truncated ? 'truncated' : undefined) };
    if (objects.length === 0) return { position };
    return { item: { kind: 'objects', scope: 'groups', objects, cursor: cursorOf(position) }, position };
  };

  const record = async (type: PersonType, id: string): Promise<KeystoneRecord | null> => {
    const path = `/${type}s/${encodeURIComponent(id)}`;
    const { reply, token } = await client.read(path);
    const what = `GET /v3/${type}s/{id}`;
    if (token.domain !== domain)
      throw new ConcordatError('wrongAccount', `the token is not scoped to domain ${domain}`);
    if (reply.status === 404) return null;
    if (reply.status === 403) throw replyError('forbidden', what, reply);
    const body = type === 'user' ? UserAnswer.safeParse(reply.body) : GroupAnswer.safeParse(reply.body);
    if (reply.status !== 200 || !body.success) throw replyError('unexpectedAnswer', what, reply);
    const found = 'user' in body.data ? body.data.user : body.data.group;
    // HAZARD: role admin on one domain reads and writes all of them in Keystone 22. Another domain is not ours.
    return (found.domain_id ?? domain) === domain ? found : null;
  };

  const withMembers = async (type: PersonType, found: KeystoneRecord): Promise<NativeObject | null> => {
    if (type === 'user') return nativeUser(found);
    const read = await readMembers(found.id);
    if (!('reason' in read)) return nativeGroup(found, read.members, domain);
    return read.reason === 'expectationFailed' ? null : nativeGroup(found, undefined, domain);
  };

  return {
    distrust,
    start: usersStart,

    async *readPeople({ position: from, next, wanted, distrusted: reason, signal }) {
      const afterUsers = wanted.includes('group') ? groupsStart : next;
      let position: Position = from === usersStart && !wanted.includes('user') ? afterUsers : from;
      let page: GroupsPage | undefined;
      while (isAmongPeople(position)) {
        signal?.throwIfAborted();
        let step: Step;
        switch (position.at) {
          case 'users':
            step = reason === undefined ? await usersStep(position, signal) : { position: { at: 'usersEnd', reason } };
            break;
          case 'usersEnd':
            step = endOf('users', 'user', position.reason, afterUsers);
            break;
          case 'groups':
          case 'groupsEnd': {
            const [untold, ...untoldRest] = position.untold;
            if (untold) {
              const scope = `groups/${untold.group}/members`;
              step = endOf(scope, 'group', untold.reason, { ...position, untold: untoldRest });
            } else if (position.at === 'groupsEnd') {
              step = endOf('groups', 'group', position.reason, next);
            } else if (reason !== undefined) {
              step = { position: { at: 'groupsEnd', untold: [], reason } };
            } else {
              const read = page?.query === position.page ? page : await groupsOf(position.page, signal);
              if (typeof read === 'string') step = { position: { at: 'groupsEnd', untold: [], reason: read } };
              else step = await groupsStep(position, (page = read), signal);
            }
            break;
          }
        }
        if (step.item) yield step.item;
        position = step.position;
      }
    },

    isOurs: async (type, id) => (await record(type, id)) !== null,

    readOne: async (type, id) => {
      const found = await record(type, id);
      return found === null ? null : withMembers(type, found);
    },

    // Whether two names are the same is the backend's to say (MySQL folds case, SQLite and PostgreSQL do not), so its
    // filter is asked, and the spelling that equals exactly goes first.
    findTwin: async (type, after) => {
      const name = after['name'];
      if (typeof name !== 'string' || name === '') return null;
      const query = `?${new URLSearchParams({ domain_id: domain, name }).toString()}`;
      const collection = type === 'user' ? 'users' : 'groups';
      const found = await readWhole(client, listOf(`/${collection}`, collection), query);
      const own = (found ?? []).filter((record) => (record.domain_id ?? domain) === domain);
      const folded = name.toLowerCase();
      const twin =
        own.find((record) => record['name'] === name) ??
        own.find((record) => typeof record['name'] === 'string' && record['name'].toLowerCase() === folded);
      return twin === undefined ? null : withMembers(type, twin);
    },

    hasMemberships: async (type, id) => {
      const path = `/${type}s/${encodeURIComponent(id)}/${type === 'user' ? 'groups' : 'users'}`;
      const page = await readPage(client, listOf(path, type === 'user' ? 'groups' : 'users'), '');
      if (page.kind === 'gone') return false;
      if (page.kind === 'stopped')
        throw new ConcordatError(page.reason, `memberships of the ${type} could not be read`);
      return page.records.length > 0 || page.truncated || page.next !== undefined;
    },
  };
}
