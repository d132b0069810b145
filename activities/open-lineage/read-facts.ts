/** What the signed messages of a run say as a whole: roots and counts, under signatures that are checked here too. */
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { byCodeUnit } from '../../core/json.js';
import { parseCheckpoint } from '../../core/log/checkpoint.js';
import { isSignedBy, parseNote } from '../../core/log/note.js';
import { SnapshotStatement, snapshotType, type Ref } from '../../core/messages.js';
import type { LogFacts, SnapshotFacts } from '../../core/open-lineage/run-facts.js';
import type { AuthorityId } from '../../core/record.js';
import { getMessage } from '../exchange.js';
import { verifyRaw } from '../log/ed25519.js';
import { logNoteKey } from '../log/log-keys.js';
import { publishedCheckpoint } from '../log/published.js';
import type { ObjectStore } from '../store.js';

/** Those that their authority signed for this dataset. What is missing or does not verify is left out: a run is told without it. */
export async function readSnapshots(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  refs: readonly Ref[],
): Promise<readonly SnapshotFacts[]> {
  const members = membersOf(federation, dataset);
  const found = new Map<AuthorityId, SnapshotFacts>();
  for (const ref of refs) {
    const authority = ref.ref.slice(0, ref.ref.indexOf('/'));
    if (!members.includes(authority)) continue;
    const payload = await snapshotOf(federation, exchange, authority, ref);
    if (payload?.authority !== authority || payload.dataset !== dataset) continue;
    found.set(authority, {
      authority,
      run: payload.run,
      root: payload.root,
      base: payload.base,
      records: payload.types.reduce((sum, { count }) => sum + count, 0),
      complete: payload.scopes.every(({ complete }) => complete),
    });
  }
  return [...found.values()];
}

async function snapshotOf(
  federation: Federation,
  exchange: ObjectStore,
  authority: AuthorityId,
  ref: Ref,
): Promise<SnapshotStatement | null> {
  try {
    const { payload } = await getMessage(exchange, ref, {
      typ: snapshotType,
      schema: SnapshotStatement,
      keys: keysOf(federation, authority, 'messages'),
    });
    return payload;
  } catch (error) {
    // A store that does not answer is tried again later; a message that is not authentic never gets better.
    if (error instanceof ConcordatError && error.code !== 'storeFault') return null;
    throw error;
  }
}

/** The heads that the members' logs show now, each signed by its log's key. A log that shows none is left out. */
export async function readLogs(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
): Promise<readonly LogFacts[]> {
  const logs: LogFacts[] = [];
  for (const authority of [...membersOf(federation, dataset)].sort(byCodeUnit)) {
    const published = await exchange.readHead(publishedCheckpoint(authority));
    const note = published && parseNote(new TextDecoder().decode(published.bytes));
    const signed = (note ? keysOf(federation, authority, 'log') : []).some(
      ({ key }) => note && isSignedBy(note, logNoteKey(federation.file.federation, authority, key), verifyRaw),
    );
    const checkpoint = note && signed ? parseCheckpoint(note.text) : null;
    if (!checkpoint) continue;
    const { origin, size, root } = checkpoint;
    logs.push({ authority, origin, size, root: Buffer.from(root).toString('hex') });
  }
  return logs;
}

function membersOf(federation: Federation, dataset: string): readonly AuthorityId[] {
  return federation.datasets[dataset]?.members ?? [];
}
