/**
 * What lineage costs, as ratios to the bare operations of the platform measured in the same run: hops against Ed25519, the
 * log against SHA-256 of as many bytes.
 *
 *   npx tsc -p bench/lineage/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/lineage/lineage.js [--hops 100000] [--entries 1000000] [--json file]
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { PrivateKey, publicKeyOf } from '../../activities/keys/private-key.js';
import { verifyCompact } from '../../activities/keys/verify.js';
import { hopFolder, hopInclusion, readHopText } from '../../activities/lineage/hop-files.js';
import { lineagePrefix, RecordTable, emptyManifest } from '../../activities/lineage/record-table.js';
import {
  adoptHops,
  makeRunHops,
  statementName,
  type HopOwner,
  type Witnessed,
} from '../../activities/lineage/run-hops.js';
import { SaltProposals } from '../../activities/lineage/salts.js';
import { appendToLog, ownCheckpoint, readOwnLog } from '../../activities/log/own-log.js';
import { hmacSha256, sha256 } from '../../activities/log/sha256.js';
import type { DatasetShape } from '../../core/federation/federation.js';
import { hopRootType } from '../../core/lineage/hop.js';
import { makeHops, type AgreedChange } from '../../core/lineage/make-hops.js';
import { verifyInclusion } from '../../core/log/proof.js';
import { leafHash } from '../../core/log/tree.js';
import { memoryStore } from './memory-store.js';

const given = process.argv.slice(2);
const numberOf = (name: string, otherwise: number): number => {
  const at = given.indexOf(name);
  return at < 0 ? otherwise : Number(given[at + 1]);
};
const hopCount = numberOf('--hops', 100_000);
const entryCount = numberOf('--entries', 1_000_000);
const digest = 'ab'.repeat(32);

/** Processor time and not time on the wall, so that whatever else runs on the machine changes little. */
async function microseconds(count: number, work: () => unknown): Promise<number> {
  const began = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / count;
}

function newKey(): PrivateKey {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return PrivateKey.parse({ kty, crv, x, d });
}

async function bareEd25519(): Promise<{ readonly signUs: number; readonly verifyUs: number }> {
  const jwk = newKey();
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = createPublicKey(key);
  const message = randomBytes(600);
  const signature = sign(null, message, key);
  const count = 3_000;
  const signing = (): void => {
    for (let at = 0; at < count; at += 1) sign(null, message, key);
  };
  const verifying = (): void => {
    for (let at = 0; at < count; at += 1) verify(null, message, publicKey, signature);
  };
  signing();
  verifying();
  return { signUs: await microseconds(count, signing), verifyUs: await microseconds(count, verifying) };
}

const fieldsOf = (at: number): Record<string, string | boolean> => ({
  active: true,
  department: `Department ${at % 40}`,
  displayName: `Person Number ${at}`,
  employeeId: `E${100_000 + at}`,
  mail: `person${at}@example.org`,
  userName: `person${at}`,
});
const names = Object.keys(fieldsOf(0));

function owner(): HopOwner {
  const key = newKey();
  return {
    id: 'aws',
    federation: 'bench',
    logKey: key,
    ownKeys: [],
    signingKey: key,
    messageKeys: [publicKeyOf(key)],
    privateStore: memoryStore(),
    exchange: memoryStore(),
  };
}

const shape = {
  dataset: { dataset: 'workforce' },
  members: ['aws'],
  types: [{ taxonomy: { type: 'person' }, held: { aws: names } }],
} as unknown as DatasetShape;

async function hops(): Promise<Record<string, number>> {
  const bare = await bareEd25519();
  const changes = Array.from({ length: hopCount }, (_, at): AgreedChange => ({
    dataset: 'workforce',
    type: 'person',
    key: `${at}`,
    before: null,
    after: fieldsOf(at),
    salt: randomBytes(32),
    native: digest,
    cause: { kind: 'observed' },
    previous: null,
  }));
  makeHops(changes.slice(0, 5_000), { sha256, hmac: hmacSha256 });
  const makeUs = await microseconds(hopCount, () => makeHops(changes, { sha256, hmac: hmacSha256 }));

  // The whole of a first contact: salts proposed, hops made, written, signed once, logged, and taken into the table.
  const whole = owner();
  const proposals = new SaltProposals(new RecordTable(whole.exchange, 'none', emptyManifest));
  const proposeUs = await microseconds(hopCount, () => {
    for (let at = 0; at < hopCount; at += 1) proposals.add('person', `${at}`);
  });
  const salts = { aws: await proposals.put(whole.exchange, 'aws') };
  const witnessed: Witnessed = {
    run: digest,
    plan: digest,
    candidate: digest,
    sequence: 1,
    shape,
    views: { person: [] },
    changes: changes.map(({ key, after }) => ({ kind: 'put', type: 'person', key, fields: after ?? {} })),
    unanimous: {},
    effective: [],
    decisionsBy: new Map(),
    salts,
    nativeOf: () => digest,
    hlc: '0'.repeat(16),
  };
  const wholeUs = await microseconds(hopCount, () => makeRunHops(whole, witnessed));
  const seal = { ref: 'aws/documents/none', sha256: digest };
  const adoptUs = await microseconds(hopCount, () => adoptHops(whole, 'workforce', digest, seal));

  // One hop as it travels: body, proof, signed root.
  const prefix = lineagePrefix('aws', 'workforce');
  const jws = new TextDecoder().decode((await whole.exchange.get(statementName(prefix, digest))) ?? new Uint8Array(0));
  const { payload } = await verifyCompact(jws, { typ: hopRootType, keys: whole.messageKeys });
  const { root, count } = payload['hops'] as { root: string; count: number };
  const folder = hopFolder(prefix, root);
  const body = await readHopText(whole.exchange, folder, 7);
  const proof = await hopInclusion(whole.exchange, folder, 7, count);
  const times = 1_000;
  const verifyUs = await microseconds(times, async () => {
    for (let at = 0; at < times; at += 1) {
      await verifyCompact(jws, { typ: hopRootType, keys: whole.messageKeys });
      const leaf = leafHash(Buffer.from(body), sha256);
      if (!verifyInclusion({ leaf, index: 7, size: count, proof, root: Buffer.from(root, 'hex') }, sha256))
        throw new Error('a hop does not verify');
    }
  });
  return {
    'bare Ed25519 sign, µs': bare.signUs,
    'bare Ed25519 verify, µs': bare.verifyUs,
    'hop made as a leaf, µs': makeUs,
    'hop made ÷ bare sign': makeUs / bare.signUs,
    'salt proposed, µs': proposeUs,
    'hop made, written, signed and logged with its run, µs': wholeUs,
    'the same ÷ bare sign': wholeUs / bare.signUs,
    'hop taken into the table, µs': adoptUs,
    'hop verified with root and proof, µs': verifyUs,
    'hop verified ÷ bare verify': verifyUs / bare.verifyUs,
    'bytes of a hop': Buffer.byteLength(body),
  };
}

async function log(): Promise<Record<string, number>> {
  const entryBytes = 300;
  const entries = Array.from({ length: entryCount }, (_, at) => Buffer.from(`entry ${at} `.padEnd(entryBytes, '.')));
  const bytes = entryCount * (1 + entryBytes) + entryCount * 65;
  const block = randomBytes(1 << 20);
  const streamUs = await microseconds(entryCount, () => {
    const hash = createHash('sha256');
    for (let done = 0; done < bytes; done += block.length)
      hash.update(block.subarray(0, Math.min(block.length, bytes - done)));
    hash.digest();
  });
  const leaf = randomBytes(1 + entryBytes);
  const node = randomBytes(65);
  const piecesUs = await microseconds(entryCount, () => {
    for (let at = 0; at < entryCount; at += 1) {
      sha256(leaf);
      sha256(node);
    }
  });
  const whole = owner();
  const batch = 4_096;
  const appendUs = await microseconds(entryCount, async () => {
    for (let from = 0; from < entryCount; from += batch) await appendToLog(whole, entries.slice(from, from + batch));
  });
  const { checkpoint } = await ownCheckpoint(whole);
  const oneUs = await microseconds(20, async () => {
    for (let at = 0; at < 20; at += 1) await appendToLog(whole, [Buffer.from(`one more ${at}`)]);
  });
  const times = 2_000;
  const indexes = Array.from({ length: times }, (_, at) => Math.floor((at / times) * entryCount));
  const { reader } = await readOwnLog(whole);
  const proofs: (readonly Uint8Array[])[] = [];
  const proveUs = await microseconds(times, async () => {
    for (const index of indexes) proofs.push(await reader.inclusion(index, entryCount));
  });
  const pathUs = await microseconds(times, () => {
    for (const proof of proofs) for (let at = 0; at <= proof.length; at += 1) sha256(node);
  });
  const verifyUs = await microseconds(times, () => {
    indexes.forEach((index, at) => {
      const entry = entries[index] ?? new Uint8Array(0);
      const claim = {
        leaf: leafHash(entry, sha256),
        index,
        size: entryCount,
        proof: proofs[at] ?? [],
        root: checkpoint.root,
      };
      if (!verifyInclusion(claim, sha256)) throw new Error('an entry does not verify');
    });
  });
  return {
    entries: entryCount,
    'bare SHA-256 of as many bytes in one stream, µs an entry': streamUs,
    'bare SHA-256 of a leaf and a node, µs': piecesUs,
    'append in batches of 4,096, µs an entry': appendUs,
    'append ÷ one stream': appendUs / streamUs,
    'append ÷ leaf and node': appendUs / piecesUs,
    'append of one entry alone, µs': oneUs,
    'inclusion proof made, µs': proveUs,
    'inclusion proof verified, µs': verifyUs,
    'bare SHA-256 of the nodes of one path, µs': pathUs,
    'proof made ÷ path': proveUs / pathUs,
    'proof verified ÷ path': verifyUs / pathUs,
  };
}

const results = { hops: await hops(), log: await log() };
for (const [part, figures] of Object.entries(results)) {
  process.stdout.write(`\n${part}\n`);
  for (const [name, value] of Object.entries(figures))
    process.stdout.write(
      `  ${name.padEnd(62)} ${value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)}\n`,
    );
}
const file = given[given.indexOf('--json') + 1];
if (given.includes('--json') && file !== undefined) writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
