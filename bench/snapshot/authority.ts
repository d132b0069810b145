/** One authority of bench/whole-run with stores on disk, over a table that is made while it is read. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createAuthorityClock } from '../../activities/authority/clock.js';
import type { AuthorityContext } from '../../activities/authority/context.js';
import { openRun } from '../../activities/authority/open.js';
import type { Connector } from '../../activities/connectors/connector.js';
import { postgresqlCapabilities } from '../../activities/connectors/postgresql/capabilities.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { authorityKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { createFileStore } from '../../activities/store-files.js';
import { runIdOf, type RunInputs } from '../../core/messages.js';
import type { NativeObject } from '../../core/record.js';
import { federationFiles, members, type MemberName } from '../whole-run/three-schemas.js';

export const dataset = 'parcels';
const here = 'alpha';
const nowMs = 1_700_000_000_000;
const rowsPerPage = 1_000;

/** As bench/whole-run loads it into alpha.parcels, and as the connector shows it. */
function rowOf(number: number): NativeObject {
  const hash = createHash('md5').update(`parcel ${number}`).digest('hex');
  const id = [0, 8, 12, 16, 20].map((at, part) => hash.slice(at, [8, 12, 16, 20, 32][part])).join('-');
  const sent = new Date((1_700_000_000 + number) * 1_000).toISOString().slice(0, 19).replace('T', ' ');
  return {
    type: 'parcel',
    id,
    body: {
      number: id,
      receiver: `Person Number ${number}`,
      street: `Street of position ${number % 977}`,
      city: `city-${number % 200}`,
      grams: ((number % 50_000) / 4).toFixed(2),
      sent: `${sent}+00`,
      fragile: number % 7 === 0,
      tags: [`tag-${number % 100}`, `tag-${100 + (number % 300)}`, `tag-${400 + (number % 17)}`],
      note: `to be left with neighbour number ${number % 9973} where nobody opens`,
    },
  };
}

/** `editedOneIn`: of so many rows one has another note. */
function tableOf(rows: number, editedOneIn = Number.POSITIVE_INFINITY): Connector {
  const never = (): Promise<never> => Promise.reject(new Error('this bench only reads'));
  return {
    capabilities: postgresqlCapabilities({
      schema: here,
      tables: { parcel: { table: 'parcels', key: ['number'] } },
    }),
    probe: never,
    readOne: never,
    findTwin: never,
    plannedCalls: () => [],
    write: never,
    async *readAll() {
      for (let from = 1; from <= rows; from += rowsPerPage) {
        const count = Math.min(rowsPerPage, rows - from + 1);
        const objects = Array.from({ length: count }, (_, at) => {
          const row = rowOf(from + at);
          return (from + at) % editedOneIn === 0 ? { ...row, body: { ...row.body, note: 'moved' } } : row;
        });
        yield { kind: 'objects', scope: 'parcel', objects, cursor: String(from) };
      }
      yield { kind: 'scopeEnd', scope: 'parcel', nativeType: 'parcel', complete: true, cursor: 'end' };
    },
  };
}

/** `alike`: whose words all members use, so that the one table that is made here is each of theirs. */
export async function prepare(root: string, rows: number, alike?: MemberName): Promise<void> {
  const folder = path.join(root, 'federation');
  const files = federationFiles('snapshots', rows);
  for (const [name, own] of Object.entries(files)) {
    const member = members.find((id) => [`maps/${id}.parcel.yaml`, `authorities/${id}.yaml`].includes(name));
    const theirs = alike && member && files[name.replace(member, alike)];
    const text = theirs?.replace(`authority: ${alike}`, `authority: ${member}`) ?? own;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const valid = async () => {
    const loaded = await loadFederation(folder);
    if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded));
    return loaded.federation;
  };
  await generateKeys(folder, await valid(), {});
  await signFolder(folder, await valid());
  await openNext(root, rows, 1);
}

/** The next run, which every member opens. */
export async function openNext(root: string, rows: number, round: number): Promise<void> {
  const opens = [];
  const ids = [];
  for (const id of members) {
    const context = await contextOf(root, rows, id);
    const opened = await openRun(context, { dataset, attempt: `run ${round}`, round, members });
    if (opened.kind !== 'opened') throw new Error(opened.kind);
    opens.push(opened.open);
    ids.push(opened.id);
  }
  const inputs: RunInputs = {
    dataset,
    run: runIdOf(ids),
    opens,
    snapshots: [],
    correlation: null,
    firstSnapshots: [],
  };
  writeFileSync(path.join(root, 'inputs.json'), JSON.stringify(inputs));
}

export function inputsOf(root: string): RunInputs {
  return JSON.parse(readFileSync(path.join(root, 'inputs.json'), 'utf8')) as RunInputs;
}

export async function contextOf(
  root: string,
  rows: number,
  id: string = here,
  editedOneIn?: number,
): Promise<AuthorityContext> {
  const folder = path.join(root, 'federation');
  const signed = await loadSignedFederation(folder);
  if (signed.kind !== 'valid') throw new Error(JSON.stringify(signed));
  const [signingKey, logKey] = await Promise.all(
    (['messages', 'log'] as const).map((use) => readKeyFile(authorityKeyFile(folder, id, use))),
  );
  if (!signingKey || !logKey) throw new Error(`no keys of ${id}`);
  const privateStore = createFileStore(path.join(root, 'private', id));
  return {
    id,
    federation: signed.federation,
    exchange: createFileStore(path.join(root, 'exchange')),
    privateStore,
    signingKey,
    logKey,
    linkKey: new TextEncoder().encode('a link key of thirty-two bytes..'),
    connector: tableOf(rows, editedOneIn),
    clock: createAuthorityClock({ privateStore, physicalMs: () => nowMs, maxAheadMs: 60_000 }),
    now: () => nowMs,
    heartbeat: () => undefined,
  };
}
