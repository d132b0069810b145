/** Starts the three sandboxed clouds on the loopback address, seeded, and says how to reach them. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mesh } from '../core/federation/authority.js';
import { pathPrefix, seedAws } from './aws/seed.js';
import { serveAws, type AwsSandbox } from './aws/server.js';
import { groupPrefix, seedEntra } from './entra/seed.js';
import { serveEntra, type EntraSandbox } from './entra/server.js';
import { domain, seedKeystone } from './keystone/seed.js';
import { serveKeystone, type KeystoneSandbox } from './keystone/server.js';
import { population, type CloudName, type Population } from './population.js';
import { AwsState } from './aws/state.js';
import { EntraState } from './entra/state.js';
import { KeystoneState } from './keystone/state.js';
import { administrator, drift, trust } from './example-roles/story.js';
import { seedAwsRoles } from './example-roles/seed-aws.js';
import { seedEntraRoles } from './example-roles/seed-entra.js';
import { seedKeystoneRoles } from './example-roles/seed-keystone.js';
import { tellStory, type Event, type States } from './story.js';

/** What new clouds hold: the people of the demo, or those of examples/02-roles. */
export const sandboxExamples = ['workforce', 'roles'] as const;
export type SandboxExample = (typeof sandboxExamples)[number];

type MeshOf<Kind extends Mesh['kind']> = Extract<Mesh, { kind: Kind }>;
type Environment = Readonly<Record<string, string>>;

export interface SandboxOptions {
  /** Certificate and, where `persist`, the state are kept here. */
  readonly folder: string;
  /** 0 or absent: any free port. */
  readonly ports?: Partial<Readonly<Record<CloudName, number>>>;
  readonly seed?: number;
  /** 0: clouds without people, for tests that make their own. */
  readonly people?: number;
  readonly teams?: number;
  /** `workforce` where left out; `roles` has people and teams of its own, whatever numbers are given. */
  readonly example?: SandboxExample;
  /** Whether the state is saved on stop and found again at the next start. */
  readonly persist?: boolean;
}

export interface Sandbox {
  readonly population: Population | undefined;
  readonly aws: {
    readonly endpoint: string;
    readonly environment: Environment;
    readonly mesh: MeshOf<'aws-iam'>;
    readonly server: AwsSandbox;
  };
  readonly entra: {
    /** Graph base address including `/v1.0` */
    readonly endpoint: string;
    readonly authorityHost: string;
    readonly tenant: string;
    readonly caFile: string;
    readonly environment: Environment;
    readonly mesh: MeshOf<'entra'>;
    readonly server: EntraSandbox;
  };
  readonly keystone: {
    /** including `/v3` */
    readonly endpoint: string;
    readonly domain: string;
    readonly environment: Environment;
    readonly mesh: MeshOf<'keystone'>;
    readonly server: KeystoneSandbox;
  };
  /** What the clouds do on their own before the second run of the demo. */
  story(): readonly Event[];
  stop(): Promise<void>;
}

const stateFile = 'sandbox-state.json';

/** The passwords below are of the sandbox only; they open nothing else. */
function seeded(options: SandboxOptions): { states: States; people: Population | undefined } {
  const states = { aws: new AwsState(), entra: new EntraState(), keystone: new KeystoneState(domain) };
  if (options.example === 'roles') {
    seedAwsRoles(states.aws);
    seedEntraRoles(states.entra);
    seedKeystoneRoles(states.keystone);
    return { states, people: undefined };
  }
  if (options.people === 0) return { states, people: undefined };
  const { seed, people: count, teams } = options;
  const people = population({
    ...(seed === undefined ? {} : { seed }),
    ...(count === undefined ? {} : { people: count }),
    ...(teams === undefined ? {} : { teams }),
  });
  seedAws(states.aws, people);
  seedEntra(states.entra, people);
  seedKeystone(states.keystone, people);
  return { states, people };
}

async function restoreSaved(file: string, states: States): Promise<void> {
  if (!existsSync(file)) return;
  const saved = JSON.parse(await readFile(file, 'utf8')) as Record<CloudName, string>;
  states.aws.restore(saved.aws);
  states.entra.restore(saved.entra);
  states.keystone.restore(saved.keystone);
}

/**
 * `POST /_sandbox/story` on any of the three tells the story; over the example of roles `drift`, `trust` and
 * `administrator` tell a part of theirs each. `POST /_sandbox/reset` brings one cloud back to its seed,
 * also after a restart.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { folder, ports = {} } = options;
  await mkdir(folder, { recursive: true });
  const { states, people } = seeded(options);
  const story = (): readonly Event[] => {
    if (!people) throw new Error('a sandbox without people has no story');
    return tellStory(states, people);
  };
  const controls =
    options.example === 'roles'
      ? {
          'POST drift': () => drift(states),
          'POST trust': () => trust(states),
          'POST administrator': () => administrator(states),
        }
      : { 'POST story': story };
  const aws = await serveAws({ state: states.aws, port: ports.aws ?? 0, controls });
  const entra = await serveEntra({ state: states.entra, port: ports.entra ?? 0, controls, folder });
  const keystone = await serveKeystone({ state: states.keystone, port: ports.keystone ?? 0, controls });
  const file = join(folder, stateFile);
  if (options.persist) await restoreSaved(file, states);

  const { tenant, application } = states.entra;
  const [accessKey = '', secret = ''] = Object.entries(states.aws.accessKeys)[0] ?? [];
  return {
    population: people,
    aws: {
      endpoint: aws.origin,
      environment: {
        AWS_ACCESS_KEY_ID: accessKey,
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_REGION: 'us-east-1',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
      mesh: {
        kind: 'aws-iam',
        region: 'us-east-1',
        account: states.aws.account,
        endpoint: aws.origin,
        pathPrefix,
      },
      server: aws,
    },
    entra: {
      endpoint: `${entra.origin}/v1.0`,
      authorityHost: entra.origin,
      tenant,
      caFile: entra.caFile,
      environment: {
        AZURE_TENANT_ID: tenant,
        AZURE_CLIENT_ID: application.clientId,
        AZURE_CLIENT_SECRET: application.secret,
        NODE_EXTRA_CA_CERTS: entra.caFile,
      },
      mesh: {
        kind: 'entra',
        tenant,
        endpoint: `${entra.origin}/v1.0`,
        authorityHost: entra.origin,
        clientIdFrom: 'AZURE_CLIENT_ID',
        clientSecretFrom: 'AZURE_CLIENT_SECRET',
        groupPrefix,
      },
      server: entra,
    },
    keystone: {
      endpoint: `${keystone.origin}/v3`,
      domain,
      environment: { OS_USERNAME: 'concordat', OS_PASSWORD: 'sandbox-password' },
      mesh: {
        kind: 'keystone',
        endpoint: `${keystone.origin}/v3`,
        domain,
        userFrom: 'OS_USERNAME',
        passwordFrom: 'OS_PASSWORD',
        userDomain: 'default',
      },
      server: keystone,
    },
    story,
    stop: async () => {
      await Promise.all([aws.close(), entra.close(), keystone.close()]);
      if (options.persist) {
        const saved: Record<CloudName, string> = {
          aws: states.aws.save(),
          entra: states.entra.save(),
          keystone: states.keystone.save(),
        };
        await writeFile(file, JSON.stringify(saved), { mode: 0o600 });
      }
    },
  };
}
