/** Puts everything up that the demo plays on: a folder with keys, three stand-ins, a Temporal server, four workers. */
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import { authorityNamespace } from '../../core/names.js';
import { startLocalFederation, type LocalFederation } from '../local/local-federation.js';
import type { Paint } from '../output/output.js';
import { exchangeStore } from '../reading/stores.js';
import { counted, listWords } from '../showing/words.js';
import { runClient } from '../temporal/runs.js';
import { players } from './cast.js';
import { secondsText, type Narrator } from './narrator.js';
import { makeSandboxFederation, sandboxDataset } from '../sandbox-federation.js';
import type { Setting } from './setting.js';

export interface StageOptions {
  readonly people: number;
  readonly teams: number;
  readonly folder: string;
  readonly port?: number;
  readonly uiPort?: number;
  readonly narrator: Narrator;
  readonly paint: Paint;
  readonly signal: AbortSignal;
  /** Called where a process ended that nobody stopped. */
  readonly broke: (error: ConcordatError) => void;
}

export interface Stage {
  readonly setting: Setting;
  readonly local: LocalFederation;
  readonly federationFolder: string;
  readonly startMs: number;
}

const name = 'demo';

/** Under the folder of a demo: where the processes write what they have to say. */
export const logsFolder = path.join('federation', '.concordat', 'logs');

export async function openStage(options: StageOptions): Promise<Stage> {
  const { folder, narrator, signal, people, teams } = options;
  const startedAt = performance.now();
  const federationFolder = path.join(folder, 'federation');
  const namespaces = [name, ...players.map(({ authority }) => authorityNamespace(name, authority))];

  narrator.heading('Three clouds that nobody rules together');
  narrator.say(
    'They hold the same people and teams and must agree on them: who somebody is, how to reach them, who is in which team. Each cloud answers to an authority of its own, with its own credentials, keys, limits and approvers. No cloud stands in the middle, and no operator decides for the cloud of another.',
  );
  narrator.rows(players.map(({ authority, governs, approver }) => [authority, governs, `${approver} approves`]));
  narrator.say('What is being started on this machine:');
  narrator.rows([
    [
      'clouds',
      `stand-ins that speak their APIs; ${counted(people, 'person', 'people')}, ${counted(teams, 'team')}, gaps in each`,
    ],
    ['Temporal', `one server, ${counted(namespaces.length, 'namespace')}: ${listWords(namespaces)}`],
    ['workers', 'one per authority, with its own credentials and signing key; a coordinator that has neither'],
    ['keys', 'Ed25519: three authorities, three approvers; the public ones are pinned in federation.yaml'],
  ]);

  const federation = await makeSandboxFederation(federationFolder, name, (authority) =>
    players.filter((player) => player.authority === authority).map(({ approver }) => approver),
  );
  signal.throwIfAborted();
  const local = await startLocalFederation({
    federation,
    federationFolder,
    dataFolder: path.join(federationFolder, '.concordat'),
    sandbox: { people, teams },
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.uiPort === undefined ? {} : { uiPort: options.uiPort }),
    report: (text) => narrator.progress(text),
    signal,
    onUnexpectedEnd: (ended, code) =>
      options.broke(
        new ConcordatError('processFailed', `${ended.name} ended with code ${code}; its log is ${ended.logFile}`),
      ),
  });
  const { sandbox } = local;
  if (!sandbox) throw new Error('the demo asked for stand-ins');
  const startMs = Math.round(performance.now() - startedAt);
  narrator.say(
    `Ready after ${secondsText(startMs)}: ${counted(local.processes.running().length + 1, 'process', 'processes')}, Temporal UI at ${local.uiAddress ?? 'nowhere'}.`,
  );
  const setting: Setting = {
    narrator,
    paint: options.paint,
    dataset: sandboxDataset,
    session: {
      federation,
      name,
      layout: local.layout,
      exchange: exchangeStore(local.layout),
      connection: local.connection,
      runs: runClient(local.connection, name),
    },
    sandbox,
    signal,
  };
  return { setting, local, federationFolder, startMs };
}
