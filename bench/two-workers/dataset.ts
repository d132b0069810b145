/** One dataset of three members, sealed and signed as in a run, in any exchange store: without the reading before it. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createAuthorityClock } from '../../activities/authority/clock.js';
import type { AuthorityContext } from '../../activities/authority/context.js';
import { openRun } from '../../activities/authority/open.js';
import type { Connector } from '../../activities/connectors/connector.js';
import { putMessage } from '../../activities/exchange.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { authorityKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { signCompact } from '../../activities/keys/sign.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { readOpens } from '../../activities/run-messages.js';
import { createSealer } from '../../activities/sealing/sealer.js';
import { createFileStore } from '../../activities/store-files.js';
import type { ObjectStore } from '../../activities/store.js';
import type { Federation } from '../../core/federation/federation.js';
import { runIdOf, snapshotType, type RunInputs, type SnapshotStatement } from '../../core/messages.js';
import type { FederatedRecord } from '../../core/record.js';
import { groupsHeldBy, sealedRoot } from '../../core/sealed.js';
import { federationFiles, members } from '../whole-run/three-schemas.js';

const dataset = 'parcels';
const nowMs = 1_700_000_000_000;

export interface Sealed {
  readonly federation: Federation;
  readonly folder: string;
  readonly inputs: RunInputs;
  /** Of all members together. */
  readonly records: number;
  readonly bytes: number;
}

function recordOf(number: number, edited: string | null): FederatedRecord {
  const hash = createHash('md5').update(`parcel ${number}`).digest('hex');
  const id = [0, 8, 12, 16, 20].map((at, part) => hash.slice(at, [8, 12, 16, 20, 32][part])).join('-');
  return {
    type: 'parcel',
    key: id,
    fields: {
      number: id,
      receiver: `Person Number ${number}`,
      street: `Street of position ${number % 977}`,
      city: edited === null ? `city-${number % 200}` : `moved by ${edited}`,
      weight: `${number % 50_000}`,
      sentAt: `${new Date((1_700_000_000 + number) * 1_000).toISOString().slice(0, 19)}Z`,
      fragile: number % 7 === 0,
      tags: [`tag-${number % 100}`, `tag-${100 + (number % 300)}`, `tag-${400 + (number % 17)}`],
      note: `to be left with neighbour number ${number % 9973} where nobody opens`,
    },
  };
}

/** Of each member's records, one in `editedOneIn` is edited, other ones at each. */
export async function sealDataset(
  root: string,
  exchange: ObjectStore,
  rows: number,
  editedOneIn: number,
): Promise<Sealed> {
  const folder = path.join(root, 'federation');
  for (const [name, text] of Object.entries(federationFiles('two-workers', rows))) {
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
  const signed = await loadSignedFederation(folder);
  if (signed.kind !== 'valid') throw new Error(JSON.stringify(signed));
  const { federation } = signed;
  const contexts = await Promise.all(members.map((id) => contextOf(root, folder, federation, exchange, id)));
  const opened = [];
  for (const context of contexts) {
    const open = await openRun(context, { dataset, attempt: 'once', round: 1, members });
    if (open.kind !== 'opened') throw new Error(open.kind);
    opened.push(open);
  }
  const opens: RunInputs = {
    dataset,
    run: runIdOf(opened.map(({ id }) => id)),
    opens: opened.map(({ open }) => open),
    snapshots: [],
    correlation: null,
    firstSnapshots: [],
  };
  const messages = await readOpens(federation, exchange, opens);
  const snapshots = [];
  let bytes = 0;
  for (const [at, context] of contexts.entries()) {
    const [type] = messages.shape.types;
    if (!type) throw new Error('the dataset has no type');
    const sealer = createSealer({
      store: exchange,
      prefix: context.id,
      type: 'parcel',
      groups: groupsHeldBy(type.groups, context.id),
      expectedCount: rows,
    });
    for (let number = 1; number <= rows; number += 1)
      sealer.add(recordOf(number, number % (editedOneIn * members.length) === at ? context.id : null));
    const sealed = await sealer.finish();
    for (const segment of sealed.segments)
      bytes += segment.bodyBytes + segment.count * (8 + 4 + 32 * segment.groups.length);
    const statement: SnapshotStatement = {
      authority: context.id,
      dataset,
      run: opens.run,
      configuration: messages.shape.configuration,
      base: messages.baseDigest,
      correlation: null,
      types: [sealed],
      root: sealedRoot([sealed]),
      versions: [],
      matches: [],
      salts: null,
      reseals: [],
      scopes: [{ scope: 'parcel', type: 'parcel', complete: true, reason: null }],
      untranslatable: [],
      unmapped: [],
      lossy: [],
      hiddenRows: [],
      outside: [],
      doubled: [],
      opaque: null,
      hlc: await context.clock.stamp(),
    };
    const jws = await signCompact(statement, { typ: snapshotType, key: context.signingKey });
    snapshots.push(await putMessage(exchange, context.id, jws));
  }
  return { federation, folder, inputs: { ...opens, snapshots }, records: rows * members.length, bytes };
}

async function contextOf(
  root: string,
  folder: string,
  federation: Federation,
  exchange: ObjectStore,
  id: string,
): Promise<AuthorityContext> {
  const [signingKey, logKey] = await Promise.all(
    (['messages', 'log'] as const).map((use) => readKeyFile(authorityKeyFile(folder, id, use))),
  );
  if (!signingKey || !logKey) throw new Error(`no keys of ${id}`);
  const privateStore = createFileStore(path.join(root, 'private', id));
  return {
    id,
    federation,
    exchange,
    privateStore,
    signingKey,
    logKey,
    linkKey: new TextEncoder().encode('a link key of thirty-two bytes..'),
    // Opening a run and signing a snapshot ask no cloud.
    connector: {} as Connector,
    clock: createAuthorityClock({ privateStore, physicalMs: () => nowMs, maxAheadMs: 60_000 }),
    now: () => nowMs,
    heartbeat: () => undefined,
  };
}
