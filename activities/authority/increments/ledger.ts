/**
 * Which native object stands under which key in the last seal: sealed like records, in the private store, with what changed
 * since in layers above. So a run that reads a thousand changes looks up a thousand objects.
 */
import { z } from 'zod';
import type { FieldGroup } from '../../../core/federation/federation.js';
import type { AuthorityId, Fields } from '../../../core/record.js';
import type { SealedType } from '../../../core/sealed.js';
import { readMany } from '../../sealing/read-records.js';
import { createSealer, type Sealer } from '../../sealing/sealer.js';
import { createSegmentReader, type SegmentReader } from '../../sealing/segment-reader.js';
import type { AuthorityContext } from '../context.js';
import { ledgerPrefix, putAnew, type SealState } from './state.js';

/** What an object that simply stands in the seal counts for. */
export const LedgerEntry = z.strictObject({ key: z.string(), unmapped: z.array(z.string()), lossy: z.boolean() });
export type LedgerEntry = z.infer<typeof LedgerEntry>;
const Layer = z.array(z.tuple([z.string(), LedgerEntry.nullable()]));

const groupsOf = (member: AuthorityId): readonly FieldGroup[] => [
  { id: 'ledger', fields: ['key', 'lossy', 'unmapped'], members: [member] },
];

export function ledgerSealer(context: AuthorityContext, dataset: string, type: string, expectedCount: number): Sealer {
  const { privateStore: store, id } = context;
  return createSealer({ store, prefix: ledgerPrefix(dataset), type, groups: groupsOf(id), expectedCount });
}

export function asLedgerFields({ key, unmapped, lossy }: LedgerEntry): Fields {
  return { key, unmapped, lossy };
}

export class Ledger {
  readonly #sealed: SealedType;
  readonly #layers: Map<string, LedgerEntry | null>;
  readonly #reader: SegmentReader;

  private constructor(sealed: SealedType, layers: Map<string, LedgerEntry | null>, reader: SegmentReader) {
    this.#sealed = sealed;
    this.#layers = layers;
    this.#reader = reader;
  }

  /** Null where there is none, or a layer of it is gone. */
  static async load(
    context: AuthorityContext,
    dataset: string,
    { ledger, ledgerLayers }: Pick<SealState, 'ledger' | 'ledgerLayers'>,
  ): Promise<Ledger | null> {
    if (!ledger) return null;
    const layers = new Map<string, LedgerEntry | null>();
    for (const name of ledgerLayers) {
      const bytes = await context.privateStore.get(name);
      const layer = bytes && Layer.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
      if (!layer) return null;
      for (const [id, entry] of layer) layers.set(id, entry);
    }
    const { privateStore: store } = context;
    const reader = createSegmentReader({ store, prefixes: [ledgerPrefix(dataset)] });
    return new Ledger(ledger, layers, reader);
  }

  /** Entries of those that simply stand in the seal. Throws storeFault where a segment is gone. */
  async entriesOf(ids: Iterable<string>): Promise<ReadonlyMap<string, LedgerEntry>> {
    const found = new Map<string, LedgerEntry>();
    const below: string[] = [];
    for (const id of ids) {
      const entry = this.#layers.get(id);
      if (entry) found.set(id, entry);
      else if (entry === undefined) below.push(id);
    }
    for await (const { key: id, fields } of readMany(this.#sealed, below, this.#reader))
      found.set(id, LedgerEntry.parse(fields));
    return found;
  }
}

export async function putLayer(
  context: AuthorityContext,
  name: string,
  entries: ReadonlyMap<string, LedgerEntry | null>,
): Promise<void> {
  await putAnew(context, name, [...entries]);
}
