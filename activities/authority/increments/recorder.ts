/** What a seal keeps of each object on its way, so that the next one need only look at what changed. */
import { z } from 'zod';
import type { DatasetType } from '../../../core/federation/federation.js';
import type { TypeMap } from '../../../core/federation/map.js';
import type { TypeSurface } from '../../../core/federation/surface.js';
import { ConcordatError } from '../../../core/errors.js';
import type { RunInputs } from '../../../core/messages.js';
import type { NativeObject } from '../../../core/record.js';
import type { Links } from '../../links.js';
import type { AuthorityContext } from '../context.js';
import type { SchemaSeen } from '../schema-seen.js';
import type { LedgerEntry } from './ledger.js';
import { folderOf } from './read-plan.js';
import { putAnew, type Tally } from './state.js';

/** More of them are looked at in every run, so then all are. */
const apartMax = 5_000;
/** An object that does not simply stand in the seal, and the key under which it does, if at all. */
const Apart = z.array(z.strictObject({ object: z.custom<NativeObject>(), key: z.string().nullable() }));
type Apart = z.infer<typeof Apart>;

export interface TypeSealing {
  readonly type: DatasetType;
  readonly map: TypeMap;
  readonly surface: TypeSurface;
  readonly isExposed: ((object: NativeObject) => boolean) | null;
  readonly schema: SchemaSeen | null;
  readonly links: Links;
}

/** What became of each object on its way into the seal. */
export interface SealingRecorder {
  /** It simply stands there. */
  plain(id: string, entry: LedgerEntry): Promise<void>;
  /** It is hidden, opaque, set aside or cannot be translated. */
  apart(object: NativeObject, key: string | null): void;
  /** A further object of one record. */
  doubled(): void;
}

export async function readApart(context: AuthorityContext, name: string): Promise<Apart> {
  const bytes = await context.privateStore.get(name);
  if (!bytes) throw new ConcordatError('storeFault', `${name} is missing`);
  return JSON.parse(new TextDecoder().decode(bytes)) as Apart;
}

export const partName = ({ dataset, run }: RunInputs, part: string, type: string): string =>
  `${folderOf(dataset, run)}${part}-${type}`;

export class ApartObjects {
  readonly #objects: Apart[number][] = [];
  #isTooMany = false;

  add(object: NativeObject, key: string | null): void {
    if (this.#objects.length >= apartMax) this.#isTooMany = true;
    else this.#objects.push({ object, key });
  }
  /** Null where they are too many. */
  async put(context: AuthorityContext, inputs: RunInputs, type: string): Promise<string | null> {
    if (this.#isTooMany) return null;
    const name = partName(inputs, 'apart', type);
    await putAnew(context, name, this.#objects);
    return name;
  }
}

/** Counts of the objects that simply stand in the seal. */
export class Counted {
  readonly #unmapped: Map<string, number>;
  #lossy: number;

  constructor(from: Tally = { unmapped: {}, lossy: 0 }) {
    this.#unmapped = new Map(Object.entries(from.unmapped));
    this.#lossy = from.lossy;
  }
  add({ unmapped, lossy }: Pick<LedgerEntry, 'unmapped' | 'lossy'>, by: 1 | -1): void {
    for (const property of unmapped) this.#unmapped.set(property, (this.#unmapped.get(property) ?? 0) + by);
    if (lossy) this.#lossy += by;
  }
  tally(): Tally {
    return { unmapped: Object.fromEntries([...this.#unmapped].filter(([, count]) => count > 0)), lossy: this.#lossy };
  }
}
