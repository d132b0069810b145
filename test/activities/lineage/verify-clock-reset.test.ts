/** Clocks that jumped an hour ahead and were set back: lineage verifies with the signed resets, and not without them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resetClock } from '../../../activities/authority/clock-reset.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import type { Findings } from '../../../activities/lineage/findings.js';
import { exportRecord, exportRun } from '../../../activities/lineage/make-export.js';
import { keysOfFederation, type TrustedKeys } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { ClockReset, clockResetType } from '../../../core/clock/reset.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import type { RecordLineage } from '../../../core/lineage/bundle.js';
import { keystoneUser, seedEqual } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { GateWorld, layGround, members, type Ground } from '../authority/gate-world.js';
import { baseRecords } from './agreed-world.js';

const hourMs = 3_600_000;
let ground: Ground;
let world: GateWorld;
let keys: TrustedKeys;
let record: NonNullable<Awaited<ReturnType<typeof exportRecord>>>;

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  keys = keysOfFederation(ground.federation);
  seedEqual(ground.sandbox, 3);
  world = new GateWorld(ground);
  world.clockMs += hourMs;
  await world.agree(await world.ready({ aws: [], sov: [] }), []);
  world.clockMs -= hourMs;
  for (const id of members)
    await resetClock({
      authority: id,
      privateStore: world.stores[id],
      exchange: world.exchange,
      key: ground.keys[id],
      keys: keysOf(ground.federation, id, 'messages'),
      physicalMs: world.clockMs,
      maxAheadMs: 60_000,
      reason: 'the host was an hour ahead',
    });
  keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
  const ready = await world.ready({ aws: [{ approver: 'ada' }], sov: [] });
  const { receipts } = await world.apply('aws', ready.commit);
  if (!receipts) throw new Error('nothing was written');
  await world.agree(ready, [receipts]);
  const changed = (await baseRecords(world)).find(({ fields }) => fields['department'] === 'Archive');
  const found = await exportRecord(world.exchange, keys, { dataset, type: 'person', key: changed?.key ?? '' });
  if (!found) throw new Error('the record has no hops');
  record = found;
});
afterAll(() => ground?.stop());

const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);

async function withResets(change: (resets: readonly string[]) => Promise<string[]> | string[]): Promise<Findings> {
  const chains: RecordLineage['chains'] = [];
  for (const chain of record.lineage.chains)
    chains.push(chain.authority === 'aws' ? { ...chain, resets: await change(chain.resets) } : chain);
  return verifyExport({ head: { ...record, lineage: { ...record.lineage, chains } }, objects: new Map() }, keys);
}

const resetOf = (jws: string): ClockReset => ClockReset.parse(readUnverified(jws, { typ: clockResetType }).payload);
const signedBy = (id: 'aws' | 'sov', change: Partial<ClockReset>) => async (resets: readonly string[]) => {
  const reset = { ...resetOf(resets[0] ?? ''), ...change };
  return [await signCompact(reset, { typ: clockResetType, key: ground.keys[id] })];
};

describe('lineage over a clock that was set back', () => {
  it('verifies, and says that the clock had jumped and who signed so', async () => {
    expect(record.lineage.chains.map(({ resets }) => resets.length)).toEqual([1, 1]);
    const findings = await withResets((resets) => [...resets]);
    expect(faults(findings)).toEqual([]);
    expect(findings.all.filter(({ words }) => words.includes('had jumped and was set back'))).toHaveLength(2);
    const { head, objects } = await exportRun(world.exchange, keys, dataset, 2);
    const run = await verifyExport({ head, objects: new Map(objects) }, keys);
    expect(faults(run)).toEqual([]);
    const said = run.all.map(({ authority, words }) => `${authority} ${words}`).join('\n');
    expect(said).toMatch(/aws had set its clock back to 20\S+ \(reset 1: the host was an hour ahead\)/);
  });

  it.each<[string, (resets: readonly string[]) => Promise<string[]> | string[], RegExp]>([
    ['without the reset', () => [], /hop of base 2 is not later/],
    ['with a reset that a peer signed', signedBy('sov', {}), /a reset of its clock does not verify/],
    ['with a reset of a peer', (): string[] => [...(record.lineage.chains[1]?.resets ?? [])], /does not verify/],
    ['with a reset that speaks for a peer', signedBy('aws', { authority: 'sov' }), /speaks for somebody else/],
    ['with a reset that abandons less', signedBy('aws', { abandoned: '0'.repeat(16) }), /is not later/],
    ['with a reset to a later time', signedBy('aws', { restart: 'f'.repeat(16) }), /is not later/],
  ])('%s it does not', async (_, change, says) => {
    const findings = await withResets(change);
    expect(faults(findings).join('\n')).toMatch(says);
    expect(faults(findings).join('\n')).toContain('hop of base 2 is not later');
  });
});
