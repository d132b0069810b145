/**
 * What this authority says of a base that was sealed under an older digest key: which of the values that it shows now are
 * others than those. It seals its records once more under the old key, in a folder that nobody else reads and that is
 * gone afterwards, and walks that beside the base. Memory follows what changed, as in every compare.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatasetType } from '../../core/federation/federation.js';
import { sameJson } from '../../core/lens/same-json.js';
import type { Base, Reseal } from '../../core/messages.js';
import type { FederatedRecord } from '../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../core/sealed.js';
import { isSealedValue, type DigestKeyId } from '../../core/sealed-value.js';
import type { RunMessages } from '../run-messages.js';
import { createSealer, type Sealer } from '../sealing/sealer.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { walkDiffering } from '../sealing/walk-differing.js';
import { createFileStore } from '../store-files.js';
import type { ObjectStore } from '../store.js';
import { sealedRecord, type FieldDigests } from '../surface/field-digests.js';
import type { AuthorityContext } from './context.js';
import { heldDigests } from './digest-key.js';

const baseParticipant = '(base)';

/** Null where the base holds nothing under an older key, or only under keys that this authority does not have. */
export async function beginReseal(
  context: AuthorityContext,
  { base, shape, members }: Pick<RunMessages, 'base' | 'shape' | 'members'>,
  current: DigestKeyId | null,
): Promise<ResealClaims | null> {
  if (!base || current === null) return null;
  const older: FieldDigests[] = [];
  for (const key of base.digestKeys ?? []) {
    const digests = key === current ? null : await heldDigests(context, shape.dataset.dataset, key);
    if (digests) older.push(digests);
  }
  if (older.length === 0) return null;
  return new ResealClaims(context, members, base, older, await mkdtemp(path.join(tmpdir(), 'concordat-reseal-')));
}

export class ResealClaims {
  readonly #context: AuthorityContext;
  readonly #members: readonly string[];
  readonly #base: Base;
  readonly #older: readonly FieldDigests[];
  readonly #folder: string;
  readonly #scratch: ObjectStore;
  readonly #changed = new Map<DigestKeyId, SealedType[]>();

  constructor(
    context: AuthorityContext,
    members: readonly string[],
    base: Base,
    older: readonly FieldDigests[],
    folder: string,
  ) {
    this.#context = context;
    this.#members = members;
    this.#base = base;
    this.#older = older;
    this.#folder = folder;
    this.#scratch = besideExchange(createFileStore(folder), context.exchange);
  }

  /** Undefined where nothing of the type can be said. */
  beginType(type: DatasetType, expectedCount: number): TypeClaims | undefined {
    const base = this.#base.types.find((sealed) => sealed.type === type.taxonomy.type);
    const fields = type.digests.filter((field) => type.held[this.#context.id]?.includes(field));
    if (!base || fields.length === 0) return undefined;
    return new TypeClaims(
      this.#older.map((digests) => ({ digests, sealer: this.#sealerOf(type, expectedCount) })),
      type,
      async (from, own) =>
        void this.#changed.set(from, [
          ...(this.#changed.get(from) ?? []),
          await this.#changedFrom(from, type, fields, own, base),
        ]),
    );
  }

  #sealerOf(type: DatasetType, expectedCount: number): Sealer {
    const { id } = this.#context;
    const groups = groupsHeldBy(type.groups, id);
    return createSealer({ store: this.#scratch, prefix: id, type: type.taxonomy.type, groups, expectedCount });
  }

  async #changedFrom(
    from: DigestKeyId,
    type: DatasetType,
    fields: readonly string[],
    own: SealedType,
    base: SealedType,
  ): Promise<SealedType> {
    const { exchange: store, id } = this.#context;
    const name = type.taxonomy.type;
    const groups = [{ id: 'changed', fields, members: [id] }];
    const changed = createSealer({ store, prefix: id, type: name, groups, expectedCount: 0 });
    try {
      const walk = walkDiffering({
        participants: [
          { id, sealed: own },
          { id: baseParticipant, sealed: base },
        ],
        groups: type.groups,
        reader: createSegmentReader({ store: this.#scratch, prefixes: [id, ...this.#members] }),
      });
      for await (const { key, present } of walk) {
        const now = present[id];
        const then = present[baseParticipant];
        if (!now || !then) continue;
        const others = fields.filter((field) => {
          const value = then[field];
          return now[field] !== undefined && isSealedValue(value) && value.key === from && !sameJson(now[field], value);
        });
        if (others.length > 0)
          changed.add({ type: name, key, fields: Object.fromEntries(others.map((field) => [field, true])) });
      }
      return await changed.finish();
    } finally {
      changed.discard();
    }
  }

  statements(): Reseal[] {
    return this.#older.map(({ keyId }) => ({ from: keyId, changed: this.#changed.get(keyId) ?? [] }));
  }

  async end(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface OlderSeal {
  readonly digests: FieldDigests;
  readonly sealer: Sealer;
}

/** The records of one type under every older key. */
export class TypeClaims {
  readonly #seals: readonly OlderSeal[];
  readonly #type: DatasetType;
  readonly #ended: (from: DigestKeyId, own: SealedType) => Promise<void>;

  constructor(
    seals: readonly OlderSeal[],
    type: DatasetType,
    ended: (from: DigestKeyId, own: SealedType) => Promise<void>,
  ) {
    this.#seals = seals;
    this.#type = type;
    this.#ended = ended;
  }

  /** In clear. */
  add(record: FederatedRecord): void {
    for (const { digests, sealer } of this.#seals) sealer.add(sealedRecord(digests, this.#type, record));
  }

  async finish(): Promise<void> {
    for (const { digests, sealer } of this.#seals) await this.#ended(digests.keyId, await sealer.finish());
  }

  discard(): void {
    for (const { sealer } of this.#seals) sealer.discard();
  }
}

/** Writes go to `own` alone; what is not there is read from the exchange store. */
function besideExchange(own: ObjectStore, exchange: ObjectStore): ObjectStore {
  const never = (): Promise<never> => Promise.reject(new Error('segments are put and read by name only'));
  return {
    putIfAbsent: (name, bytes) => own.putIfAbsent(name, bytes),
    get: async (name) => (await own.get(name)) ?? exchange.get(name),
    getRange: async (name, start, length) => ((await own.get(name)) ? own : exchange).getRange(name, start, length),
    list: never,
    readHead: never,
    compareAndSetHead: never,
    remove: never,
    rewriteOlder: never,
    removeUnfinished: never,
  };
}
