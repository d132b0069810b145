/**
 * What an authority knows of its peers' logs: the highest checkpoint of each that it has cosigned, after a proof that all
 * it has ever seen of that log is one history. A fork, a rewound log and a restored backup show here.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { logOrigin, parseCheckpoint, type Checkpoint } from '../../core/log/checkpoint.js';
import { cosignatureLine, cosignedAt, cosignedBytes } from '../../core/log/cosignature.js';
import { isSignedBy, noteText, parseNote, type Note } from '../../core/log/note.js';
import { isStolen, signatureStands, type KeyState } from '../../core/key-state.js';
import { NoteText, type OpenLog } from '../../core/log/open-log.js';
import { sameBytes, verifyConsistency } from '../../core/log/proof.js';
import type { AuthorityId } from '../../core/record.js';
import { publicKeyOf } from '../keys/private-key.js';
import { signRaw, verifyRaw } from './ed25519.js';
import { cosignerKey, logNoteKey } from './log-keys.js';
import { LogReader } from './log-reader.js';
import { ownCheckpoint, readOwnLog, type LogOwner } from './own-log.js';
import { publishedCheckpoint, publishedLog } from './published.js';
import { sha256 } from './sha256.js';

export interface LogObserver extends LogOwner {
  /** The keys that may sign the log of each peer; without this authority's own. */
  readonly peers: Readonly<Record<AuthorityId, readonly KeyState[]>>;
  readonly now: () => number;
}

/** A checkpoint that its log's key signed, and who showed it. */
interface Sighting {
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  readonly shownBy: string;
}

const Cosigned = z.strictObject({ note: NoteText });

/** Under this authority's prefix, so that the peer (and an auditor) finds what was cosigned of its log. */
export function publishedCosigned(observer: AuthorityId, peer: AuthorityId): string {
  return `${observer}/cosigned/${peer}`;
}

/**
 * What goes into this authority's signed open. Throws logRewound or logForked, and the authority must stop, where a peer
 * holds more of this log than the authority itself, or another history of it.
 */
export async function checkpointForOpen(observer: LogObserver): Promise<OpenLog> {
  const own = await ownCheckpoint(observer);
  const seen: Record<AuthorityId, string> = {};
  for (const peer of Object.keys(observer.peers).sort(byCodeUnit)) {
    const published = await observer.exchange.readHead(publishedCosigned(peer, observer.id));
    const held = published && sightingOf(observer, observer.id, new TextDecoder().decode(published.bytes), peer, null);
    if (held && held !== 'fallen') await requireOwnHistory(observer, own.checkpoint, held);
    const cosigned = await readCosigned(observer, peer);
    if (cosigned) seen[peer] = cosigned.text;
  }
  return { checkpoint: own.note, seen };
}

/**
 * Verifies that everything shown of every log is one history with what was seen before, and cosigns the highest
 * checkpoint of each peer that opened. Throws logForked or logRewound naming the log; inputNotAuthentic where an open
 * shows a checkpoint that its log's authority did not sign.
 */
export async function observePeers(
  observer: LogObserver,
  opens: Readonly<Record<AuthorityId, { readonly log: OpenLog }>>,
): Promise<Readonly<Record<AuthorityId, Checkpoint>>> {
  const sightings = new Map<AuthorityId, Sighting[]>();
  const take = (log: AuthorityId, text: string, shownBy: AuthorityId): void => {
    if (log !== observer.id && observer.peers[log] === undefined) return;
    const sighting = sightingOf(observer, log, text, shownBy, shownBy === log ? observer.now() : null);
    // What a peer cosigned after the key was stolen says nothing of the log, and nothing against who shows it.
    if (sighting === 'fallen' && shownBy !== log) return;
    if (sighting === 'fallen')
      throw new ConcordatError(
        'keyNotValid',
        `the open of ${shownBy} shows a checkpoint of its log under a key that counts no more`,
      );
    if (!sighting)
      throw new ConcordatError(
        'inputNotAuthentic',
        `the open of ${shownBy} shows a checkpoint of the log of ${log} that ${log} did not sign`,
      );
    sightings.set(log, [...(sightings.get(log) ?? []), sighting]);
  };
  for (const [authority, { log }] of Object.entries(opens)) {
    take(authority, log.checkpoint, authority);
    for (const [peer, text] of Object.entries(log.seen)) take(peer, text, authority);
  }
  const own = await ownCheckpoint(observer);
  for (const sighting of sightings.get(observer.id) ?? []) await requireOwnHistory(observer, own.checkpoint, sighting);
  const cosigned: Record<AuthorityId, Checkpoint> = {};
  for (const peer of Object.keys(observer.peers).sort(byCodeUnit)) {
    const shown = sightings.get(peer);
    if (!shown) continue;
    cosigned[peer] = await observeLog(observer, peer, shown);
  }
  return cosigned;
}

async function observeLog(observer: LogObserver, peer: AuthorityId, shown: readonly Sighting[]): Promise<Checkpoint> {
  // HAZARD: first what was cosigned, then what is published. Another worker may cosign more in between, and the log would
  // seem to show less than was cosigned of it.
  const before = await readCosigned(observer, peer);
  const last = standing(before && sightingOf(observer, peer, before.text, observer.id, null));
  const published = await observer.exchange.readHead(publishedCheckpoint(peer));
  const current = standing(
    published && sightingOf(observer, peer, new TextDecoder().decode(published.bytes), peer, observer.now()),
  );
  const history = [...shown, ...(current ? [current] : []), ...(last ? [last] : [])].sort(
    (left, right) => left.checkpoint.size - right.checkpoint.size,
  );
  const highest = history.at(-1);
  if (!highest) throw new Error('a log was observed without a checkpoint');
  // What a run opened with may be older than another run's; what the log itself publishes now may not.
  const own = history.filter(({ shownBy }) => shownBy === peer).at(-1) ?? highest;
  if (own.checkpoint.size < highest.checkpoint.size) {
    await keepEvidence(observer, peer, own, highest);
    throw new ConcordatError(
      'logRewound',
      `the log of ${peer} shows ${own.checkpoint.size} entries, and ${highest.shownBy} has its signature under ${highest.checkpoint.size}: it was rewound, or ${peer} works from a restored backup`,
    );
  }
  const reader = new LogReader(observer.exchange, publishedLog(peer), highest.checkpoint.size);
  for (let at = 1; at < history.length; at += 1) {
    const [earlier, later] = [history[at - 1], history[at]];
    if (earlier && later) await requireOneHistory(observer, peer, reader, earlier, later);
  }
  if (!before || !last || highest.checkpoint.size > last.checkpoint.size)
    await cosign(observer, peer, highest, before?.version ?? 0);
  else await publishCosigned(observer, peer, before.text);
  return highest.checkpoint;
}

async function requireOneHistory(
  observer: LogObserver,
  log: AuthorityId,
  reader: LogReader,
  earlier: Sighting,
  later: Sighting,
): Promise<void> {
  const [from, to] = [earlier.checkpoint, later.checkpoint];
  if (from.size === to.size && sameBytes(from.root, to.root)) return;
  if (from.size < to.size) {
    const proof = await reader.consistency(from.size, to.size);
    if (verifyConsistency({ from: from.size, fromRoot: from.root, to: to.size, toRoot: to.root, proof }, sha256))
      return;
    // Tiles that do not even give the newer root prove nothing about the older one.
    if (!sameBytes(await reader.rootAt(to.size), to.root))
      throw new ConcordatError(
        'inputNotAuthentic',
        `the log of ${log} in the exchange store does not hash to its checkpoint of ${to.size} entries`,
      );
  }
  await keepEvidence(observer, log, earlier, later);
  throw new ConcordatError(
    'logForked',
    `the log of ${log} has two histories: ${earlier.shownBy} was shown ${from.size} entries and ${later.shownBy} ${to.size} that do not go on from them; both are signed by ${log}`,
  );
}

/** Whether what somebody holds of this authority's own log is the beginning of it. */
async function requireOwnHistory(observer: LogObserver, own: Checkpoint, held: Sighting): Promise<void> {
  const { size, root } = held.checkpoint;
  if (size > own.size) {
    // Another worker of this authority may have appended a moment ago.
    const now = await ownCheckpoint(observer);
    if (size > now.checkpoint.size)
      throw new ConcordatError(
        'logRewound',
        `${held.shownBy} holds a checkpoint of the log of ${observer.id} with ${size} entries, and ${observer.id} itself has ${now.checkpoint.size}: its private store is a restored backup, and it must not go on from there`,
      );
  }
  const { reader } = await readOwnLog(observer);
  if (sameBytes(await reader.rootAt(size), root)) return;
  throw new ConcordatError(
    'logForked',
    `${held.shownBy} holds a checkpoint of the log of ${observer.id} with ${size} entries that its private store does not give: the store is a restored backup that has gone on otherwise`,
  );
}

async function cosign(observer: LogObserver, peer: AuthorityId, { note }: Sighting, version: number): Promise<void> {
  const key = cosignerKey(observer.federation, observer.id, publicKeyOf(observer.logKey));
  const atSeconds = Math.floor(observer.now() / 1000);
  const signature = signRaw(observer.logKey, cosignedBytes(note.text, atSeconds));
  const origin = logOrigin(observer.federation, peer);
  const logSignatures = note.signatures.filter(({ name }) => name === origin);
  const text = noteText({
    text: note.text,
    signatures: [...logSignatures, cosignatureLine(key, atSeconds, signature)],
  });
  const bytes = new TextEncoder().encode(canonicalJson({ note: text }));
  // Kept before it is shown: after a crash this authority still knows what it has vouched for. Where another worker was
  // faster, that one has cosigned as much or will when it is asked.
  if (!(await observer.privateStore.compareAndSetHead(`peer-logs/${peer}`, version, bytes))) return;
  await publishCosigned(observer, peer, text);
}

async function publishCosigned(observer: LogObserver, peer: AuthorityId, text: string): Promise<void> {
  const name = publishedCosigned(observer.id, peer);
  const size = sizeOf(text);
  for (;;) {
    const published = await observer.exchange.readHead(name);
    const there = published && new TextDecoder().decode(published.bytes);
    const shown = there === null ? null : standing(sightingOf(observer, peer, there, observer.id, null));
    if (shown && shown.checkpoint.size >= size) return;
    if (await observer.exchange.compareAndSetHead(name, published?.version ?? 0, new TextEncoder().encode(text)))
      return;
  }
}

function sizeOf(text: string): number {
  const note = parseNote(text);
  return (note && parseCheckpoint(note.text)?.size) ?? -1;
}

async function readCosigned(
  observer: LogObserver,
  peer: AuthorityId,
): Promise<{ readonly text: string; readonly version: number } | null> {
  const head = await observer.privateStore.readHead(`peer-logs/${peer}`);
  if (!head) return null;
  return { text: Cosigned.parse(JSON.parse(new TextDecoder().decode(head.bytes))).note, version: head.version };
}

/** Two signed checkpoints that cannot both be true, where everybody can read them. */
async function keepEvidence(observer: LogObserver, log: AuthorityId, ...pair: readonly Sighting[]): Promise<void> {
  const text = canonicalJson({ log, notes: pair.map(({ note, shownBy }) => ({ shownBy, note: noteText(note) })) });
  const bytes = new TextEncoder().encode(text);
  for (const [store, prefix] of [
    [observer.privateStore, 'log-evidence'],
    [observer.exchange, `${observer.id}/log-evidence`],
  ] as const)
    await store.putIfAbsent(`${prefix}/${sha256Hex(text)}`, bytes);
}

function standing(sighting: Sighting | 'fallen' | null): Sighting | null {
  return sighting === 'fallen' ? null : sighting;
}

/**
 * Null unless a key of that log's authority signed it and it names that log; `fallen` where that key does not count for it.
 * A checkpoint holds no time, so what is known of it is when it was seen, null where it was not seen now, and when it was
 * cosigned: of a key that was stolen at T only what was cosigned before T counts.
 */
function sightingOf(
  observer: LogObserver,
  log: AuthorityId,
  text: string,
  shownBy: string,
  seenAtMs: number | null,
): Sighting | 'fallen' | null {
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (!note || !checkpoint || checkpoint.origin !== logOrigin(observer.federation, log)) return null;
  const keys = log === observer.id ? observer.ownKeys : (observer.peers[log] ?? []);
  const signed = keys.filter(({ key }) => isSignedBy(note, logNoteKey(observer.federation, log, key), verifyRaw));
  if (signed.length === 0) return null;
  const time = { issuedAtMs: seenAtMs, cosignedBeforeMs: cosignedBeforeMs(observer, log, note) };
  return signed.some((state) => signatureStands(state, time).stands) ? { note, checkpoint, shownBy } : 'fallen';
}

/** The earliest cosignature of anybody else under a key that nobody else can have used; null where there is none. */
function cosignedBeforeMs(observer: LogObserver, log: AuthorityId, note: Note): number | null {
  const times = Object.entries({ ...observer.peers, [observer.id]: observer.ownKeys })
    .filter(([cosigner]) => cosigner !== log)
    .flatMap(([cosigner, keys]) =>
      keys.flatMap((state) => {
        const key = cosignerKey(observer.federation, cosigner, state.key);
        const atSeconds = isStolen(state) ? null : cosignedAt(note, key, verifyRaw);
        return atSeconds === null ? [] : [atSeconds * 1_000];
      }),
    );
  return times.length === 0 ? null : Math.min(...times);
}
