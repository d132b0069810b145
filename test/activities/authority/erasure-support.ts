/** A world in which a person was agreed on and changed, and then left every cloud and the base. */
import { randomBytes } from 'node:crypto';
import { eraseRecord } from '../../../activities/authority/erase-record.js';
import { approverKeyFile, readKeyFile } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { erasureRequestType, erasureSubject, type ErasureRequest } from '../../../core/lineage/erasure.js';
import type { RecordName } from '../../../core/lineage/salted.js';
import type { EraseResult } from '../../../workflows/contract.js';
import { keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { agreedWorld, type AgreedWorld } from '../lineage/agreed-world.js';
import type { GateWorld, Ground, Member } from './gate-world.js';

export interface DepartedWorld extends AgreedWorld {
  readonly name: RecordName;
}

/** The record that was changed in the agreed world was deleted in sov; ada of aws approved, and both agreed that it is gone. */
export async function departedWorld(): Promise<DepartedWorld> {
  const agreed = await agreedWorld();
  const { ground, world, record } = agreed;
  await depart(ground, world);
  return { ...agreed, name: { dataset, type: record.type, key: record.key } };
}

export async function depart(ground: Ground, world: GateWorld, number = 3): Promise<void> {
  ground.sandbox.keystone.server.state.removeUser(keystoneUser(ground.sandbox, number));
  await settle(world);
}

/** A run to its end, with everything approved. */
export async function settle(world: GateWorld): Promise<void> {
  world.clockMs += 60_000;
  const ready = await world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [{ approver: 'ada', choose: 0 }] });
  const receipts = [];
  for (const id of ['aws', 'sov'] as const) {
    if (!ready.plan.affected.includes(id)) continue;
    const result = await world.apply(id, ready.commit);
    if (result.receipts) receipts.push(result.receipts);
  }
  await world.agree(ready, receipts);
}

export async function signRequest(
  world: GateWorld,
  name: RecordName,
  authority: Member,
  change: Partial<ErasureRequest> = {},
): Promise<string> {
  const approver = change.approver ?? 'ada';
  const key = await readKeyFile(approverKeyFile(world.ground.folder, approver));
  if (!key) throw new Error(`no key of ${approver}`);
  const request: ErasureRequest = {
    id: randomBytes(16).toString('base64url'),
    federation: world.ground.federation.file.federation,
    authority,
    dataset: name.dataset,
    subject: erasureSubject(name),
    approver,
    reason: 'left, and asked for it',
    issuedAtMs: world.clockMs,
    expiresAtMs: world.clockMs + 3_600_000,
    ...change,
  };
  return signCompact(request, { typ: erasureRequestType, key });
}

export async function erase(world: GateWorld, name: RecordName, authority: Member): Promise<EraseResult> {
  return eraseRecord(world.contexts[authority], { ...name, jws: await signRequest(world, name, authority) });
}
