/**
 * A whole federation for a test file: three local clouds, the workers as processes, on the shared Temporal server. Its
 * command lines run in the test's own process.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeNewFederation } from '../../activities/federation-folder/new-federation.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { startLocalFederation, type LocalFederation } from '../../cli/local/local-federation.js';
import { openFederation, openSignedFederation } from '../../cli/open-federation.js';
import type { Federation } from '../../core/federation/federation.js';
import { leaveRemains } from './remains.js';
import { runCommand, type CommandRun } from './run-command.js';
import { builtProgram, freshFederationName, temporalAddress } from './temporal.js';

export const dataset = 'workforce';

export interface SandboxFederation {
  readonly federation: Federation;
  readonly folder: string;
  readonly dataFolder: string;
  readonly local: LocalFederation;
  /** A command line as a person on this machine types it. */
  readonly run: (...argv: string[]) => Promise<CommandRun>;
  readonly json: <Document>(...argv: string[]) => Promise<{ readonly code: number; readonly document: Document }>;
  readonly stop: () => Promise<void>;
}

/** `change` may rewrite a file of the folder before keys are made and manifests signed. */
export async function startSandboxFederation(
  options: {
    readonly approvers?: readonly string[];
    readonly people?: number;
    readonly change?: (file: string, text: string) => string;
  } = {},
): Promise<SandboxFederation> {
  const root = await mkdtemp(path.join(tmpdir(), 'concordat-sandbox-'));
  const folder = path.join(root, 'federation');
  const dataFolder = path.join(root, 'data');
  const files = await writeNewFederation(folder, {
    name: freshFederationName(),
    dataset,
    meshes: [
      { id: 'aws', kind: 'aws-iam' },
      { id: 'azure', kind: 'entra' },
      { id: 'sov', kind: 'keystone' },
    ],
    approvers: options.approvers ?? ['ana'],
    sandbox: true,
  });
  for (const name of files) {
    const file = path.join(folder, name);
    const text = await readFile(file, 'utf8');
    const changed = options.change?.(name, text) ?? text;
    if (changed !== text) await writeFile(file, changed);
  }
  await signEverything(folder);
  const federation = await openSignedFederation(folder);
  const [address] = await Promise.all([temporalAddress(), builtProgram()]);
  const local = await startLocalFederation({
    federation,
    federationFolder: folder,
    dataFolder,
    sandbox: { people: options.people ?? 60, teams: 6, seed: 7 },
    temporalAddress: address,
  });
  const environment = { TEMPORAL_ADDRESS: address, TMPDIR: root };
  const run = (...argv: string[]): Promise<CommandRun> => runCommand(argv, { workingFolder: root, environment });
  return {
    federation,
    folder,
    dataFolder,
    local,
    run,
    json: async (...argv) => {
      const { code, stdout, stderr } = await run(...argv, '--json');
      try {
        return { code, document: JSON.parse(stdout) as never };
      } catch {
        throw new Error(`no JSON from ${argv.join(' ')}:\n${stdout}\n${stderr}`);
      }
    },
    stop: async () => {
      await local.stop();
      const { sandbox, layout } = local;
      await leaveRemains({
        name: federation.file.federation,
        federation,
        sandbox: null,
        environments: sandbox ? [sandbox.aws, sandbox.entra, sandbox.keystone].map((cloud) => cloud.environment) : [],
        keysFolder: layout.keysFolder,
        exchangeLocation: layout.exchangeLocation,
        logFolder: path.join(dataFolder, 'logs'),
      });
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function signEverything(folder: string): Promise<void> {
  await generateKeys(folder, await openFederation(folder), {});
  await signFolder(folder, await openFederation(folder));
}
