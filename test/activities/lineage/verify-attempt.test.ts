/** The export of a run that moved no base: it says what was read and found, and in words that nothing was agreed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExport, writeExport } from '../../../activities/lineage/export-file.js';
import type { Findings } from '../../../activities/lineage/findings.js';
import { exportAttempt, type AttemptExport } from '../../../activities/lineage/make-export.js';
import { keysOfFederation, type TrustedKeys } from '../../../activities/lineage/trusted-keys.js';
import type { AttemptEvidence } from '../../../activities/lineage/verify-attempt.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { run } from '../../cli/run.js';
import { GateWorld, layGround, type Ground, type Ready } from '../authority/gate-world.js';

let ground: Ground;
let world: GateWorld;
/** Before anybody turned anything down. */
let undecided: GateWorld;
let keys: TrustedKeys;
let ready: Ready;
let asked: AttemptExport;
let folder: string;

const evidenceOf = (
  { inputs, plan, reviews, commit }: Ready,
  change: Partial<AttemptEvidence> = {},
): AttemptEvidence => ({
  dataset,
  inputs,
  plan: plan.plan,
  reviews: [...reviews],
  permit: commit.permit,
  receipts: [],
  ...change,
});

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  keys = keysOfFederation(ground.federation);
  world = await GateWorld.agreed(ground, 3);
  keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
  undecided = world.copy();
  ready = await world.ready({ aws: [{ approver: 'ada', kind: 'reject' }], sov: [] });
  asked = await exportAttempt(world.exchange, keys, evidenceOf(ready));
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-attempt-'));
});
afterAll(async () => {
  await ground?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const words = ({ all }: Findings): readonly string[] =>
  all.map(({ kind, authority, words: text }) => `${kind} ${authority ?? 'all'} ${text}`);
const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words: text }) => text);

describe('a run in which nothing was agreed', () => {
  it('says who read, who turned down, and that nothing was agreed', async () => {
    const findings = await verifyExport({ head: asked.head, objects: new Map(asked.objects) }, keys);
    expect(faults(findings)).toEqual([]);
    const said = words(findings).join('\n');
    expect(said).toMatch(/observed sov read 3 person/);
    expect(said).toMatch(/approved aws ada rejected 1 operation at 20/);
    expect(said).toContain('notAgreed all nothing was agreed: 1 divergences and 0 cases were found, and base 1 stays');
    expect(findings.all.some(({ kind }) => kind === 'agreed')).toBe(false);
  });

  it('says so too where something was written that a base would follow from, and nobody signed one', async () => {
    const own = undecided;
    const approved = await own.ready({ aws: [{ approver: 'ada' }], sov: [] });
    const { receipts } = await own.apply('aws', approved.commit);
    if (!receipts) throw new Error('nothing was written');
    const { head, objects } = await exportAttempt(own.exchange, keys, evidenceOf(approved, { receipts: [receipts] }));
    const findings = await verifyExport({ head, objects: new Map(objects) }, keys);
    expect(faults(findings)).toEqual([]);
    expect(words(findings).join('\n')).toMatch(/notAgreed all nothing was agreed here: base 2 would follow from this/);
  });

  it('does not hold with any one object altered or left out', async () => {
    expect(asked.objects.length).toBeGreaterThan(10);
    for (const [name, bytes] of asked.objects) {
      const altered = Buffer.from(bytes);
      const at = Math.floor(altered.length / 2);
      altered[at] = (altered[at] ?? 0) ^ 1;
      const objects = new Map(asked.objects);
      const tampered = await verifyExport({ head: asked.head, objects: objects.set(name, altered) }, keys);
      expect(tampered.hold, `${name} altered`).toBe(false);
      objects.delete(name);
      expect((await verifyExport({ head: asked.head, objects }, keys)).hold, `${name} left out`).toBe(false);
    }
  }, 60_000);

  it.each<[string, (head: AttemptExport['head']) => AttemptExport['head'], string]>([
    ['dataset', (head) => ({ ...head, dataset: 'other' }), 'it holds a run of workforce and not of other'],
    ['federation', (head) => ({ ...head, federation: 'other' }), 'the keys are of'],
    ['run id', (head) => ({ ...head, inputs: { ...head.inputs, run: 'ab'.repeat(32) } }), 'run id'],
    ['plan', (head) => ({ ...head, plan: { ...head.plan, sha256: 'ab'.repeat(32) } }), 'another plan follows'],
    ['permit', (head) => ({ ...head, permit: head.plan }), 'the reviews permit something else'],
    ['review', (head) => ({ ...head, reviews: head.inputs.opens.slice(0, 1) }), 'the reviews'],
    [
      'snapshot',
      (head) => ({ ...head, inputs: { ...head.inputs, snapshots: head.inputs.snapshots.slice(1) } }),
      'lacks the snapshots',
    ],
  ])('does not hold with another %s', async (_, change, expected) => {
    const findings = await verifyExport({ head: change(asked.head), objects: new Map(asked.objects) }, keys);
    expect(faults(findings).join('\n')).toContain(expected);
  });

  it('is written, read back and verified by the command, in words', async () => {
    const file = path.join(folder, 'attempt.jsonl');
    await writeExport(file, asked.head, asked.objects);
    expect((await readExport(file)).head).toEqual(asked.head);
    const verified = await run(['verify', file, '--peers', ground.folder]);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/^run [0-9a-f]{12} of workforce, which made no base, with the keys of aws, sov/);
    expect(verified.stdout).toMatch(/not agreed +all +nothing was agreed/);
  });
});
