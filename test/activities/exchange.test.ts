/** Documents and messages in the exchange store: what is not what its name or its signer says is not read. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findDocument, getDocument, getMessage, putDocument, putMessage } from '../../activities/exchange.js';
import { generatePrivateKey, publicKeyOf } from '../../activities/keys/private-key.js';
import { signCompact } from '../../activities/keys/sign.js';
import { sha256Hex } from '../../core/digest.js';
import { MemoryStore } from './authority/gate-world.js';

const Note = z.strictObject({ text: z.string() });
const typ = 'concordat-note+jws';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const notAuthentic = { code: 'inputNotAuthentic' };

describe('a document', () => {
  it('is one object for the same value, however its members are ordered', async () => {
    const store = new MemoryStore();
    const first = await putDocument(store, 'aws', { b: 1, a: [2, 3] });
    expect(await putDocument(store, 'aws', { a: [2, 3], b: 1 })).toEqual(first);
    expect(store.objects.size).toBe(1);
  });

  it('is read back where it hashes to its name and has its shape', async () => {
    const store = new MemoryStore();
    const ref = await putDocument(store, 'aws', { text: 'hello' });
    expect(await getDocument(store, ref, Note)).toEqual({ text: 'hello' });
  });

  it.each([
    ['missing', (store: MemoryStore, name: string) => store.objects.delete(name)],
    ['altered', (store: MemoryStore, name: string) => store.objects.set(name, bytes('{"text":"other"}'))],
    ['cut short', (store: MemoryStore, name: string) => store.objects.set(name, bytes('{"text":'))],
  ])('that is %s is refused', async (_what, tamper) => {
    const store = new MemoryStore();
    const ref = await putDocument(store, 'aws', { text: 'hello' });
    tamper(store, ref.ref);
    await expect(getDocument(store, ref, Note)).rejects.toMatchObject(notAuthentic);
  });

  it.each(['{"text":1}', '{"text":"a","more":1}', 'no JSON', '[]'])('of another shape is refused: %s', async (text) => {
    const store = new MemoryStore();
    const ref = { ref: `aws/documents/${sha256Hex(text)}`, sha256: sha256Hex(text) };
    await store.putIfAbsent(ref.ref, bytes(text));
    await expect(getDocument(store, ref, Note)).rejects.toMatchObject(notAuthentic);
  });

  it('is found under whichever prefix holds it, and its absence is said', async () => {
    const store = new MemoryStore();
    const { sha256 } = await putDocument(store, 'sov', { text: 'hello' });
    expect(await findDocument(store, ['aws', 'sov'], sha256, Note)).toEqual({ text: 'hello' });
    await expect(findDocument(store, ['aws'], sha256, Note)).rejects.toMatchObject(notAuthentic);
  });
});

describe('a message', () => {
  it('is read with a key that signed it, and with no other', async () => {
    const store = new MemoryStore();
    const [key, other] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
    const ref = await putMessage(store, 'aws', await signCompact({ text: 'hello' }, { typ, key }));
    const read = getMessage(store, ref, { typ, schema: Note, keys: [publicKeyOf(key)] });
    expect((await read).payload).toEqual({ text: 'hello' });
    const expected = { typ, schema: Note, keys: [publicKeyOf(key)] };
    const otherShape = z.strictObject({ text: z.number() });
    await expect(getMessage(store, ref, { ...expected, keys: [publicKeyOf(other)] })).rejects.toMatchObject(
      notAuthentic,
    );
    await expect(getMessage(store, ref, { ...expected, typ: 'concordat-other+jws' })).rejects.toMatchObject(
      notAuthentic,
    );
    await expect(getMessage(store, ref, { ...expected, schema: otherShape })).rejects.toMatchObject(notAuthentic);
  });
});
