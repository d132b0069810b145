/**
 * Who may ask an authority to erase: its own people, as many of them and in the roles that its terms want for a deletion.
 * Neither a peer nor the coordinator has a say in it.
 */
import { electorateOf } from '../../core/approval/electorate.js';
import { requirementOf, requirementWords } from '../../core/approval/requirement.js';
import { shortfall } from '../../core/approval/voices.js';
import { ConcordatError } from '../../core/errors.js';
import { ErasureRequest, erasureRequestType, erasureSubject } from '../../core/lineage/erasure.js';
import type { RecordName } from '../../core/lineage/salted.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { verifyCompact } from '../keys/verify.js';

export interface CountedRequests {
  /** One for each person, in the order of their names. */
  readonly requests: readonly string[];
  readonly approvers: readonly string[];
  /** How many people are still missing; 0 where enough have asked. */
  readonly missing: number;
  readonly required: string;
}

export function erasingFolder(dataset: string, subject: string): string {
  return `erasures/${dataset}/${subject}`;
}

/** Throws with the code of what is wrong with the request. What one person asks twice counts once. */
export async function keepRequest(context: AuthorityContext, name: RecordName, jws: string): Promise<void> {
  const { approver } = await verifyRequest(context, name, jws);
  const place = `${erasingFolder(name.dataset, erasureSubject(name))}/requests/${approver}`;
  await context.privateStore.putIfAbsent(place, new TextEncoder().encode(jws));
}

/** Those that still hold: a person who has lost their key or their place since does not count. */
export async function countRequests(context: AuthorityContext, name: RecordName): Promise<CountedRequests> {
  const { privateStore } = context;
  const held: { readonly jws: string; readonly approver: string }[] = [];
  for (const place of await privateStore.list(`${erasingFolder(name.dataset, erasureSubject(name))}/requests/`)) {
    const bytes = await privateStore.get(place);
    if (!bytes) continue;
    const jws = new TextDecoder().decode(bytes);
    try {
      const { approver } = await verifyRequest(context, name, jws);
      held.push({ jws, approver });
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      // What ran out may be signed again.
      await privateStore.remove(place);
    }
  }
  const authority = authorityOf(context);
  const subject = { type: name.type, kind: 'delete', fields: [] } as const;
  const requirement = requirementOf(authority, [subject], authority.approval.quorum);
  const voices = held.map(({ approver }) => ({ signer: approver, of: approver }));
  return {
    requests: held.map(({ jws }) => jws),
    approvers: held.map(({ approver }) => approver),
    missing: shortfall(requirement, voices, electorateOf(authority, 0)).people,
    required: requirementWords(requirement),
  };
}

async function verifyRequest(context: AuthorityContext, name: RecordName, jws: string): Promise<ErasureRequest> {
  const { approvers } = authorityOf(context);
  const keys = approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload } = await verifyCompact(jws, { typ: erasureRequestType, keys });
  const parsed = ErasureRequest.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed request does not have the shape of this version');
  const request = parsed.data;
  const key = approvers.find(({ id }) => id === request.approver)?.key;
  if (!key) throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  await verifyCompact(jws, { typ: erasureRequestType, keys: [key] });
  const isForThis =
    request.federation === context.federation.file.federation &&
    request.authority === context.id &&
    request.dataset === name.dataset &&
    request.subject === erasureSubject(name);
  if (!isForThis)
    throw new ConcordatError(
      'decisionForOtherPlan',
      `the request is for ${request.authority} and another record or dataset than the one that is named`,
    );
  if (request.expiresAtMs <= context.now()) throw new ConcordatError('decisionExpired', 'the request has expired');
  return request;
}
