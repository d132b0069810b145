/** What is opaque is held against the last agreement by digests, and no digest or value of it leaves the authority. */
import { expect, it } from 'vitest';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { agreeOnOpaque, OpaqueSeen } from '../../../activities/authority/opaque.js';
import { digestOf } from '../../../core/digest.js';
import type { JsonObject } from '../../../core/json.js';
import type { OpaqueEntry } from '../../../core/opaque.js';
import { MemoryStore } from '../../support/memory-store.js';

const authority = () =>
  ({ id: 'aws', exchange: new MemoryStore(), privateStore: new MemoryStore() }) as unknown as AuthorityContext;

const inline = (id: string, body: JsonObject, opaque = 'inline policy') => ({ type: 'inlinePolicy', id, body, opaque });

/** One run that sees these objects under their keys; what it says of each. */
async function runOf(
  context: AuthorityContext,
  run: string,
  seen: readonly (readonly [key: string, object: ReturnType<typeof inline>])[],
): Promise<{ readonly entries: readonly OpaqueEntry[]; readonly text: string }> {
  const opaque = await OpaqueSeen.load(context, 'access');
  for (const [key, object] of seen) opaque.add('right', key, object);
  const digest = await opaque.put(context, 'access', digestOf(run));
  if (digest === null) return { entries: [], text: '' };
  const bytes = await context.exchange.get(`aws/documents/${digest}`);
  const text = new TextDecoder().decode(bytes ?? new Uint8Array());
  return { entries: (JSON.parse(text) as { records: OpaqueEntry[] }).records, text };
}

const changed = (entries: readonly OpaqueEntry[]) =>
  Object.fromEntries(entries.map((entry) => [entry.key, entry.changed]));

it('is changed before an agreement, unchanged after it, and changed again with its body', async () => {
  const context = authority();
  const seen = [
    ['k1', inline('a', { Document: 'one' })],
    ['k2', inline('b', { Document: 'two', Principal: 'user/1' })],
  ] as const;
  expect(changed((await runOf(context, 'first', seen)).entries)).toEqual({ k1: true, k2: true });
  // Without an agreement nothing was agreed on.
  expect(changed((await runOf(context, 'second', seen)).entries)).toEqual({ k1: true, k2: true });
  await agreeOnOpaque(context, 'access', digestOf('second'));
  const later = [
    ['k1', inline('a', { Document: 'another' })],
    // The same in another order of properties.
    ['k2', inline('b', { Principal: 'user/1', Document: 'two' })],
    ['k3', inline('c', { Document: 'new' })],
  ] as const;
  expect(changed((await runOf(context, 'third', later)).entries)).toEqual({ k1: true, k2: false, k3: true });
  await agreeOnOpaque(context, 'access', digestOf('third'));
  expect(changed((await runOf(context, 'fourth', later)).entries)).toEqual({ k1: false, k2: false, k3: false });
});

it('that is one record of several objects is changed where one of them is, and says every reason once', async () => {
  const context = authority();
  const two = (document: string) =>
    [
      ['k1', inline('a', { Document: 'one' })],
      ['k1', inline('b', { Document: document }, 'only eligible')],
      ['k1', inline('c', { Document: 'three' })],
    ] as const;
  await runOf(context, 'first', two('two'));
  await agreeOnOpaque(context, 'access', digestOf('first'));
  const reason = 'inline policy; only eligible';
  expect((await runOf(context, 'second', two('two'))).entries).toEqual([
    { type: 'right', key: 'k1', reason, changed: false },
  ]);
  expect((await runOf(context, 'third', two('other'))).entries).toEqual([
    { type: 'right', key: 'k1', reason, changed: true },
  ]);
});

it('leaves nothing of itself in what peers can read: no body, no digest, no native id', async () => {
  const context = authority();
  const body = { Document: 'secret words' };
  const { text } = await runOf(context, 'first', [['k1', inline('AIDANATIVE', body)]]);
  expect(text).toContain('inline policy');
  for (const hidden of ['secret words', 'AIDANATIVE', digestOf(body)]) expect(text).not.toContain(hidden);
  expect(await runOf(context, 'second', [])).toEqual({ entries: [], text: '' });
});
