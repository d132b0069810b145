/** What peers see of each other's logs: forks, rewound logs and restored backups, each named. */
import { describe, expect, it } from 'vitest';
import {
  checkpointForOpen,
  observePeers,
  publishedCosigned,
  type LogObserver,
} from '../../../activities/log/peer-logs.js';
import { appendToLog, ownCheckpoint, publishedCheckpoint, publishedLog } from '../../../activities/log/own-log.js';
import { cosignerKey, logNoteKey } from '../../../activities/log/log-keys.js';
import { verifyRaw } from '../../../activities/log/ed25519.js';
import { publicKeyOf, type PrivateKey } from '../../../activities/keys/private-key.js';
import { cosignedAt } from '../../../core/log/cosignature.js';
import { isSignedBy, parseNote } from '../../../core/log/note.js';
import type { OpenLog } from '../../../core/log/open-log.js';
import type { ObjectStore } from '../../../activities/store.js';
import type { KeyState } from '../../../core/key-state.js';
import { entry, LogWorld, newKey, stateOf } from './log-world.js';

const ids = ['aws', 'azure', 'sov'] as const;
type Opens = Record<string, { readonly log: OpenLog }>;

async function opensOf(world: LogWorld, members: readonly string[] = ids): Promise<Opens> {
  const opens: Opens = {};
  for (const id of members) opens[id] = { log: await checkpointForOpen(world.of(id)) };
  return opens;
}

async function round(world: LogWorld): Promise<void> {
  const opens = await opensOf(world);
  for (const id of ids) await observePeers(world.of(id), opens);
}

/** Three logs of some entries, cosigned by everyone. */
async function settled(): Promise<LogWorld> {
  const world = new LogWorld(ids);
  for (const id of ids) for (const at of [1, 2, 3]) await appendToLog(world.of(id), [entry(`${id} ${at}`)]);
  await round(world);
  return world;
}

/** The authority whose private state is that of another world, on this world's exchange store. */
function withStateOf(world: LogWorld, other: LogWorld, id: string): LogObserver {
  const privateStore = other.stores[id];
  if (!privateStore) throw new Error(`no store of ${id}`);
  return world.of(id, { privateStore });
}

/** Another history of a log under its authority's own key: what a lying authority shows to one peer only. */
async function forked(before: LogWorld, id: string, entries: readonly string[]): Promise<LogWorld> {
  const other = before.copy();
  for (const text of entries) await appendToLog(other.of(id), [entry(text)]);
  return other;
}

describe('peers', () => {
  it('cosign what goes on from what they cosigned, and anybody can check it', async () => {
    const world = await settled();
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    await round(world);
    for (const peer of ['azure', 'sov']) {
      const head = world.exchange.heads.get(publishedCosigned(peer, 'aws'));
      const note = head && parseNote(new TextDecoder().decode(head.bytes));
      const [own, cosigner] = [world.keys['aws'], world.keys[peer]];
      if (!note || !own || !cosigner) throw new Error('nothing was cosigned');
      expect(note.text.split('\n')[1]).toBe('4');
      expect(isSignedBy(note, logNoteKey('test', 'aws', publicKeyOf(own)), verifyRaw)).toBe(true);
      expect(cosignedAt(note, cosignerKey('test', peer, publicKeyOf(cosigner)), verifyRaw)).toBe(1_700_000_000);
    }
  });

  it('find a log that goes on otherwise than from what they cosigned', async () => {
    const world = await settled();
    const old = new LogWorld(ids, world);
    const liar = new LogWorld(ids, world);
    // aws begins anew under its key and shows the longer log as if nothing had been.
    liar.stores['aws']?.objects.clear();
    liar.stores['aws']?.heads.clear();
    for (const name of liar.exchange.objects.keys())
      if (name.startsWith(publishedLog('aws'))) liar.exchange.objects.delete(name);
    for (const name of liar.exchange.heads.keys()) if (name.includes('aws')) liar.exchange.heads.delete(name);
    for (const at of [1, 2, 3, 4, 5]) await appendToLog(liar.of('aws'), [entry(`other ${at}`)]);
    const opens = { aws: { log: await checkpointForOpen(liar.of('aws')) } };
    await expect(observePeers(withStateOf(liar, old, 'azure'), opens)).rejects.toMatchObject({
      code: 'logForked',
      message: expect.stringContaining('log of aws'),
    });
    const evidence = [...liar.exchange.objects.keys()].filter((name) => name.startsWith('azure/log-evidence/'));
    expect(evidence).toHaveLength(1);
  });

  it('find one log shown in two forms to two of them, from what each shows the other', async () => {
    const before = await settled();
    const toAzure = await forked(before, 'aws', ['said to azure']);
    const toSov = await forked(before, 'aws', ['said to sov']);
    await observePeers(toAzure.of('azure'), { aws: { log: await checkpointForOpen(toAzure.of('aws')) } });
    const azureShows = { azure: { log: await checkpointForOpen(toAzure.of('azure')) } };
    const aws = { aws: { log: await checkpointForOpen(toSov.of('aws')) } };
    await expect(observePeers(toSov.of('sov'), { ...aws, ...azureShows })).rejects.toMatchObject({
      code: 'logForked',
      message: expect.stringMatching(/aws.*two histories/),
    });
    await expect(observePeers(toSov.of('sov'), aws)).resolves.toHaveProperty('aws.size', 4);
  });

  it('find a log that was rewound', async () => {
    const world = await settled();
    const backup = world.copy();
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    await round(world);
    // Both stores of aws come from the backup, and it does not look at what peers hold.
    const log = { checkpoint: (await checkpointForOpen(backup.of('aws'))).checkpoint, seen: {} };
    const rewound = new LogWorld(ids, world);
    const published = backup.exchange.heads.get(publishedCheckpoint('aws'));
    if (published) rewound.exchange.heads.set(publishedCheckpoint('aws'), published);
    await expect(observePeers(rewound.of('sov'), { aws: { log } })).rejects.toMatchObject({
      code: 'logRewound',
      message: expect.stringContaining('log of aws shows 3 entries'),
    });
  });

  it('do not take an open that is older than another run for a rewound log', async () => {
    const world = await settled();
    const opens = await opensOf(world);
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    await round(world);
    await expect(observePeers(world.of('sov'), opens)).resolves.toHaveProperty('aws.size', 4);
  });

  it('stop an authority that works from a restored backup, at its open, whatever store was restored', async () => {
    const world = await settled();
    const backup = world.copy();
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    await round(world);
    const restored = new LogWorld(ids, world);
    // Its whole prefix of the exchange store comes from the backup as well.
    for (const [name, head] of backup.exchange.heads)
      if (name.startsWith('aws/')) restored.exchange.heads.set(name, head);
    await expect(checkpointForOpen(withStateOf(restored, backup, 'aws'))).rejects.toMatchObject({
      code: 'logRewound',
      message: expect.stringMatching(/azure holds a checkpoint of the log of aws with 4 entries, and aws itself has 3/),
    });
  });

  it('stop an authority whose restored backup has gone on to as many entries', async () => {
    const before = await settled();
    const world = await forked(before, 'aws', ['aws 4']);
    await round(world);
    const other = await forked(before, 'aws', ['another 4', 'another 5']);
    for (const [name, head] of world.exchange.heads)
      if (name.includes('/cosigned/')) other.exchange.heads.set(name, head);
    await expect(checkpointForOpen(other.of('aws'))).rejects.toMatchObject({ code: 'logForked' });
  });

  it("stop an authority whom only another one's open tells that it has forgotten", async () => {
    const world = await settled();
    const backup = world.copy();
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    await round(world);
    const opens = await opensOf(world, ['azure', 'sov']);
    await expect(observePeers(backup.of('aws'), opens)).rejects.toMatchObject({ code: 'logRewound' });
  });

  it('refuse a checkpoint that the log of nobody signed, and name who showed it', async () => {
    const world = await settled();
    const opens = await opensOf(world);
    const own = opens['azure']?.log;
    const aws = own?.seen['aws'];
    if (!own || aws === undefined) throw new Error('azure has seen nothing of aws');
    const forged = aws.replace('\n3\n', '\n9\n');
    const lying = { ...opens, azure: { log: { ...own, seen: { ...own.seen, aws: forged } } } };
    await expect(observePeers(world.of('sov'), lying)).rejects.toMatchObject({
      code: 'inputNotAuthentic',
      message: expect.stringContaining('open of azure'),
    });
  });

  it('tell altered tiles from a fork', async () => {
    const world = await settled();
    await appendToLog(world.of('aws'), [entry('aws 4')]);
    const opens = await opensOf(world);
    const name = `${publishedLog('aws')}/tile/0/000.p/4`;
    const tile = Buffer.from(world.exchange.objects.get(name) ?? []);
    tile[40] = (tile[40] ?? 0) ^ 1;
    world.exchange.objects.set(name, tile);
    await expect(observePeers(world.of('sov'), opens)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });

  it('show again what they kept where they died before showing it', async () => {
    const world = await settled();
    world.exchange.heads.delete(publishedCosigned('sov', 'aws'));
    await round(world);
    expect(world.exchange.heads.has(publishedCosigned('sov', 'aws'))).toBe(true);
  });
});

describe('a peer that reads while another worker of its authority cosigns', () => {
  it('accuses nobody: what is published now is read after what was cosigned', async () => {
    const world = await settled();
    const plain = world.of('azure');
    let between = true;
    // Right after this worker has read what aws publishes, aws goes on and another worker of azure cosigns that.
    const exchange: ObjectStore = {
      get: (name) => plain.exchange.get(name),
      getRange: (name, start, length) => plain.exchange.getRange(name, start, length),
      list: (prefix) => plain.exchange.list(prefix),
      putIfAbsent: (name, bytes) => plain.exchange.putIfAbsent(name, bytes),
      compareAndSetHead: (name, version, bytes) => plain.exchange.compareAndSetHead(name, version, bytes),
      remove: (name) => plain.exchange.remove(name),
      rewriteOlder: (name, rewrite) => plain.exchange.rewriteOlder(name, rewrite),
      removeUnfinished: (holds) => plain.exchange.removeUnfinished(holds),
      readHead: async (name) => {
        const head = await plain.exchange.readHead(name);
        if (between && name === 'aws/log/checkpoint') {
          between = false;
          await appendToLog(world.of('aws'), [entry('aws goes on')]);
          await round(world);
        }
        return head;
      },
    };
    const open = { log: await checkpointForOpen(world.of('aws')) };
    await observePeers(world.of('azure', { exchange }), { aws: open });
    expect(between).toBe(false);
    expect([...world.exchange.objects.keys()].filter((name) => name.includes('log-evidence'))).toEqual([]);
  });
});

describe('a log whose key is rotated', () => {
  const atMs = 1_700_000_000_000;
  function rotated(
    world: LogWorld,
    change: Partial<KeyState>,
  ): { readonly next: PrivateKey; readonly old: PrivateKey } {
    const [next, old] = [newKey(), world.keys['aws']];
    if (!old) throw new Error('aws has no key');
    world.states['aws'] = [stateOf('aws', old, change), stateOf('aws', next, { notBeforeMs: atMs })];
    return { next, old };
  }
  const later = { now: () => atMs + 60_000 };

  it('goes on under its name, and peers follow it over the change', async () => {
    const world = await settled();
    const { next } = rotated(world, { expiresMs: atMs + 10_000 });
    const aws = world.of('aws', { logKey: next, ...later });
    const same = await checkpointForOpen(aws);
    const cosigned = await observePeers(world.of('azure', later), { aws: { log: same } });
    expect(cosigned['aws']?.size, 'what was cosigned under the last key is its beginning').toBeGreaterThan(0);
    await appendToLog(aws, [entry('under the next key')]);
    const more = await observePeers(world.of('azure', later), { aws: { log: await checkpointForOpen(aws) } });
    expect(more['aws']?.size).toBe((cosigned['aws']?.size ?? 0) + 1);
  });

  it('is refused under the last key once that has run out', async () => {
    const world = await settled();
    const { old } = rotated(world, { expiresMs: atMs + 10_000 });
    await appendToLog(world.of('aws', { logKey: old }), [entry('too late')]);
    const open = { log: await checkpointForOpen(world.of('aws', { logKey: old })) };
    await expect(observePeers(world.of('azure', later), { aws: open })).rejects.toMatchObject({ code: 'keyNotValid' });
  });

  it('is not accused of what a thief signed with its stolen key, also where a peer had cosigned that', async () => {
    const world = await settled();
    const { next, old } = rotated(world, {});
    const thief = await forked(world, 'aws', ['never happened', 'nor this', 'nor that']);
    await observePeers(withPrivate(thief, world, 'sov', later), {
      aws: { log: await checkpointForOpen(thief.of('aws')) },
    });
    world.states['aws'] = [
      stateOf('aws', old, { revoked: { atMs: atMs + 30_000, reason: 'compromised' } }),
      stateOf('aws', next, { notBeforeMs: atMs }),
    ];
    const aws = world.of('aws', { logKey: next, ...later });
    await appendToLog(aws, [entry('what did happen')]);
    const open = { log: await checkpointForOpen(aws) };
    for (const peer of ['azure', 'sov'])
      expect((await observePeers(world.of(peer, later), { aws: open }))['aws']?.size, peer).toBe(
        (await ownCheckpoint(aws)).checkpoint.size,
      );
  });

  it('cannot be rewound behind what was cosigned before the key was stolen', async () => {
    const before = await settled();
    const world = before.copy();
    await appendToLog(world.of('aws'), [entry('cosigned in time')]);
    await round(world);
    const { next, old } = rotated(world, {});
    world.states['aws'] = [
      stateOf('aws', old, { revoked: { atMs: atMs + 30_000, reason: 'compromised' } }),
      stateOf('aws', next, { notBeforeMs: atMs }),
    ];
    const rewound = withStateOf(world, before, 'aws');
    await expect(checkpointForOpen({ ...rewound, logKey: next, now: later.now })).rejects.toMatchObject({
      code: 'logRewound',
    });
  });
});

/** A peer of `world` that reads the exchange store of `other`. */
function withPrivate(
  other: LogWorld,
  world: LogWorld,
  id: string,
  change: { readonly now: () => number },
): LogObserver {
  const privateStore = world.stores[id];
  if (!privateStore) throw new Error(`no store of ${id}`);
  return other.of(id, { privateStore, ...change });
}
