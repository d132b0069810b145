/**
 * Verifies a record's lineage token with public keys alone: no store, no server. Each hop is under a signed root, each root
 * in the log, the log under its authority's signature and its peers'; each hop goes on from the one before, and what two
 * authorities say of one agreement is the same.
 */
import { ConcordatError } from '../../core/errors.js';
import { ClockReset, clockResetType, isAfterAtSame } from '../../core/clock/reset.js';
import type { AuthorityChain, RecordLineage, TravellingHop } from '../../core/lineage/bundle.js';
import { HopRoot, hopRootType, parseHop, type Hop, type LogEntry } from '../../core/lineage/hop.js';
import { differingFields } from '../../core/lineage/make-hops.js';
import { opaqueId } from '../../core/lineage/salted.js';
import { verifyInclusion } from '../../core/log/proof.js';
import { leafHash } from '../../core/log/tree.js';
import type { AuthorityId } from '../../core/record.js';
import { verifyCompact } from '../keys/verify.js';
import type { Findings } from './findings.js';
import type { TrustedKeys } from './trusted-keys.js';
import { bytesOf, isLogged, verifyLog, type VerifiedLog } from './verify-log.js';

export interface VerifiedHop {
  readonly authority: AuthorityId;
  readonly hop: Hop;
  readonly root: HopRoot;
  readonly index: number;
  /** The hash of the leaf. */
  readonly id: string;
}

/** Adds what it finds; gives the hops that hold, newest first for each authority. */
export async function verifyRecordLineage(
  lineage: RecordLineage,
  keys: TrustedKeys,
  findings: Findings,
): Promise<readonly VerifiedHop[]> {
  if (lineage.federation !== keys.federation)
    findings.add('wrong', null, `it is of federation ${lineage.federation}, the keys are of ${keys.federation}`);
  const all: VerifiedHop[] = [];
  const resets = new Map<AuthorityId, readonly ClockReset[]>();
  for (const chain of lineage.chains) {
    resets.set(chain.authority, await verifiedResets(chain, keys, findings));
    const log = verifyLog(chain, keys, findings);
    const hops: VerifiedHop[] = [];
    for (const travelling of chain.hops) {
      const hop = await verifyHop(chain.authority, lineage.dataset, travelling, log, keys, findings);
      if (hop) hops.push(hop);
    }
    all.push(...hops);
  }
  for (const { authority } of lineage.chains)
    verifyOrder(
      authority,
      all.filter((hop) => hop.authority === authority),
      all,
      resets.get(authority) ?? [],
      findings,
    );
  verifyAgreement(all, findings);
  if (lineage.record) verifyValues(lineage, all, findings);
  return all;
}

async function verifyHop(
  authority: AuthorityId,
  dataset: string,
  { body, index, proof, root: jws, log }: TravellingHop,
  verified: VerifiedLog | null,
  keys: TrustedKeys,
  findings: Findings,
): Promise<VerifiedHop | null> {
  const wrong = (words: string): null => {
    findings.add('wrong', authority, words);
    return null;
  };
  let root: HopRoot;
  let message: string;
  try {
    const cosignedBeforeMs = verified?.cosignedBeforeMs(log.position) ?? null;
    const signed = await verifyCompact(jws, {
      typ: hopRootType,
      keys: keys.ofMessages(authority),
      ...(cosignedBeforeMs === null ? {} : { cosignedBeforeMs }),
    });
    root = HopRoot.parse(signed.payload);
    message = signed.id;
  } catch (error) {
    return wrong(
      `a signed root of its hops does not verify: ${error instanceof ConcordatError ? error.message : 'it has another shape'}`,
    );
  }
  const where = `base ${root.sequence}`;
  if (root.authority !== authority || root.dataset !== dataset)
    return wrong(`the signed root of ${where} speaks for ${root.authority} and dataset ${root.dataset}`);
  const hop = parseHop(body);
  if (!hop) return wrong(`a hop of ${where} is not in its canonical form`);
  const leaf = leafHash(new TextEncoder().encode(body));
  const claim = { leaf, index, size: root.hops.count, proof: proof.map(bytesOf), root: bytesOf(root.hops.root) };
  if (!verifyInclusion(claim)) return wrong(`the hop of ${where} is not under the root that was signed`);
  const entry: LogEntry = {
    kind: 'hops',
    dataset,
    sequence: root.sequence,
    candidate: root.candidate,
    hops: root.hops,
    message,
  };
  if (!verified || !isLogged(verified, entry, log)) return wrong(`the root of the hops of ${where} is not in its log`);
  return { authority, hop, root, index, id: Buffer.from(leaf).toString('hex') };
}

/** What the authority signed about its own clock. Never by another's word: a reset excuses the order of stamps. */
async function verifiedResets(
  { authority, resets }: Pick<AuthorityChain, 'authority' | 'resets'>,
  keys: TrustedKeys,
  findings: Findings,
): Promise<readonly ClockReset[]> {
  const found: ClockReset[] = [];
  for (const jws of resets) {
    try {
      const { payload } = await verifyCompact(jws, { typ: clockResetType, keys: keys.ofMessages(authority) });
      const reset = ClockReset.safeParse(payload);
      if (reset.success && reset.data.authority === authority) found.push(reset.data);
      else findings.add('wrong', authority, 'a reset of its clock speaks for somebody else, or has another shape');
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      findings.add('wrong', authority, `a reset of its clock does not verify: ${error.message}`);
    }
  }
  return found;
}

/** Newest first: each goes on from the next in sequence, clock and content. */
function verifyOrder(
  authority: AuthorityId,
  hops: readonly VerifiedHop[],
  all: readonly VerifiedHop[],
  resets: readonly ClockReset[],
  findings: Findings,
): void {
  const held = new Map<string, string>();
  for (let at = hops.length - 1; at >= 0; at -= 1) {
    const { hop, root } = hops[at] as VerifiedHop;
    const before = hops[at + 1];
    const where = `base ${root.sequence}`;
    if (before && before.hop.record !== hop.record)
      findings.add('wrong', authority, `the hop of ${where} is about another record`);
    if (!before && hop.previous)
      findings.add('missing', authority, `the hop before ${where} (of base ${hop.previous.sequence}) is not here`);
    else if (before && !goesOnFrom(hop, before))
      findings.add('missing', authority, `between base ${before.root.sequence} and ${where} a hop is not here`);
    if (before && !isAfterAtSame(before.root.hlc, root.hlc, resets))
      findings.add('wrong', authority, `the hop of ${where} is not later than the one that it goes on from`);
    else if (before && before.root.hlc >= root.hlc)
      findings.add('observed', authority, `${where}: its clock had jumped and was set back before, as it signed`);
    for (const [field, digest] of Object.entries(hop.before ?? {})) {
      const known = held.get(field);
      // Who was away when a base was agreed has no hop of it; the others have.
      const isKnown =
        known === undefined || known === digest || wasAgreedBetween(all, before, root.sequence, field, digest);
      if (!isKnown) findings.add('missing', authority, `${field} changed before ${where}, and no hop here says how`);
    }
    if (hop.before === null || hop.after === null) held.clear();
    for (const field of Object.keys(hop.before ?? {})) held.delete(field);
    for (const [field, digest] of Object.entries(hop.after ?? {})) held.set(field, digest);
  }
}

function wasAgreedBetween(
  all: readonly VerifiedHop[],
  before: VerifiedHop | undefined,
  sequence: number,
  field: string,
  digest: string,
): boolean {
  return all.some(
    ({ hop, root }) =>
      root.sequence > (before?.root.sequence ?? 0) && root.sequence < sequence && hop.after?.[field] === digest,
  );
}

function goesOnFrom({ previous }: Hop, before: VerifiedHop): boolean {
  return previous?.hop === before.id && previous.sequence === before.root.sequence && previous.index === before.index;
}

/** What several authorities held by one agreement is one state: their digests are under one salt. */
function verifyAgreement(hops: readonly VerifiedHop[], findings: Findings): void {
  const bySequence = new Map<number, VerifiedHop[]>();
  for (const hop of hops) bySequence.set(hop.root.sequence, [...(bySequence.get(hop.root.sequence) ?? []), hop]);
  for (const [sequence, together] of [...bySequence].sort(([left], [right]) => left - right)) {
    const [first, ...others] = together;
    if (!first) continue;
    let agree = true;
    for (const other of others) {
      if (other.hop.record !== first.hop.record || other.root.candidate !== first.root.candidate) {
        agree = false;
        findings.add(
          'wrong',
          other.authority,
          `base ${sequence} is about another record or candidate than that of ${first.authority}`,
        );
      }
      for (const [field, digest] of Object.entries(other.hop.after ?? {})) {
        const theirs = together.find(({ hop }) => hop.after?.[field] !== undefined)?.hop.after?.[field];
        if (theirs !== undefined && theirs !== digest) {
          agree = false;
          findings.add(
            'wrong',
            other.authority,
            `base ${sequence} has another ${field} here than at ${first.authority}`,
          );
        }
      }
    }
    for (const { authority, hop, root } of together) {
      const fields = [...new Set([...Object.keys(hop.before ?? {}), ...Object.keys(hop.after ?? {})])]
        .sort()
        .join(', ');
      const what = hop.after === null ? 'the record gone' : hop.before === null ? `the record, with ${fields}` : fields;
      if (hop.cause.kind === 'observed')
        findings.add('observed', authority, `base ${root.sequence}: its mesh showed ${what}`);
      else if (hop.cause.kind === 'resealed')
        findings.add(
          'observed',
          authority,
          `base ${root.sequence}: ${what} sealed under a new digest key, with no new value`,
        );
      else
        findings.add(
          'wrote',
          authority,
          `base ${root.sequence}: wrote ${what}, by operation ${hop.cause.operations.map((id) => id.slice(0, 12)).join(', ')}, approved in ${hop.cause.decisions.length} signed decision${hop.cause.decisions.length === 1 ? '' : 's'}`,
        );
    }
    if (agree && together.length > 1)
      findings.add(
        'agreed',
        null,
        `base ${sequence}: ${together.map(({ authority }) => authority).join(', ')} hold the same`,
      );
  }
}

function verifyValues({ dataset, record }: RecordLineage, hops: readonly VerifiedHop[], findings: Findings): void {
  if (!record) return;
  const salt = bytesOf(record.salt);
  const id = opaqueId(salt, { dataset, type: record.type, key: record.key });
  const latest = new Map<AuthorityId, VerifiedHop[]>();
  for (const hop of hops) latest.set(hop.authority, [...(latest.get(hop.authority) ?? []), hop]);
  const touched = (hop: Hop): readonly string[] => [...Object.keys(hop.before ?? {}), ...Object.keys(hop.after ?? {})];
  const newest = new Map<string, number>();
  for (const { hop, root } of hops)
    for (const field of touched(hop)) newest.set(field, Math.max(newest.get(field) ?? 0, root.sequence));
  const last = Math.max(...hops.map(({ root }) => root.sequence));
  for (const [authority, own] of latest) {
    if (own.some(({ hop }) => hop.record !== id)) {
      findings.add('wrong', authority, 'its hops are about another record than the one that is named');
      continue;
    }
    const digests: Record<string, string> = {};
    for (const { hop, root } of [...own].reverse()) {
      if (hop.after === null) for (const field of Object.keys(digests)) delete digests[field];
      for (const field of Object.keys(hop.before ?? {})) delete digests[field];
      // What was agreed while this authority was away is for the others to say.
      for (const [field, digest] of Object.entries(hop.after ?? {}))
        if (newest.get(field) === root.sequence) digests[field] = digest;
    }
    const end = own[0];
    const isGone = end?.hop.after === null;
    const differing = differingFields(digests, record.fields ?? {}, { type: record.type, salt });
    const names = Object.keys(digests).sort().join(', ');
    if (end?.root.sequence === last && isGone !== (record.fields === null))
      findings.add('wrong', authority, `by its last hop the record is ${isGone ? '' : 'not '}gone`);
    else if (differing.length > 0)
      findings.add('wrong', authority, `its hops hold other values than those given for ${differing.join(', ')}`);
    else if (isGone) findings.add('agreed', authority, 'by its last hop the record is gone');
    else if (names !== '') findings.add('agreed', authority, `its hops hold the given values of ${names}`);
  }
}
