/**
 * Every parser that reads what a peer wrote, over inputs that are nearly right: each is read or refused with a code, in
 * bounded time, and never brings the worker down. A seed that fails is in the message.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { getDocument, parsePublished, putDocument } from '../../activities/exchange.js';
import { generatePrivateKey, publicKeyOf, type PrivateKey } from '../../activities/keys/private-key.js';
import { signCompact } from '../../activities/keys/sign.js';
import { readUnverified, verifyCompact } from '../../activities/keys/verify.js';
import { canonicalJson, sha256Hex } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import { parseHop } from '../../core/lineage/hop.js';
import { parseCheckpoint } from '../../core/log/checkpoint.js';
import { parseNote } from '../../core/log/note.js';
import { entriesOf } from '../../core/log/tiles.js';
import { Open, openType, SnapshotStatement } from '../../core/messages.js';
import { dutyOf } from '../../core/rounds.js';
import { sealedRoot } from '../../core/sealed.js';
import { MemoryStore } from '../activities/authority/gate-world.js';
import { randomOf } from '../core/support/rounds-world.js';
import { mutatedText, mutatedValue, type Random } from './mutate.js';
import { hop, note, samples } from './samples.js';
import { schemas, type SampleName } from './schemas.js';

const inputs = Number(process.env['CONCORDAT_FUZZ_INPUTS'] ?? 15_000);
/** Of one input, on a machine that does other things too. */
const longestMs = 2_000;

const names = Object.keys(samples) as readonly SampleName[];

interface Count {
  read: number;
  refused: number;
}

/** Reads each input; anything thrown that has no code of ours, or takes long, fails with its seed. */
async function overall(share: number, offset: number, read: (random: Random, seed: number) => unknown): Promise<Count> {
  const count: Count = { read: 0, refused: 0 };
  for (let seed = offset + 1; seed <= offset + share; seed += 1) {
    const beganMs = performance.now();
    try {
      const reading = read(randomOf(seed), seed);
      if (reading instanceof Promise) await reading;
      count.read += 1;
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      expect(error.message.length, `seed ${seed}: the refusal repeats what it refuses`).toBeLessThan(600);
      count.refused += 1;
    }
    const tookMs = performance.now() - beganMs;
    if (tookMs > longestMs) throw new Error(`seed ${seed} took ${Math.round(tookMs)} ms`);
  }
  return count;
}

let key: PrivateKey;
let jws: string;
beforeAll(async () => {
  key = await generatePrivateKey();
  jws = await signCompact(samples.open, { typ: openType, key });
});

describe(`what a peer wrote, in ${inputs} inputs`, () => {
  it('holds samples that are right as they are', async () => {
    for (const name of names) {
      const issues = schemas[name].safeParse(samples[name]).error?.issues ?? [];
      expect(issues.map(({ path, message }) => `${name} ${path.join('.')}: ${message}`)).toEqual([]);
    }
    expect(parseCheckpoint(parseNote(note)?.text ?? '')).toMatchObject({ size: 3 });
    expect((await verifyCompact(jws, { typ: openType, keys: [publicKeyOf(key)] })).payload).toEqual(samples.open);
  });

  it('is read or refused as a signed message', { timeout: 300_000 }, async () => {
    const count = await overall(Math.floor(inputs * 0.3), 0, (random) =>
      readUnverified(mutatedText(jws, random), { typ: openType }),
    );
    expect(count.refused).toBeGreaterThan(count.read);
  });

  it('is refused as a signed message wherever the signed part was changed', { timeout: 300_000 }, async () => {
    const keys = [publicKeyOf(key)];
    const count = await overall(Math.floor(inputs * 0.05), 1_000_000, async (random, seed) => {
      const changed = mutatedText(jws, random);
      const { id } = await verifyCompact(changed, { typ: openType, keys });
      if (id !== sha256Hex(jws.slice(0, jws.lastIndexOf('.')))) throw new Error(`seed ${seed} was taken for signed`);
    });
    expect(count.refused).toBeGreaterThan(0);
  });

  it('is read or refused as a document of every kind', { timeout: 300_000 }, async () => {
    const store = new MemoryStore();
    const count = await overall(Math.floor(inputs * 0.3), 2_000_000, async (random, seed) => {
      const name = names[seed % names.length] as SampleName;
      const bytes = new TextEncoder().encode(mutatedText(canonicalJson(samples[name]), random));
      const ref = { ref: 'aws/documents/x', sha256: sha256Hex(bytes) };
      store.objects.clear();
      store.objects.set(ref.ref, bytes);
      return getDocument(store, ref, schemas[name]);
    });
    expect(count.refused).toBeGreaterThan(count.read);
  });

  it('is read or refused where its author signed another shape', { timeout: 300_000 }, async () => {
    const store = new MemoryStore();
    const seen: Record<string, Count> = {};
    await overall(Math.floor(inputs * 0.35), 3_000_000, async (random, seed) => {
      const name = names[seed % names.length] as SampleName;
      const count = (seen[name] ??= { read: 0, refused: 0 });
      const value = mutatedValue(samples[name] as Json, random);
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      const ref = { ref: 'aws/documents/x', sha256: sha256Hex(bytes) };
      store.objects.clear();
      store.objects.set(ref.ref, bytes);
      let found: unknown;
      try {
        found = await getDocument(store, ref, schemas[name]);
      } catch (error) {
        count.refused += 1;
        throw error;
      }
      count.read += 1;
      useWhatWasRead(name, found);
    });
    for (const name of names) expect(seen[name]?.refused, name).toBeGreaterThan(0);
  });
});

describe('what a peer publishes under a name that says nothing of its bytes', () => {
  it('is read or refused, in whatever form it lies there', { timeout: 300_000 }, async () => {
    const published = ['publishedTable', 'sealedHops', 'publishedErasure'] as const;
    const count = await overall(Math.floor(inputs * 0.05), 6_000_000, (random, seed) => {
      const name = published[seed % published.length] ?? 'sealedHops';
      return parsePublished(name, Buffer.from(mutatedText(JSON.stringify(samples[name]), random)), schemas[name]);
    });
    expect(count.refused).toBeGreaterThan(count.read);
  });
});

describe('a document that lies in pieces', () => {
  it('is what was put there or refused, whatever became of its list and its pieces', { timeout: 300_000 }, async () => {
    const whole = new MemoryStore();
    whole.documentPieceBytes = 64;
    const ref = await putDocument(whole, 'aws', samples.plan);
    expect(whole.objects.size).toBeGreaterThan(3);
    const names = [...whole.objects.keys()];
    const count = await overall(Math.floor(inputs * 0.03), 7_000_000, async (random, seed) => {
      const store = new MemoryStore(whole);
      // The list every other time: it says which pieces there are.
      const name = seed % 2 === 0 ? ref.ref : (names[seed % names.length] ?? ref.ref);
      const text = Buffer.from(store.objects.get(name) ?? []).toString('utf8');
      store.objects.set(name, new TextEncoder().encode(mutatedText(text, random)));
      const read = await getDocument(store, ref, schemas.plan);
      if (canonicalJson(read as Json) !== canonicalJson(samples.plan)) throw new Error(`seed ${seed} passed for it`);
    });
    expect(count.refused).toBeGreaterThan(count.read);
  });
});

describe('what a peer keeps in its log', () => {
  it(
    'is read or found wanting as a note, a checkpoint, a hop and a bundle of entries',
    { timeout: 300_000 },
    async () => {
      let wanting = 0;
      const share = Math.floor(inputs * 0.1);
      await overall(share, 5_000_000, (random) => {
        const read = parseNote(mutatedText(note, random));
        if (read) parseCheckpoint(read.text);
        const leaf = parseHop(mutatedText(canonicalJson(hop), random));
        const bundle = Buffer.from(mutatedText('\u0000\u0003abc\u0000\u0001d', random), 'latin1');
        if (!read || !leaf || !entriesOf(bundle)) wanting += 1;
      });
      expect(wanting).toBeGreaterThan(share / 2);
    },
  );
});

/** What the code does with a message right after it was read must hold for all that its schema lets through. */
function useWhatWasRead(name: SampleName, found: unknown): void {
  if (name === 'open') {
    const open = Open.parse(found);
    dutyOf([open, { ...open, authority: 'sov' }], ['aws', 'sov'], ['aws', 'sov']);
  }
  if (name === 'snapshot') sealedRoot(SnapshotStatement.parse(found).types);
}
