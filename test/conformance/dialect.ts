/** How each kind of cloud says the same things about a user and a group, so that one case serves all. */
import type { Mesh } from '../../core/federation/authority.js';
import { assertNever, isJsonObject, type Json, type JsonObject } from '../../core/json.js';
import type { Deviation } from './world.js';

/** The words of one kind of cloud, before a system's own deviations. */
type Words = Omit<Dialect, 'kept'>;

export interface Dialect {
  /** What of a body the system is expected to show again. */
  kept(type: 'user' | 'group', body: JsonObject): JsonObject;
  /** A new user under a name of its own. */
  user(name: string): JsonObject;
  group(name: string, members: readonly string[]): JsonObject;
  /** The same user under another unique name. */
  renamed(user: JsonObject, name: string): JsonObject;
  /** The user with a text in a property that may be written and cleared freely. */
  noted(user: JsonObject, text: string): JsonObject;
  /** That text; null where there is none. */
  noteOf(user: JsonObject): Json;
  cleared(user: JsonObject): JsonObject;
  withMembers(group: JsonObject, members: readonly string[]): JsonObject;
  /** A user that this cloud cannot hold, which the connector must say before it sends anything. */
  readonly impossible: JsonObject;
  /** A text that needs care on its way and is allowed in `noted`. */
  readonly difficultText: string;
  /** A name with characters that need care in queries. */
  readonly difficultName: string;
  readonly namesIgnoreCase: boolean;
  /** Whether a user in a group is deleted only where the map lets memberships go. */
  readonly membershipsBlockUserDeletion: boolean;
}

const noteIn =
  (property: string) =>
  (body: JsonObject, text: string | null): JsonObject => ({ ...body, [property]: text });

function awsIam(pathPrefix: string): Words {
  const tagsOf = (body: JsonObject): JsonObject => {
    const tags = body['Tags'];
    return isJsonObject(tags) ? tags : {};
  };
  const user = (name: string): JsonObject => ({
    UserName: name,
    Path: pathPrefix,
    Tags: { email: `${name.toLowerCase().replace(/[^a-z0-9.-]/g, '-')}@example.org` },
  });
  return {
    user,
    group: (name, members) => ({ GroupName: name, Path: pathPrefix, members }),
    renamed: (body, name) => ({ ...body, UserName: name }),
    noted: (body, text) => ({ ...body, Tags: { ...tagsOf(body), note: text } }),
    noteOf: (body) => tagsOf(body)['note'] ?? null,
    cleared: (body) => {
      const { note: _, ...rest } = tagsOf(body);
      return { ...body, Tags: rest };
    },
    withMembers: (body, members) => ({ ...body, members }),
    impossible: { ...user('impossible'), Tags: { note: "O'Brien & Co" } },
    difficultText: 'Zoë Łukasiewicz =27 +/@.:_-',
    difficultName: 'a+b=c,d.e@f-g_h',
    namesIgnoreCase: true,
    membershipsBlockUserDeletion: true,
  };
}

function entra(domain: string, groupPrefix: string): Words {
  const note = noteIn('givenName');
  const user = (name: string): JsonObject => ({
    userPrincipalName: `${name}@${domain}`,
    mailNickname: name.replaceAll("'", '-'),
    displayName: `Person ${name}`,
    mail: `${name.replaceAll("'", '-')}@example.org`,
    accountEnabled: true,
  });
  return {
    user,
    group: (name, members) => ({
      displayName: `${groupPrefix}${name}`,
      mailNickname: `${groupPrefix}${name}`,
      uniqueName: `${groupPrefix}${name}`,
      description: `What ${name} does`,
      mailEnabled: false,
      securityEnabled: true,
      members,
    }),
    renamed: (body, name) => ({ ...body, userPrincipalName: `${name}@${domain}` }),
    noted: (body, text) => note(body, text),
    noteOf: (body) => body['givenName'] ?? null,
    cleared: (body) => note(body, null),
    withMembers: (body, members) => ({ ...body, members }),
    impossible: { displayName: 'No principal name', mailNickname: 'none', accountEnabled: true },
    difficultText: 'Zoë O\'Brien & "Sons" = 100 % + ünïcode 李',
    difficultName: "o'brien",
    namesIgnoreCase: true,
    membershipsBlockUserDeletion: false,
  };
}

function keystone(): Words {
  const note = noteIn('note');
  const user = (name: string): JsonObject => ({ name, email: `${name}@example.org`, enabled: true });
  return {
    user,
    group: (name, members) => ({ name, description: `What ${name} does`, members }),
    renamed: (body, name) => ({ ...body, name }),
    noted: (body, text) => note(body, text),
    noteOf: (body) => body['note'] ?? null,
    cleared: (body) => note(body, null),
    withMembers: (body, members) => ({ ...body, members }),
    impossible: user('ends in a space '),
    difficultText: 'Zoë O\'Brien & "Sons" = 100 % + ünïcode 李',
    difficultName: "o'brien & sons + 100 %/?#",
    namesIgnoreCase: false,
    membershipsBlockUserDeletion: true,
  };
}

function wordsOf(mesh: Mesh): Words {
  switch (mesh.kind) {
    case 'aws-iam':
      return awsIam(mesh.pathPrefix);
    case 'entra':
      return entra(mesh.domain ?? 'contoso.example', mesh.groupPrefix ?? '');
    case 'keystone':
      return keystone();
    case 'folder':
    case 'postgresql':
    case 'dynamodb':
    case 's3':
    case 'azure-tables':
    case 'azure-blob':
    case 'cosmos':
    case 'swift':
      throw new Error(`a ${mesh.kind} has no users and groups`);
    default:
      return assertNever(mesh);
  }
}

export function dialectOf(mesh: Mesh, deviations: readonly Deviation[]): Dialect {
  const words = wordsOf(mesh);
  const without =
    (treatments: readonly string[]) =>
    (type: 'user' | 'group', body: JsonObject): JsonObject => {
      const dropped = deviations.flatMap((deviation) =>
        deviation.kind === 'property' && deviation.type === type && treatments.includes(deviation.treatment)
          ? [deviation.property]
          : [],
      );
      return Object.fromEntries(Object.entries(body).filter(([property]) => !dropped.includes(property)));
    };
  const written = without(['notWritten']);
  return {
    ...words,
    kept: without(['notKept', 'notWritten']),
    user: (name) => written('user', words.user(name)),
    group: (name, members) => written('group', words.group(name, members)),
  };
}
