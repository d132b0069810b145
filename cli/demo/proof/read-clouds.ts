/**
 * Reads the three stand-ins from their own state, by code that shares nothing with connectors, maps or links: a fault
 * there must not be able to hide itself here.
 */
import { z } from 'zod';
import type { SandboxReady } from '../../local/local-federation.js';
import { players, type Player } from '../cast.js';
import { stateOf } from '../stand-ins.js';
import { personId, type HeldPerson, type HeldTeam, type Reading } from './reading.js';

const AwsState = z.object({
  users: z.array(
    z.object({ id: z.string(), path: z.string(), tags: z.array(z.object({ key: z.string(), value: z.string() })) }),
  ),
  groups: z.array(z.object({ name: z.string(), path: z.string(), members: z.array(z.string()) })),
});

const EntraState = z.object({
  users: z.array(z.object({ id: z.string(), properties: z.record(z.string(), z.unknown()) })),
  groups: z.array(z.object({ properties: z.record(z.string(), z.unknown()), members: z.array(z.string()) })),
});

const KeystoneState = z.object({
  users: z.array(
    z.object({ id: z.string(), domain: z.string(), enabled: z.boolean(), extra: z.record(z.string(), z.unknown()) }),
  ),
  groups: z.array(
    z.object({ domain: z.string(), name: z.string(), description: z.string(), members: z.array(z.string()) }),
  ),
});

/** Only what the federation shares: under this path, with this prefix, in this domain. */
const shared = { awsPath: '/workforce/', entraPrefix: 'team-', keystoneDomain: 'workforce' } as const;

export async function readClouds(sandbox: SandboxReady): Promise<readonly Reading[]> {
  return Promise.all(
    players.map(async ({ authority, cloud }) => readState(authority, cloud, await stateOf(sandbox, cloud))),
  );
}

export function readState(holder: string, cloud: Player['cloud'], state: unknown): Reading {
  switch (cloud) {
    case 'aws':
      return readAws(holder, AwsState.parse(state));
    case 'entra':
      return readEntra(holder, EntraState.parse(state));
    case 'keystone':
      return readKeystone(holder, KeystoneState.parse(state));
  }
}

function readAws(holder: string, state: z.infer<typeof AwsState>): Reading {
  const people = new Map<string, HeldPerson>();
  for (const { id, path, tags } of state.users) {
    if (!path.startsWith(shared.awsPath)) continue;
    const tag = (name: string): string | null => {
      const found = tags.find(({ key }) => key === name);
      return found ? untagged(found.value) : null;
    };
    people.set(id, {
      mail: (tag('email') ?? '').toLowerCase(),
      displayName: tag('displayName'),
      employeeId: tag('employeeId'),
      department: tag('department'),
    });
  }
  const teams = state.groups
    .filter(({ path }) => path.startsWith(shared.awsPath))
    .map(({ name, members }): HeldTeam => ({ handle: name, members: idsOf(members, people) }));
  return { holder, people: [...people.values()], teams };
}

/** Tags refuse some characters: `=C3=A9` stands for the bytes of one in UTF-8. */
function untagged(text: string): string {
  return text.replace(/(?:=[0-9A-F]{2})+/g, (run) => Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'));
}

function readEntra(holder: string, state: z.infer<typeof EntraState>): Reading {
  const people = new Map(
    state.users.map(({ id, properties }): [string, HeldPerson] => [
      id,
      {
        mail: (textOrNull(properties['mail']) ?? '').toLowerCase(),
        displayName: textOrNull(properties['displayName']),
        employeeId: textOrNull(properties['employeeId']),
        department: textOrNull(properties['department']),
        active: typeof properties['accountEnabled'] === 'boolean' ? properties['accountEnabled'] : null,
      },
    ]),
  );
  const teams = state.groups
    .filter(({ properties }) => textOrNull(properties['displayName'])?.startsWith(shared.entraPrefix) === true)
    .map(({ properties, members }): HeldTeam => ({
      handle: textOrNull(properties['mailNickname']) ?? '',
      description: textOrNull(properties['description']),
      members: idsOf(members, people),
    }));
  return { holder, people: [...people.values()], teams };
}

function readKeystone(holder: string, state: z.infer<typeof KeystoneState>): Reading {
  const people = new Map<string, HeldPerson>();
  for (const { id, domain, enabled, extra } of state.users) {
    if (domain !== shared.keystoneDomain) continue;
    people.set(id, {
      mail: (textOrNull(extra['email']) ?? '').toLowerCase(),
      displayName: textOrNull(extra['display_name']),
      employeeId: textOrNull(extra['employee_id']),
      department: textOrNull(extra['department']),
      active: enabled,
    });
  }
  const teams = state.groups
    .filter(({ domain }) => domain === shared.keystoneDomain)
    .map(({ name, description, members }): HeldTeam => ({
      handle: name,
      description: textOrNull(description),
      members: idsOf(members, people),
    }));
  return { holder, people: [...people.values()], teams };
}

/** Members that the federation does not share, such as robots, are passed over. */
function idsOf(members: readonly string[], people: ReadonlyMap<string, HeldPerson>): readonly string[] {
  return members.flatMap((member) => {
    const person = people.get(member);
    return person ? [personId(person)] : [];
  });
}

/** Clouds write "nothing" in several ways. */
function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
