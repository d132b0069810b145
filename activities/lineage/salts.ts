/**
 * How members come to share one random salt for each record. A snapshot proposes one for every record that its authority
 * has none of yet, and signs their digest; of a record that is new to the base, the proposal of the first member by id
 * that showed it is taken. So everyone takes the same, nobody could foresee it, and no message is added to a run.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { isProvisional, type AuthorityId } from '../../core/record.js';
import type { ObjectStore } from '../store.js';
import { RecordIds } from './record-ids.js';
import {
  proposalBytes,
  proposalPieces,
  proposalsName,
  readProposedSalts,
  requireSignedProposals,
  type ProposedSalts,
} from './proposed-salts.js';
import { type RecordTable } from './record-table.js';
import { tableIdBytes } from './table-rows.js';

/** Takes up the records of a snapshot while it is sealed. */
export class SaltProposals {
  readonly #table: RecordTable;
  readonly #ids = new RecordIds();

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** Records under a provisional key have no name yet that a salt could be for. */
  add(type: string, key: string): void {
    if (!isProvisional(key)) this.#ids.add(type, key);
  }

  /** How many came, for `backTo`. */
  get count(): number {
    return this.#ids.count;
  }

  /** Forgets what came after: it is taken up anew. */
  backTo(count: number): void {
    this.#ids.cutTo(count);
  }

  /** For records that did not change since an earlier snapshot proposed salts for them, and have none yet: new ones. */
  async goOnFrom(exchange: ObjectStore, authority: AuthorityId, earlier: Digest | null): Promise<void> {
    if (earlier === null) return;
    for await (const rows of proposalPieces(exchange, authority, earlier))
      for (let at = 0; at + proposalBytes <= rows.length; at += proposalBytes) this.#ids.addFrom(rows, at);
  }

  /** Null where every record has its salt already. */
  async put(exchange: ObjectStore, authority: AuthorityId): Promise<Digest | null> {
    const ids = await this.#table.lacking(this.#ids.takeSorted());
    if (ids.length === 0) return null;
    const bytes = randomBytes((ids.length / tableIdBytes) * proposalBytes);
    for (let id = 0; id < ids.length / tableIdBytes; id += 1)
      ids.copy(bytes, id * proposalBytes, id * tableIdBytes, (id + 1) * tableIdBytes);
    const digest = createHash('sha256').update(bytes).digest('hex');
    await exchange.putIfAbsent(proposalsName(authority, digest), bytes);
    return digest;
  }
}

export interface SaltSources {
  readonly exchange: ObjectStore;
  /** This authority's own table. */
  readonly own: RecordTable;
  /** Of each member, the digest that its snapshot signed. */
  readonly proposed: Readonly<Record<AuthorityId, Digest | null>>;
  /** Tables that peers publish, for a member that is new to the dataset. */
  readonly tables: () => Promise<readonly RecordTable[]>;
}

export interface Salts {
  /** Of the record with that tableId. Throws inputNotAuthentic where nobody has one. */
  of(id: Buffer, type: string, isInBase: boolean): Promise<Uint8Array>;
  /** Of one that is in no base and has no row here, where nothing has to be waited for: of most there are. */
  proposedFirst(id: Buffer): Uint8Array | undefined;
}

/** Throws inputNotAuthentic where proposals are not what was signed. */
export async function saltsOf({ exchange, own, proposed, tables }: SaltSources): Promise<Salts> {
  const inOrder = Object.entries(proposed).sort(([left], [right]) => byCodeUnit(left, right));
  const read = new Map<AuthorityId, ProposedSalts>();
  let first: ProposedSalts | undefined;
  for (const [authority, digest] of inOrder) {
    if (digest === null) continue;
    if (first) {
      await requireSignedProposals(exchange, authority, digest);
      continue;
    }
    first = await readProposedSalts(exchange, authority, digest);
    read.set(authority, first);
  }
  /** Of the first member that showed the record: most often the first of all, so that no others need to be kept. */
  const fromProposals = async (id: Buffer): Promise<Uint8Array | undefined> => {
    for (const [authority, digest] of inOrder) {
      if (digest === null) continue;
      const proposals = read.get(authority) ?? (await readProposedSalts(exchange, authority, digest));
      read.set(authority, proposals);
      const salt = proposals.of(id);
      if (salt) return salt;
    }
    return undefined;
  };
  let others: readonly RecordTable[] | undefined;
  const fromTables = async (id: Buffer): Promise<Uint8Array | undefined> => {
    others ??= await tables();
    let failed: ConcordatError | undefined;
    for (const table of others)
      try {
        const row = await table.rowOf(id);
        if (row) return row.salt;
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error;
        // One that was spoiled must not keep this member from what another one has.
        failed ??= error;
      }
    if (failed) throw failed;
    return undefined;
  };
  const of: Salts['of'] = async (id, type, isInBase) => {
    const known = await own.rowOf(id);
    if (known) return known.salt;
    // What the base holds already has its salt with those who were there.
    const salt = (isInBase ? await fromTables(id) : undefined) ?? (await fromProposals(id));
    if (!salt)
      throw new ConcordatError('inputNotAuthentic', `no member proposed a salt for a ${type} that this run agreed on`);
    return salt;
  };
  return { of, proposedFirst: (id) => first?.of(id) };
}
