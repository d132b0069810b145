/**
 * What Concordat signs, checked by software that is not ours: logs by Go's sumdb/note and transparency-dev, hop roots and
 * decisions by two Python libraries. Each is also given something altered, so that its yes means something.
 */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosignerKey, logNoteKey } from '../../activities/log/log-keys.js';
import { appendToLog, ownCheckpoint, publishedLog } from '../../activities/log/own-log.js';
import { checkpointForOpen, observePeers, publishedCosigned } from '../../activities/log/peer-logs.js';
import { LogReader } from '../../activities/log/log-reader.js';
import { exportRecord } from '../../activities/lineage/make-export.js';
import { keysOfFederation } from '../../activities/lineage/trusted-keys.js';
import { publicKeyOf } from '../../activities/keys/private-key.js';
import { decisionType } from '../../core/decision.js';
import { HopRoot, hopRootType } from '../../core/lineage/hop.js';
import { verifierKeyText } from '../../core/log/note.js';
import { dataset } from '../support/local-federation.js';
import { pythonEnvironment } from '../support/systems/python-environment.js';
import { systemsFolder } from '../support/systems/systems-folder.js';
import { agreedWorld, type AgreedWorld } from '../activities/lineage/agreed-world.js';
import { entry, LogWorld } from '../activities/log/log-world.js';

const run = promisify(execFile);
const foreign = fileURLToPath(new URL('foreign/', import.meta.url));

/** The built checker, or why there is none. */
async function goChecker(): Promise<{ readonly program: string } | { readonly reason: string }> {
  const program = path.join(systemsFolder(), 'foreign-log');
  try {
    await run('go', ['build', '-o', program, '.'], { cwd: path.join(foreign, 'log'), timeout: 300_000 });
    return { program };
  } catch (error) {
    return { reason: (error as { stderr?: string }).stderr?.split('\n')[0] || String(error).split('\n')[0] || 'no go' };
  }
}

const go = await goChecker();
const python = await pythonEnvironment('foreign-jws', ['joserfc==1.8.0', 'PyJWT==2.15.1', 'cryptography==50.0.2']);
if ('reason' in go)
  process.stderr.write(
    `skipped: Go's verifiers are not available (${go.reason}). To get them: Go 1.26 and a module proxy\n`,
  );
if (python.kind === 'missing')
  process.stderr.write(
    `skipped: Python's verifiers are not available (${python.reason}). To get them: python3 with venv and a package index\n`,
  );

async function answerOf<Answer>(program: string, argv: readonly string[], input: object): Promise<Answer> {
  const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(input));
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Answer;
}

const hexOf = (hashes: readonly Uint8Array[]): readonly string[] =>
  hashes.map((hash) => Buffer.from(hash).toString('hex'));

describe.skipIf('reason' in go)('a log, by Go', () => {
  const entries = Array.from({ length: 1_000 }, (_, at) => entry(`entry ${at}`));
  let input: {
    Note: string;
    LogKey: string;
    Cosigners: string[];
    Inclusions: { Entry: string; Index: number; Proof: string[] }[];
    Consistencies: { Note: string; Proof: string[] }[];
  };

  beforeAll(async () => {
    const world = new LogWorld(['aws', 'azure', 'sov']);
    const notes: string[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 300],
      [300, 512],
      [512, 1_000],
    ] as const) {
      await appendToLog(world.of('aws'), entries.slice(from, to));
      notes.push((await ownCheckpoint(world.of('aws'))).note);
    }
    const log = await checkpointForOpen(world.of('aws'));
    for (const peer of ['azure', 'sov']) await observePeers(world.of(peer), { aws: { log } });
    const cosigned = ['azure', 'sov'].map((peer) =>
      new TextDecoder().decode(world.exchange.heads.get(publishedCosigned(peer, 'aws'))?.bytes),
    );
    const reader = new LogReader(world.exchange, publishedLog('aws'), 1_000);
    const keyOf = (id: string) => {
      const key = world.keys[id];
      if (!key) throw new Error(`no key of ${id}`);
      return publicKeyOf(key);
    };
    input = {
      // One note with the signature of the log and both cosignatures.
      Note: `${cosigned[0]}${cosigned[1]?.trimEnd().split('\n').at(-1)}\n`,
      LogKey: verifierKeyText(logNoteKey('test', 'aws', keyOf('aws'))),
      Cosigners: ['azure', 'sov'].map((peer) => verifierKeyText(cosignerKey('test', peer, keyOf(peer)))),
      Inclusions: await Promise.all(
        [0, 255, 256, 511, 512, 767, 999].map(async (index) => ({
          Entry: Buffer.from(entries[index] ?? []).toString('hex'),
          Index: index,
          Proof: [...hexOf(await reader.inclusion(index, 1_000))],
        })),
      ),
      Consistencies: await Promise.all(
        [1, 300, 512, 1_000].map(async (size, at) => ({
          Note: notes[at] ?? '',
          Proof: [...hexOf(await reader.consistency(size, 1_000))],
        })),
      ),
    };
  });

  const check = (given: object) => answerOf<Record<string, string>>('program' in go ? go.program : '', [], given);

  it('has a checkpoint, cosignatures, inclusion and consistency that hold', async () => {
    const answer = await check(input);
    expect(Object.keys(answer)).toHaveLength(2 + 2 + 7 + 4);
    expect(Object.entries(answer).filter(([, error]) => error !== '')).toEqual([]);
  });

  it('is refused where the note, an entry, a proof or an earlier checkpoint is another', async () => {
    expect((await check({ ...input, Note: input.Note.replace('\n1000\n', '\n1001\n') }))['note']).not.toBe('');
    const [first, ...others] = input.Inclusions;
    const moved = await check({ ...input, Inclusions: [{ ...first, Index: 1 }, ...others] });
    expect(moved['inclusion 0']).not.toBe('');
    expect(moved['inclusion 1']).toBe('');
    const consistencies = input.Consistencies.map((one, at) => ({
      ...one,
      Proof: input.Consistencies[(at + 1) % 3]?.Proof ?? [],
    }));
    const swapped = await check({ ...input, Consistencies: consistencies });
    expect(swapped['consistency 1']).not.toBe('');
    const strangers = await check({
      ...input,
      Cosigners: [...input.Cosigners].map((key) => key.replace(/^[^+]+/, 'test/else')),
    });
    expect(strangers['cosignature 0']).not.toBe('');
  });
});

describe.skipIf(python.kind === 'missing')('hop roots and decisions, by Python', () => {
  let made: AgreedWorld;
  interface Token {
    readonly jws: string;
    readonly jwk: object;
    readonly typ: string;
  }
  let tokens: Token[];

  beforeAll(async () => {
    made = await agreedWorld();
    const keys = keysOfFederation(made.ground.federation);
    const { type, key } = made.record;
    const found = await exportRecord(made.world.exchange, keys, { dataset, type, key });
    if (!found) throw new Error('the record has no hops');
    const roots = found.lineage.chains.flatMap(({ authority, hops }) =>
      hops.map(({ root }) => ({ jws: root, jwk: keys.ofMessages(authority)[0]?.key ?? {}, typ: hopRootType })),
    );
    const decisions = found.decisions.map((jws) => ({
      jws,
      jwk: keys.ofApprover('aws', 'ada')[0] ?? {},
      typ: decisionType,
    }));
    tokens = [...roots, ...decisions];
  });
  afterAll(() => made?.ground.stop());

  type Said = { readonly payload?: unknown; readonly refused?: string };
  const verify = (given: readonly Token[]) =>
    answerOf<readonly { readonly joserfc: Said; readonly pyjwt: Said }[]>(
      path.join(python.kind === 'ready' ? python.binFolder : '', 'python'),
      [path.join(foreign, 'verify_jws.py')],
      { tokens: given },
    );

  it('verify and say what we read', async () => {
    expect(tokens).toHaveLength(5);
    const answers = await verify(tokens);
    answers.forEach((answer, at) => {
      const [, payload = ''] = tokens[at]?.jws.split('.') ?? [];
      const own: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
      expect(answer).toEqual({ joserfc: { payload: own }, pyjwt: { payload: own } });
    });
    expect(HopRoot.safeParse(answers[0]?.joserfc.payload).success).toBe(true);
  });

  it('are refused with another payload, another key or another type', async () => {
    const [first, second] = tokens;
    const decision = tokens.at(-1);
    if (!first || !second || !decision) throw new Error('nothing was signed');
    const parts = first.jws.split('.');
    const altered = [parts[0], second.jws.split('.')[1], parts[2]].join('.');
    const refused = await verify([
      { ...first, jws: altered },
      { ...first, jwk: decision.jwk },
      { ...first, typ: decisionType },
    ]);
    for (const { joserfc, pyjwt } of refused) {
      expect(joserfc.refused).toBeDefined();
      expect(pyjwt.refused).toBeDefined();
    }
  });
});
