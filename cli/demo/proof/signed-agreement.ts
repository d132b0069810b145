/**
 * Checks the last agreement as an outsider would: from the exchange store and the keys that the members' manifests name.
 * No private key, no worker and no Temporal server is asked.
 */
import { findDocument, getMessage } from '../../../activities/exchange.js';
import { readAll } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import type { ObjectStore } from '../../../activities/store.js';
import type { Digest } from '../../../core/digest.js';
import { ConcordatError } from '../../../core/errors.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { Base, Candidate, Witness, witnessType } from '../../../core/messages.js';
import { setElements } from '../../../core/operation.js';
import type { AuthorityId, FederatedRecord } from '../../../core/record.js';
import { personId, type HeldPerson, type Reading } from './reading.js';

export interface SignedAgreement {
  readonly sequence: number;
  readonly candidate: Digest;
  readonly base: Digest;
  readonly signers: readonly { readonly authority: AuthorityId; readonly key: string; readonly message: Digest }[];
  /** The agreed records themselves, out of the sealed base that the signatures cover. */
  readonly reading: Reading;
}

export interface ClaimedAgreement {
  readonly sequence: number;
  readonly base: Digest;
}

/** Throws inputNotAuthentic where a signature is missing, or they do not cover one and the same state. */
export async function verifyAgreement(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  claimed: ClaimedAgreement,
): Promise<SignedAgreement> {
  const members = federation.datasets[dataset]?.members ?? [];
  const witnesses = await Promise.all(
    members.map((authority) => witnessOf(federation, exchange, authority, dataset, claimed.sequence)),
  );
  const candidates = new Set(witnesses.map(({ candidate }) => candidate));
  const [candidateDigest] = candidates;
  if (candidateDigest === undefined || candidates.size > 1)
    throw new ConcordatError(
      'inputNotAuthentic',
      `the members signed ${candidates.size} different candidates for agreement ${claimed.sequence}`,
    );
  // A document is found by its digest and must hash to it, so from here on the signatures cover everything.
  const candidate = await findDocument(exchange, ['federation', ...members], candidateDigest, Candidate);
  if (candidate.dataset !== dataset || candidate.sequence !== claimed.sequence || candidate.next !== claimed.base)
    throw new ConcordatError('inputNotAuthentic', 'what the members signed is not the state that the run reported');
  const base = await findDocument(exchange, [...members, 'federation'], candidate.next, Base);
  return {
    sequence: candidate.sequence,
    candidate: candidateDigest,
    base: candidate.next,
    signers: witnesses.map(({ authority, key, message }) => ({ authority, key, message })),
    reading: await readBase(exchange, members, base),
  };
}

async function witnessOf(
  federation: Federation,
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  sequence: number,
): Promise<{ authority: AuthorityId; candidate: Digest; key: string; message: Digest }> {
  const keys = keysOf(federation, authority, 'messages');
  for (const name of await exchange.list(`${authority}/messages/`)) {
    const ref = { ref: name, sha256: name.slice(name.lastIndexOf('/') + 1) };
    try {
      const { payload, id, kid } = await getMessage(exchange, ref, { typ: witnessType, schema: Witness, keys });
      if (payload.authority === authority && payload.dataset === dataset && payload.sequence === sequence)
        return { authority, candidate: payload.candidate, key: kid, message: id };
    } catch (error) {
      // Snapshots, receipts and their like, or something that this authority did not sign.
      if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    }
  }
  throw new ConcordatError('inputNotAuthentic', `there is no signature of ${authority} on agreement ${sequence}`);
}

async function readBase(exchange: ObjectStore, members: readonly AuthorityId[], base: Base): Promise<Reading> {
  const reader = createSegmentReader({ store: exchange, prefixes: [...members, 'federation'] });
  const records: FederatedRecord[] = [];
  for (const type of base.types) for await (const record of readAll(type, reader)) records.push(record);
  const people = new Map(
    records
      .filter(({ type }) => type === 'person')
      .map(({ key, fields }): [string, HeldPerson] => [
        key,
        {
          mail: text(fields['mail']) ?? '',
          displayName: text(fields['displayName']),
          employeeId: text(fields['employeeId']),
          department: text(fields['department']),
          active: typeof fields['active'] === 'boolean' ? fields['active'] : null,
        },
      ]),
  );
  const idOf = (key: string): string => {
    const person = people.get(key);
    return person ? personId(person) : key;
  };
  return {
    holder: 'agreement',
    people: [...people.values()],
    teams: records
      .filter(({ type }) => type === 'team')
      .map(({ fields }) => ({
        handle: text(fields['handle']) ?? '',
        description: text(fields['description']),
        members: setElements(fields['members']).map(idOf),
      })),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
