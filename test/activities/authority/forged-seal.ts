/** A seal that is complete in itself: two who collude open, make and sign a base under a configuration that names only them. */
import { configurationDigestOf } from '../../../core/federation/configuration.js';
import { configurationOf, type Federation } from '../../../core/federation/federation.js';
import { hlcOf } from '../../../core/clock/hlc.js';
import { digestOf } from '../../../core/digest.js';
import {
  openType,
  runIdOf,
  witnessType,
  type Seal,
  type HeldBase,
  type Open,
  type Ref,
} from '../../../core/messages.js';
import { planAlgorithm } from '../../../core/plan.js';
import { putDocument, putMessage } from '../../../activities/exchange.js';
import type { PrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import type { ObjectStore } from '../../../activities/store.js';
import { dataset } from '../../support/local-federation.js';

export const colluders = ['eve', 'sov'];

/** The federation with one member more, who holds the key of sov: so that two can collude in a world of two. */
export function withEve(federation: Federation): Federation {
  const { manifests } = federation;
  const sov = manifests?.['sov'];
  if (!manifests || !sov) throw new Error('sov has no manifest');
  const eve = { ...sov, keys: sov.keys.map((state) => ({ ...state, authority: 'eve' })) };
  return { ...federation, manifests: { ...manifests, eve } };
}

export async function forgeSeal(options: {
  readonly federation: Federation;
  readonly exchange: ObjectStore;
  readonly key: PrivateKey;
  readonly nowMs: number;
  /** The base that the forged one stands on, as everybody holds it. */
  readonly on: HeldBase | null;
}): Promise<{ readonly ref: Ref; readonly seal: Seal; readonly sequence: number }> {
  const { exchange, key, on } = options;
  const definition = options.federation.datasets[dataset];
  if (!definition) throw new Error('no dataset');
  const whole = configurationOf(options.federation, definition);
  const configuration = { ...whole, dataset: { ...whole.dataset, members: colluders } };
  const sequence = (on?.sequence ?? 0) + 1;
  const hlc = hlcOf({ ms: options.nowMs, counter: 0 });
  const opens: Ref[] = [];
  const ids: string[] = [];
  for (const authority of colluders) {
    await putDocument(exchange, authority, configuration);
    const open: Open = {
      authority,
      dataset,
      members: colluders,
      nonce: 'n'.repeat(32),
      round: 900,
      configuration: configurationDigestOf(configuration),
      algorithms: [planAlgorithm],
      base: on,
      pending: null,
      standing: await putDocument(exchange, authority, { authority, links: [], rejections: [] }),
      digestKey: null,
      log: { checkpoint: 'none', seen: {} },
      hlc,
      clockReset: null,
    };
    const jws = await signCompact(open, { typ: openType, key });
    ids.push(readUnverified(jws, { typ: openType }).id);
    opens.push(await putMessage(exchange, authority, jws));
  }
  const base = { dataset, sequence, previous: on?.digest ?? null, types: [] };
  await putDocument(exchange, 'eve', base);
  const nothing = digestOf({});
  const candidate = {
    dataset,
    run: runIdOf(ids),
    sequence,
    previous: base.previous,
    plan: nothing,
    permit: nothing,
    receipts: [],
    next: digestOf(base),
  };
  const inputs = { dataset, run: candidate.run, opens, snapshots: [], correlation: null, firstSnapshots: [] };
  const empty = await putDocument(exchange, 'eve', {});
  const proposal = await putDocument(exchange, 'eve', {
    inputs,
    plan: empty,
    reviews: [],
    permit: empty,
    receipts: [],
    candidate: await putDocument(exchange, 'eve', candidate),
  });
  const witnesses: Ref[] = [];
  for (const authority of colluders) {
    const witness = {
      authority,
      dataset,
      run: candidate.run,
      round: 900,
      sequence,
      candidate: digestOf(candidate),
      position: 0,
      hlc,
    };
    witnesses.push(await putMessage(exchange, authority, await signCompact(witness, { typ: witnessType, key })));
  }
  const seal: Seal = { dataset, opens, witnesses, proposal };
  return { ref: await putDocument(exchange, 'eve', seal), seal, sequence };
}
