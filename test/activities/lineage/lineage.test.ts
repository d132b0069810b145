/** From two clouds that agree, change, are written and agree again, to a lineage that anybody can check, and to lies that fail. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adoptSealedHops } from '../../../activities/authority/hops.js';
import { logObserver } from '../../../activities/authority/log-observer.js';
import { Findings } from '../../../activities/lineage/findings.js';
import { readChain } from '../../../activities/lineage/read-chain.js';
import { ownTable } from '../../../activities/lineage/run-hops.js';
import { keysOfFederation } from '../../../activities/lineage/trusted-keys.js';
import { verifyRecordLineage } from '../../../activities/lineage/verify-record.js';
import { readOwnLog } from '../../../activities/log/own-log.js';
import type { RecordLineage, TravellingHop } from '../../../core/lineage/bundle.js';
import { LogEntry } from '../../../core/lineage/hop.js';
import type { FederatedRecord } from '../../../core/record.js';
import { dataset } from '../../support/local-federation.js';
import { members, type GateWorld, type Ground } from '../authority/gate-world.js';
import { agreedWorld, baseRecords } from './agreed-world.js';

let ground: Ground;
let world: GateWorld;
let record: FederatedRecord;
let lineage: RecordLineage;

beforeAll(async () => {
  ({ ground, world, record } = await agreedWorld());
  lineage = await lineageOf(record);
});
afterAll(() => ground?.stop());

async function lineageOf({ type, key, fields }: FederatedRecord): Promise<RecordLineage> {
  const chains = await Promise.all(members.map((id) => readChain(world.exchange, id, members, { dataset, type, key })));
  const [first] = chains;
  if (!first) throw new Error('the record has no hops');
  return {
    federation: ground.federation.file.federation,
    dataset,
    record: { type, key, salt: Buffer.from(first.salt).toString('hex'), fields },
    chains: chains.flatMap((found) => (found ? [found.chain] : [])),
  };
}

async function verified(token: RecordLineage): Promise<Findings> {
  const findings = new Findings();
  await verifyRecordLineage(token, keysOfFederation(ground.federation), findings);
  return findings;
}

const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);

/** The lineage with one change to the newest hop of aws. */
function withHop(change: (hop: TravellingHop) => TravellingHop): RecordLineage {
  return {
    ...lineage,
    chains: lineage.chains.map((chain) =>
      chain.authority === 'aws'
        ? { ...chain, hops: chain.hops.map((hop, at) => (at === 0 ? change(hop) : hop)) }
        : chain,
    ),
  };
}

describe('the lineage of a record', () => {
  it('says who showed it, who wrote it, by how many decisions, and what both hold, and verifies', async () => {
    const findings = await verified(lineage);
    expect(faults(findings)).toEqual([]);
    const words = findings.all.map(({ kind, authority, words: text }) => `${kind} ${authority ?? '-'} ${text}`);
    expect(words).toContainEqual(expect.stringMatching(/^observed sov base 1: its mesh showed the record, with /));
    expect(words).toContainEqual('observed sov base 2: its mesh showed department');
    expect(words).toContainEqual(
      expect.stringMatching(
        /^wrote aws base 2: wrote department, by operation [0-9a-f]{12}, approved in 1 signed decision$/,
      ),
    );
    expect(words).toContainEqual('agreed - base 2: aws, sov hold the same');
    expect(words.filter((text) => text.includes('its hops hold the given values'))).toHaveLength(2);
    expect(lineage.chains.map(({ hops }) => hops.length)).toEqual([2, 2]);
  });

  it('has for every agreed record one hop from each member in the first base, and no value in any of them', async () => {
    const records = await baseRecords(world);
    expect(records.length).toBeGreaterThanOrEqual(8);
    for (const one of records) {
      const token = await lineageOf(one);
      expect(token.chains).toHaveLength(2);
      for (const { hops } of token.chains)
        for (const { body, root } of hops)
          for (const value of [...Object.values(one.fields), one.key])
            if (typeof value === 'string' && value.length > 3) expect(`${body} ${root}`).not.toContain(value);
    }
  });

  it('holds the keyed digest of its native id, which is another one at each member', async () => {
    const hop = JSON.parse(lineage.chains[0]?.hops[0]?.body ?? '{}') as { native: string };
    expect(hop.native).toMatch(/^[0-9a-f]{64}$/);
    const natives = lineage.chains.map(({ hops }) => (JSON.parse(hops[0]?.body ?? '{}') as { native: string }).native);
    expect(new Set(natives).size).toBe(2);
  });

  it('is appended to the log of each member with the agreements, in the order in which they came', async () => {
    const { size, reader } = await readOwnLog(world.contexts.aws);
    const entries = await Promise.all(Array.from({ length: size }, (_, at) => reader.entryAt(at)));
    const kinds = entries.map((bytes) => LogEntry.parse(JSON.parse(new TextDecoder().decode(bytes))));
    expect(kinds.map((one) => `${one.kind} ${'sequence' in one ? one.sequence : ''}`)).toEqual([
      'agreement 1',
      'hops 1',
      'agreement 2',
      'hops 2',
    ]);
  });

  it('is taken into the table once, however often it is asked for', async () => {
    const before = (await ownTable(logObserver(world.contexts.aws), dataset)).manifest;
    await adoptSealedHops(world.contexts.aws, dataset);
    expect((await ownTable(logObserver(world.contexts.aws), dataset)).manifest).toEqual(before);
    expect(before.sequence).toBe(2);
  });
});

describe('a lineage that was tampered with', () => {
  const other = 'ab'.repeat(32);

  it.each<[string, () => RecordLineage, string]>([
    ['a value', () => withRecord({ fields: { ...record.fields, department: 'Library' } }), 'other values'],
    ['the record', () => withRecord({ key: 'somebody else' }), 'another record'],
    ['the salt', () => withRecord({ salt: other }), 'another record'],
    ['a record that is said to be gone', () => withRecord({ fields: null }), 'not gone'],
    [
      'the body of a hop',
      () => withHop((hop) => ({ ...hop, body: hop.body.replace('written', 'writtem') })),
      'canonical form',
    ],
    [
      'a digest in a hop',
      () =>
        withHop((hop) => ({
          ...hop,
          body: hop.body.replace(/"department":"[0-9a-f]{64}"/, `"department":"${other}"`),
        })),
      'not under the root',
    ],
    ['its index', () => withHop((hop) => ({ ...hop, index: hop.index + 1 })), 'not under the root'],
    ['its proof', () => withHop((hop) => ({ ...hop, proof: [...hop.proof, other] })), 'not under the root'],
    [
      'its signature',
      () => withHop((hop) => ({ ...hop, root: `${hop.root.slice(0, -8)}AAAAAAAA` })),
      'does not verify',
    ],
    [
      'its root, from the chain of another',
      () => withHop((hop) => ({ ...hop, root: rootOf('sov') })),
      'does not verify',
    ],
    [
      'its place in the log',
      () => withHop((hop) => ({ ...hop, log: { ...hop.log, position: hop.log.position - 1 } })),
      'not in its log',
    ],
    ['an earlier hop, left out', () => withChain((hops) => hops.slice(0, 1)), 'hop before base 2'],
    ['the newest hop, left out', () => withChain((hops) => hops.slice(1)), ''],
    ['the dataset', () => ({ ...lineage, dataset: 'another' }), 'speaks for'],
    ['the federation', () => ({ ...lineage, federation: 'another' }), 'the keys are of'],
    ['the checkpoint', () => withLog({ checkpoint: lineage.chains[1]?.checkpoint ?? '' }), 'checkpoint of its log'],
    ['the cosignatures, left out', () => withLog({ cosigned: [] }), 'no peer has cosigned'],
    [
      'a cosignature, of another log',
      () => withLog({ cosigned: lineage.chains[1]?.cosigned ?? [] }),
      'not signed by it and a peer',
    ],
  ])('is refused for %s', async (_, altered, expected) => {
    const findings = await verified(altered());
    if (expected === '') {
      // The other member's chain goes on, so what was left out shows in what both are said to hold.
      expect(findings.all.map(({ words }) => words)).not.toContain('base 2: aws, sov hold the same');
      return;
    }
    expect(faults(findings).join('\n')).toContain(expected);
    expect(findings.hold).toBe(false);
  });

  function withRecord(change: object): RecordLineage {
    return { ...lineage, record: { ...(lineage.record as NonNullable<RecordLineage['record']>), ...change } };
  }
  function withChain(change: (hops: TravellingHop[]) => TravellingHop[]): RecordLineage {
    return {
      ...lineage,
      chains: lineage.chains.map((chain) =>
        chain.authority === 'aws' ? { ...chain, hops: change(chain.hops) } : chain,
      ),
    };
  }
  function withLog(change: object): RecordLineage {
    return {
      ...lineage,
      chains: lineage.chains.map((chain) => (chain.authority === 'aws' ? { ...chain, ...change } : chain)),
    };
  }
  function rootOf(authority: string): string {
    return lineage.chains.find((chain) => chain.authority === authority)?.hops[0]?.root ?? '';
  }
});
