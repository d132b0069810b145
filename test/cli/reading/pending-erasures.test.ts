/** The requests to erase a record that wait for more people of an authority. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { approverKeyFile, generatePrivateKey, readKeyFile } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { createFileStore } from '../../../activities/store-files.js';
import { pendingErasures } from '../../../cli/reading/pending-erasures.js';
import { layoutOf } from '../../../cli/local/layout.js';
import { inboxLines } from '../../../cli/showing/inbox-text.js';
import { erasureRequestType, type ErasureRequest } from '../../../core/lineage/erasure.js';
import pc from 'picocolors';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const nowMs = Date.parse('2026-11-20T08:00:00Z');
const hourMs = 3_600_000;

it('are shown to who has not asked, as those to be waited for to who has, and not where they do not hold', async () => {
  const folder = path.join(scratchFolder(), 'federation');
  const federation = await makeFolder(folder, { members: ['aws', 'sov'], approvers: ['ada', 'bob'] });
  const layout = layoutOf(folder, {});
  const store = createFileStore(layout.privateFolder('aws'));
  const own = await readKeyFile(approverKeyFile(folder, 'ada'));
  if (!own) throw new Error('no key of ada');
  const ask = async (subject: string, change: Partial<ErasureRequest> = {}, key = own): Promise<void> => {
    const request: ErasureRequest = {
      id: 'a'.repeat(22),
      federation: federation.file.federation,
      authority: 'aws',
      dataset,
      subject,
      approver: 'ada',
      reason: 'request 4711',
      issuedAtMs: nowMs - 2 * hourMs,
      expiresAtMs: nowMs + hourMs,
      ...change,
    };
    const jws = await signCompact(request, { typ: erasureRequestType, key });
    await store.putIfAbsent(`erasures/${dataset}/${subject}/requests/ada`, new TextEncoder().encode(jws));
  };
  const [waits, over, forged] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
  await ask(waits);
  await ask(over, { expiresAtMs: nowMs - 1 });
  await ask(forged, {}, await generatePrivateKey());
  const session = { federation, layout, exchange: createFileStore(layout.exchangeLocation) };
  const of = (approver: string) => pendingErasures(session, { listings: [{ authority: 'aws', approver }] }, nowMs);
  expect(await of('bob')).toEqual([
    {
      authority: 'aws',
      approver: 'bob',
      dataset,
      subject: waits,
      askedBy: ['ada'],
      reasons: ['request 4711'],
      sinceMs: nowMs - 2 * hourMs,
      untilMs: nowMs + hourMs,
      hasAsked: false,
      erasedBy: [],
    },
  ]);
  const lines = async (approver: string): Promise<string> =>
    inboxLines(
      { reviews: [], cases: [], erasures: await of(approver), hidden: [] },
      approver,
      pc.createColors(false),
      new Date(nowMs),
    ).join('\n');
  expect(await lines('bob')).toContain(
    'a record is to be erased (request 4711)\n  asked by ada, which is not enough\n  waits for 2 h;',
  );
  expect(await lines('bob')).toContain('concordat erase RECORD --as bob --authority aws');
  expect(await lines('ada')).toMatch(/nothing waits for you\n.*you have asked; more people must/);
});
