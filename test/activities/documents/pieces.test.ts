/** Documents in pieces, at the size of a unit test: the same document as in one object, and nothing that is not it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documentParts, parsePart } from '../../../activities/documents/document-parts.js';
import { pieceListIn, piecesMax, type PieceList } from '../../../activities/documents/piece-list.js';
import { digestInPieces } from '../../../activities/documents/put-in-pieces.js';
import { findDocument, getDocument, putDocument } from '../../../activities/exchange.js';
import { canonicalJson, digestOf, sha256Hex } from '../../../core/digest.js';
import type { Json } from '../../../core/json.js';
import type { Ref } from '../../../core/messages.js';
import { Permit } from '../../../core/permit.js';
import { MemoryStore } from '../../support/memory-store.js';
import { fullRuns } from '../../support/property-runs.js';

const Part = z.strictObject({ key: z.string(), value: z.json() });
const Document = z.strictObject({
  name: z.string(),
  parts: z.array(Part),
  more: z.array(z.string()).optional(),
  by: z.record(z.string(), z.array(z.int())),
  none: z.array(Part).default([]),
  base: z.string().nullable(),
});
type Document = z.infer<typeof Document>;

const document: Document = {
  name: 'n',
  parts: Array.from({ length: 40 }, (_, at) => ({ key: `Zoë 🚚 ${at}`, value: { at, list: ['a"],{', '\\'] } })),
  by: { aws: [1, 2, 3], sov: [], '10': [7], '9': [8] },
  none: [],
  base: null,
};

function storeOf(pieceBytes?: number): MemoryStore {
  const store = new MemoryStore();
  if (pieceBytes !== undefined) store.documentPieceBytes = pieceBytes;
  return store;
}

async function inPieces(pieceBytes = 100): Promise<{ store: MemoryStore; ref: Ref; list: PieceList }> {
  const store = storeOf(pieceBytes);
  const ref = await putDocument(store, 'aws', document);
  const list = pieceListIn(store.objects.get(ref.ref) ?? new Uint8Array());
  if (!list) throw new Error('it does not lie in pieces');
  return { store, ref, list };
}

const pieceAt = ({ list }: { readonly list: PieceList }, at: number): string => `aws/pieces/${list.pieces[at] ?? ''}`;

/** The list that lies under the name of the document, changed. */
function relist(
  world: { store: MemoryStore; ref: Ref; list: PieceList },
  change: Partial<Record<keyof PieceList, unknown>>,
): void {
  world.store.objects.set(world.ref.ref, Buffer.from(canonicalJson({ ...world.list, ...change } as object)));
}

const refused = (why: RegExp): object => ({ code: 'inputNotAuthentic', message: expect.stringMatching(why) as string });

describe('a document that lies in pieces', () => {
  it('has the digest and the reference of the one that lies whole, and is read as the same', async () => {
    const whole = storeOf();
    const small = await putDocument(whole, 'aws', document);
    expect(whole.objects.size).toBe(1);
    expect(Buffer.from(whole.objects.get(small.ref) ?? []).toString()).toBe(canonicalJson(document));
    for (const pieceBytes of [1, 7, 100, 1_000]) {
      const { store, ref } = await inPieces(pieceBytes);
      expect(ref).toEqual(small);
      expect(ref.sha256).toBe(digestOf(document));
      expect(await getDocument(store, ref, Document)).toEqual(await getDocument(whole, small, Document));
    }
  });

  it('is so for any value', async () => {
    const anything = fc.record(
      {
        name: fc.string(),
        parts: fc.array(fc.record({ key: fc.string(), value: fc.jsonValue({ maxDepth: 2 }) })),
        by: fc.dictionary(fc.string({ maxLength: 3 }), fc.array(fc.integer())),
        base: fc.option(fc.string()),
        more: fc.array(fc.string()),
      },
      { requiredKeys: ['name', 'parts', 'by', 'base'] },
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.integer({ min: 1, max: 60 }), async (value, pieceBytes) => {
        const [whole, pieces] = [storeOf(), storeOf(pieceBytes)];
        const read = async (store: MemoryStore): Promise<unknown> =>
          getDocument(store, await putDocument(store, 'aws', value), Document);
        expect(await read(pieces)).toEqual(await read(whole));
        expect(await digestInPieces(value)).toBe(digestOf(value as Json));
      }),
      fullRuns(100),
    );
  });

  it('has pieces of one size under their digests, and is put only once', async () => {
    const { store, list } = await inPieces();
    for (const [at, piece] of list.pieces.entries()) {
      const bytes = store.objects.get(`aws/pieces/${piece}`) ?? new Uint8Array();
      expect(sha256Hex(bytes)).toBe(piece);
      expect(bytes.length).toBe(at === list.pieces.length - 1 ? list.bytes % 100 || 100 : 100);
    }
    const before = store.objects.size;
    await putDocument(store, 'aws', document);
    expect(store.objects.size).toBe(before);
  });

  it('reads lists of maps in maps, as a permit has them', async () => {
    const id = (at: number): string => sha256Hex(String(at));
    const permit: Permit = {
      plan: id(0),
      reviews: [id(1)],
      operations: { aws: [id(2), id(3)], sov: [id(4)] },
      settled: [],
    };
    const store = storeOf(64);
    expect(await getDocument(store, await putDocument(store, 'federation', permit), Permit)).toEqual(permit);
  });

  it('is found by its digest under whichever prefix holds it', async () => {
    const { store, ref } = await inPieces();
    expect(await findDocument(store, ['sov', 'aws'], ref.sha256, Document)).toEqual(document);
  });

  it('is refused where a piece is missing, with its number and digest', async () => {
    const world = await inPieces();
    world.store.objects.delete(pieceAt(world, 3));
    await expect(getDocument(world.store, world.ref, Document)).rejects.toMatchObject(
      refused(new RegExp(`lacks piece 4 of ${world.list.pieces.length}, ${world.list.pieces[3]?.slice(0, 12)}`)),
    );
  });

  it('is refused where a byte of a piece is another, with its number and digest', async () => {
    const world = await inPieces();
    const bytes = Uint8Array.from(world.store.objects.get(pieceAt(world, 5)) ?? []);
    bytes[50] = (bytes[50] ?? 0) ^ 1;
    world.store.objects.set(pieceAt(world, 5), bytes);
    await expect(getDocument(world.store, world.ref, Document)).rejects.toMatchObject(
      refused(new RegExp(`piece 6 of .*${world.list.pieces[5]?.slice(0, 12)}, that does not hash to its name`)),
    );
  });

  it.each<readonly [string, (world: Awaited<ReturnType<typeof inPieces>>) => void, RegExp]>([
    [
      'two pieces change places',
      ({ store, ref, list }) => {
        const [first, second, third, ...rest] = list.pieces;
        relist({ store, ref, list }, { pieces: [first, third, second, ...rest] });
      },
      /canonical JSON|does not hash to its name|another shape/,
    ],
    [
      'a piece is longer than its list says',
      (world) => world.store.objects.set(pieceAt(world, 1), new Uint8Array(101)),
      /piece 2 of .* of another length/,
    ],
    [
      'a piece is shorter than its list says',
      (world) => world.store.objects.set(pieceAt(world, 1), new Uint8Array(99)),
      /piece 2 of .* of another length/,
    ],
    [
      'the list names another document',
      (world) => relist(world, { sha256: 'a'.repeat(64) }),
      /does not hash to its name/,
    ],
    [
      'the list has a piece too few',
      (world) => relist(world, { pieces: world.list.pieces.slice(1) }),
      /does not hash to its name/,
    ],
    [
      'the list is longer than allowed',
      (world) =>
        relist(world, {
          bytes: 100 * (piecesMax + 1),
          pieces: Array.from({ length: piecesMax + 1 }, () => world.list.pieces[0]),
        }),
      /does not hash to its name/,
    ],
    [
      'the pieces are larger than allowed',
      (world) => relist(world, { pieceBytes: 2 ** 40 }),
      /does not hash to its name/,
    ],
    [
      'the document is larger than allowed',
      (world) => relist(world, { bytes: 2 ** 50, pieceBytes: 2 ** 50, pieces: [world.list.pieces[0]] }),
      /does not hash to its name/,
    ],
    [
      'the list says a byte less',
      (world) => relist(world, { bytes: world.list.bytes - 1 }),
      /another length|does not hash|canonical JSON/,
    ],
    [
      'the list is none',
      ({ store, ref }) => void store.objects.set(ref.ref, Buffer.from('{')),
      /does not hash to its name/,
    ],
  ])('is refused where %s', async (_what, tamper, why) => {
    const world = await inPieces();
    tamper(world);
    await expect(getDocument(world.store, world.ref, Document)).rejects.toMatchObject(refused(why));
  });

  it('is refused where its pieces make another document than the one that is named', async () => {
    const other = storeOf(100);
    const named = await putDocument(other, 'aws', { ...document, name: 'm' });
    const world = await inPieces();
    for (const [name, bytes] of other.objects) if (name.includes('/pieces/')) world.store.objects.set(name, bytes);
    relist(world, { pieces: pieceListIn(other.objects.get(named.ref) ?? new Uint8Array())?.pieces });
    await expect(getDocument(world.store, world.ref, Document)).rejects.toMatchObject(
      refused(/does not hash to its name/),
    );
  });

  it('reads no piece of which the store says that it is larger', async () => {
    const world = await inPieces();
    const large = pieceAt(world, 2);
    class Sizing extends MemoryStore {
      size(name: string): Promise<number | null> {
        return Promise.resolve(name === large ? 2 ** 40 : (this.objects.get(name)?.length ?? null));
      }
      override get(name: string): Promise<Uint8Array | null> {
        if (name === large) throw new Error('it was read');
        return super.get(name);
      }
    }
    await expect(getDocument(new Sizing(world.store), world.ref, Document)).rejects.toMatchObject(
      refused(/piece 3 of .* of another length/),
    );
  });

  it.each([
    ['{"base":null,"by":{},"name":"n","parts":[{"value":1,"key":"a"}]}', 'canonical JSON'],
    ['{"base":null,"by":{},"name":"n","parts":[{"key":"a","value":1.0}]}', 'canonical JSON'],
    ['{"base":null,"by":{"b":[],"a":[]},"name":"n","parts":[]}', 'canonical JSON'],
    ['{"base":null,"by":{},"name":"n","name":"n","parts":[]}', 'canonical JSON'],
    ['{"base":null,"by":{},"name":"n","parts":[{"key":"a","value":1}],"parts":[]}', 'canonical JSON'],
    ['{"base":null,"by":{},"name":"n","parts":[{"key":"a","more":1,"value":1}]}', 'another shape'],
    ['{"base":null,"by":{"a":["x"]},"name":"n","parts":[]}', 'another shape'],
    ['{"base":[],"by":{},"name":"n","parts":[]}', 'another shape'],
    ['{"base":["x"],"by":{},"name":"n","parts":[]}', 'another shape'],
    ['{"base":null,"by":{},"name":"n","other":[1],"parts":[]}', 'another shape'],
    ['{"base":null,"by":{},"name":"n"}', 'another shape'],
    ['{"base":null,"by":{},"name":"n","parts":{}}', 'another shape'],
    ['["a","b","c"]', 'canonical JSON'],
  ])('is refused in pieces as it is whole: %s', async (text, why) => {
    const sha256 = sha256Hex(text);
    const ref = { ref: `aws/documents/${sha256}`, sha256 };
    const whole = storeOf();
    await whole.putIfAbsent(ref.ref, Buffer.from(text));
    await expect(getDocument(whole, ref, Document)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
    const store = storeOf();
    const pieces = text.match(/[^]{1,7}/g) ?? [];
    for (const piece of pieces) await store.putIfAbsent(`aws/pieces/${sha256Hex(piece)}`, Buffer.from(piece));
    const list: PieceList = {
      format: 'concordat-pieces/1',
      sha256,
      bytes: text.length,
      pieceBytes: 7,
      pieces: pieces.map((piece) => sha256Hex(piece)),
    };
    await store.putIfAbsent(ref.ref, Buffer.from(canonicalJson(list)));
    await expect(getDocument(store, ref, Document)).rejects.toMatchObject(refused(new RegExp(why)));
  });

  it('is read from the middle of a piece on, by whoever knows where a list lies', async () => {
    const { store, ref } = await inPieces(50);
    const parts = documentParts(store, ref, (member) => member === 'parts');
    const keys: string[] = [];
    for await (const some of parts)
      for (const { text } of some) keys.push((parsePart(text) as { readonly key: string }).key);
    expect(keys).toEqual(document.parts.map(({ key }) => key));
  });
});
