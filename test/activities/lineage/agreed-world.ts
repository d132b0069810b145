/** Two clouds that agreed on eight people; then sov changed one department, ada of aws approved, aws was written, both agreed. */
import { readAgreement } from '../../../activities/authority/agreements.js';
import { readAll } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { Base } from '../../../core/messages.js';
import type { FederatedRecord } from '../../../core/record.js';
import { keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { GateWorld, layGround, members, type Ground } from '../authority/gate-world.js';

export interface AgreedWorld {
  readonly ground: Ground;
  readonly world: GateWorld;
  readonly record: FederatedRecord;
}

export async function agreedWorld(): Promise<AgreedWorld> {
  const ground = await layGround((_file, text) =>
    text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'),
  );
  const world = await GateWorld.agreed(ground, 8);
  keystoneUser(ground.sandbox, 3).extra['department'] = 'Archive';
  world.clockMs += 60_000;
  const ready = await world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [] });
  const { receipts } = await world.apply('aws', ready.commit);
  if (!receipts) throw new Error('nothing was written');
  await world.agree(ready, [receipts]);
  const record = (await baseRecords(world)).find(({ fields }) => fields['department'] === 'Archive');
  if (!record) throw new Error('nothing was agreed');
  return { ground, world, record };
}

export async function baseRecords(world: GateWorld): Promise<readonly FederatedRecord[]> {
  const { agreement } = await readAgreement(world.contexts.aws, dataset);
  const base = Base.parse(JSON.parse(new TextDecoder().decode(world.exchange.objects.get(agreement?.ref.ref ?? ''))));
  const reader = createSegmentReader({ store: world.exchange, prefixes: members });
  const records: FederatedRecord[] = [];
  for (const type of base.types) for await (const one of readAll(type, reader)) records.push(one);
  return records;
}
