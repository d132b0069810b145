/** Gathers what an export holds out of the exchange store. What it gathers is verified by whoever reads it. */
import type { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import type { AuthorityChain, RecordLineage, TravellingErasure } from '../../core/lineage/bundle.js';
import { erasureSubject } from '../../core/lineage/erasure.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { Base, Candidate, Proposal, Seal, Witness, witnessType } from '../../core/messages.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import { findDocument, getDocument, getMessage } from '../exchange.js';
import { authorityOfRef } from '../run-messages.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { readOne } from '../sealing/read-records.js';
import type { ObjectStore } from '../store.js';
import { decisionsOf } from './decisions-of.js';
import { exportFormat, type ExportHead, type RecordHead, type RunLog } from './export-file.js';
import { readErasure, readErasures, type VerifiedErasure } from './erasures.js';
import { Findings } from './findings.js';
import { OverlayStore } from './overlay-store.js';
import { hexOf, readChain, readChainFrom, readLog, readSealedHops, type ReadLog } from './read-chain.js';
import { lineagePrefix } from './record-table.js';
import { statementName, type SealedHops } from './run-hops.js';
import type { TrustedKeys } from './trusted-keys.js';
import { verifyAttempt, type AttemptEvidence } from './verify-attempt.js';
import { verifyRun } from './verify-run.js';

type RunHead = Extract<ExportHead, { kind: 'run' }>;
type AttemptHead = Extract<ExportHead, { kind: 'attempt' }>;

export interface RunExport {
  readonly head: RunHead;
  readonly objects: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly findings: Findings;
}

export type AttemptExport = Omit<RunExport, 'head'> & { readonly head: AttemptHead };

/** Everything that making the run again reads. Throws notFound where no member has taken up that base. */
export async function exportRun(
  exchange: ObjectStore,
  keys: TrustedKeys,
  dataset: string,
  sequence: number,
): Promise<RunExport> {
  const taken = await takenUpBy(exchange, keys.authorities, dataset, sequence);
  const [first] = taken;
  if (!first)
    throw new ConcordatError('notFound', `no member of this federation has taken up base ${sequence} of ${dataset}`);
  const seal = await getDocument(exchange, first.sealed.seal, Seal);
  const proposal = await getDocument(exchange, seal.proposal, Proposal);
  const candidate = await getDocument(exchange, proposal.candidate, Candidate);
  const logs: RunLog[] = [];
  const erasures = await readErasures(exchange, keys, dataset);
  for (const ref of seal.witnesses) {
    const authority = authorityOfRef(ref);
    const { payload } = await getMessage(exchange, ref, {
      typ: witnessType,
      schema: Witness,
      keys: keys.ofMessages(authority),
    });
    const log = await readLog(exchange, authority, keys.authorities);
    const own = taken.find((one) => one.authority === authority);
    logs.push({
      authority,
      checkpoint: log.checkpoint,
      cosigned: [...log.cosigned],
      agreement: await placeOf(log, payload.position),
      hops: own ? await hopPlace(exchange, authority, dataset, own.sealed, log) : null,
    });
  }
  const head: RunHead = {
    format: exportFormat,
    kind: 'run',
    federation: keys.federation,
    dataset,
    sequence: candidate.sequence,
    seal: first.sealed.seal,
    logs,
    erasures: await travelling(exchange, keys, erasures),
  };
  const overlay = new OverlayStore((name) => exchange.get(name));
  const findings = new Findings();
  await verifyRun(overlay, head, keys, findings, erasures);
  return { head, objects: overlay.objectsRead(), findings };
}

async function travelling(
  exchange: ObjectStore,
  keys: TrustedKeys,
  erasures: readonly VerifiedErasure[],
): Promise<TravellingErasure[]> {
  return Promise.all(
    erasures.map(async ({ jws, receipt, position }) => ({
      receipt: jws,
      log:
        position === null
          ? null
          : await placeOf(await readLog(exchange, receipt.authority, keys.authorities), position),
    })),
  );
}

/** A run that moved no base, from what its workflow names. Only what members signed is believed. */
export async function exportAttempt(
  exchange: ObjectStore,
  keys: TrustedKeys,
  evidence: AttemptEvidence,
): Promise<AttemptExport> {
  const erasures = await readErasures(exchange, keys, evidence.dataset);
  const head: AttemptHead = {
    format: exportFormat,
    kind: 'attempt',
    federation: keys.federation,
    ...evidence,
    erasures: await travelling(exchange, keys, erasures),
  };
  const overlay = new OverlayStore((name) => exchange.get(name));
  const findings = new Findings();
  await verifyAttempt(overlay, head, keys, findings, erasures);
  return { head, objects: overlay.objectsRead(), findings };
}

async function takenUpBy(
  exchange: ObjectStore,
  authorities: readonly AuthorityId[],
  dataset: string,
  sequence: number,
): Promise<readonly { readonly authority: AuthorityId; readonly sealed: SealedHops }[]> {
  const found = await Promise.all(
    authorities.map(async (authority) => ({
      authority,
      sealed: await readSealedHops(exchange, authority, dataset, sequence),
    })),
  );
  return found.flatMap(({ authority, sealed }) => (sealed ? [{ authority, sealed }] : []));
}

async function placeOf(log: ReadLog, position: number): Promise<RunLog['agreement']> {
  if (position >= log.size) return null;
  return { position, proof: hexOf(await log.reader.inclusion(position, log.size)) };
}

async function hopPlace(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  sealed: SealedHops,
  log: ReadLog,
): Promise<RunLog['hops']> {
  const place = sealed.hops && (await placeOf(log, sealed.hops.position));
  const root = await exchange.get(statementName(lineagePrefix(authority, dataset), sealed.candidate));
  return place && root ? { ...place, root: new TextDecoder().decode(root) } : null;
}

/**
 * The lineage token of a record with its agreed values and the decisions behind it. Of a member that erased it, the chain
 * that its receipt names; where all have, nobody has the salt and no value is here. Null where no member has a hop of it.
 */
export async function exportRecord(
  exchange: ObjectStore,
  keys: TrustedKeys,
  name: RecordName,
): Promise<RecordHead | null> {
  const erasures: VerifiedErasure[] = [];
  const chains: AuthorityChain[] = [];
  let salt: Uint8Array | null = null;
  for (const authority of keys.authorities) {
    const found = await readChain(exchange, authority, keys.authorities, name);
    const erased = await readErasure(exchange, keys, authority, name.dataset, erasureSubject(name));
    if (erased) erasures.push(erased);
    const end = found ? null : (erased?.receipt.end ?? null);
    if (found) chains.push(found.chain);
    else if (end) chains.push(await readChainFrom(exchange, authority, keys.authorities, name.dataset, end));
    salt ??= found?.salt ?? null;
  }
  if (chains.length === 0) return null;
  const { type, key, dataset } = name;
  const lineage: RecordLineage = {
    federation: keys.federation,
    dataset,
    record: salt && {
      type,
      key,
      salt: Buffer.from(salt).toString('hex'),
      fields: await agreedFields(exchange, keys.authorities, name),
    },
    chains,
  };
  return {
    format: exportFormat,
    kind: 'record',
    lineage,
    ...(await decisionsOf(exchange, keys, lineage)),
    erasures: await travelling(exchange, keys, erasures),
  };
}

/** The newest base that any member has taken up. Null before the first. */
export async function newestBase(
  exchange: ObjectStore,
  authorities: readonly AuthorityId[],
  dataset: string,
): Promise<Base | null> {
  let newest: { readonly sequence: number; readonly sealed: SealedHops } | undefined;
  for (const authority of authorities) {
    const sequence = await newestSequence(exchange, authority, dataset);
    if (sequence === 0 || sequence <= (newest?.sequence ?? 0)) continue;
    const sealed = await readSealedHops(exchange, authority, dataset, sequence);
    if (sealed) newest = { sequence, sealed };
  }
  if (!newest) return null;
  const seal = await getDocument(exchange, newest.sealed.seal, Seal);
  const proposal = await getDocument(exchange, seal.proposal, Proposal);
  const candidate = await getDocument(exchange, proposal.candidate, Candidate);
  return findDocument(exchange, authorities, candidate.next, Base);
}

/** A document by its digest; null where nobody holds it. */
export async function exchangeDocument<Schema extends z.ZodType>(
  exchange: ObjectStore,
  prefixes: readonly string[],
  sha256: Digest,
  schema: Schema,
): Promise<z.infer<Schema> | null> {
  for (const prefix of prefixes)
    if ((await exchange.get(`${prefix}/documents/${sha256}`)) !== null)
      return findDocument(exchange, [prefix], sha256, schema);
  return null;
}

/** 0 before the first. */
export async function newestSequence(exchange: ObjectStore, authority: AuthorityId, dataset: string): Promise<number> {
  const names = await exchange.list(`${lineagePrefix(authority, dataset)}/sealed/`);
  return Number(names.at(-1)?.split('/').at(-1) ?? 0);
}

async function agreedFields(
  exchange: ObjectStore,
  authorities: readonly AuthorityId[],
  { dataset, type, key }: RecordName,
): Promise<Fields | null> {
  const base = await newestBase(exchange, authorities, dataset);
  const sealed = base?.types.find((one) => one.type === type);
  if (!sealed) return null;
  const reader = createSegmentReader({ store: exchange, prefixes: [...authorities] });
  return (await readOne(sealed, key, reader))?.fields ?? null;
}
