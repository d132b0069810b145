/** What runs where, and what to type next. */
import path from 'node:path';
import type { Federation } from '../../core/federation/federation.js';
import type { LocalFederation, SandboxReady } from '../local/local-federation.js';
import { standInExamples, type SandboxExample } from '../examples.js';
import { shellLines } from '../local/shell-lines.js';
import { tableLines } from '../showing/table.js';
import { counted } from '../showing/words.js';

export interface Places {
  readonly federation: string;
  readonly folder: string;
  readonly data: string;
  readonly temporal: string;
  readonly ui: string | null;
  /** Of the stand-ins; null where the clouds are real. */
  readonly clouds: Readonly<Record<'aws' | 'entra' | 'keystone', string>> | null;
  /** Addresses that let the stand-ins change as their administrators would; null where the clouds are real. */
  readonly story: readonly string[] | null;
  readonly processes: Readonly<Record<string, number>>;
  readonly approvers: readonly string[];
}

export function placesOf(
  federation: Federation,
  folder: string,
  local: LocalFederation,
  example: SandboxExample,
): Places {
  const { sandbox } = local;
  return {
    federation: federation.file.federation,
    folder,
    data: path.join(folder, '.concordat'),
    temporal: local.address,
    ui: local.uiAddress ?? null,
    clouds: sandbox ? endpointsOf(sandbox) : null,
    story: sandbox
      ? standInExamples[example].map((control) => new URL(`/_sandbox/${control}`, sandbox.aws.endpoint).href)
      : null,
    processes: Object.fromEntries(local.processes.running().map(({ name, pid }) => [name, pid])),
    approvers: [
      ...new Set(Object.values(federation.authorities).flatMap(({ approvers }) => approvers.map(({ id }) => id))),
    ],
  };
}

function endpointsOf({ aws, entra, keystone }: SandboxReady): NonNullable<Places['clouds']> {
  return { aws: aws.endpoint, entra: entra.endpoint, keystone: keystone.endpoint };
}

export function placeLines(places: Places, { datasets }: Federation, isNew: boolean): readonly string[] {
  const { approvers, clouds, story } = places;
  const who = approvers.length === 1 ? approvers[0] : 'APPROVER';
  const [dataset] = Object.keys(datasets);
  const changeLines =
    story === null
      ? []
      : ['', '  To let the clouds change on their own, once:', ...story.map((each) => `    curl -X POST ${each}`)];
  return [
    `Federation ${places.federation} is up${isNew ? ', in a new folder over stand-ins of three clouds' : ''}.`,
    ...tableLines([
      ['  folder', places.folder],
      ['  data, logs', places.data],
      ['  Temporal', places.temporal],
      ...(places.ui === null ? [] : [['  Temporal UI', places.ui]]),
      ...Object.entries(clouds ?? {}).map(([cloud, endpoint]) => [`  stand-in ${cloud}`, endpoint]),
      [
        '  processes',
        `${counted(Object.keys(places.processes).length, 'process', 'processes')}: ${Object.keys(places.processes).join(', ')}`,
      ],
      ['  approvers', approvers.join(', ')],
    ]),
    '',
    '  In another terminal:',
    ...shellLines({ address: places.temporal, federationFolder: places.folder }).map((line) => `    ${line}`),
    '    concordat doctor',
    `    concordat run ${dataset ?? ''}`.trimEnd(),
    '    concordat plan latest',
    `    concordat approve latest --as ${who}`,
    ...changeLines,
    '',
    '  Ctrl-C ends all of it; the data stays.',
  ];
}
