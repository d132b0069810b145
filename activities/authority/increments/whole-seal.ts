/** A seal over all objects that the next run can go on from. */
import type { Digest } from '../../../core/digest.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import type { DatasetType } from '../../../core/federation/federation.js';
import type { RunInputs } from '../../../core/messages.js';
import { isProvisional, type NativeObject } from '../../../core/record.js';
import type { SealedType } from '../../../core/sealed.js';
import type { AuthorityContext } from '../context.js';
import { asLedgerFields, ledgerSealer, type LedgerEntry } from './ledger.js';
import { lineKeyOf, NumberList, putLineKeys, unknown } from './line-keys.js';
import { ApartObjects, Counted, partName, type SealingRecorder } from './recorder.js';
import type { SealState } from './state.js';

export class WholeSeal implements SealingRecorder {
  readonly #context: AuthorityContext;
  readonly #inputs: RunInputs;
  readonly #name: string;
  readonly #fingerprint: Digest;
  readonly #ledger;
  /** Where nothing but the pages tell which object stands under which key. */
  readonly #lineKeys: NumberList | null;
  readonly #apart = new ApartObjects();
  readonly #counted = new Counted();
  #mayGoOn = true;
  state: SealState | null = null;

  constructor(
    context: AuthorityContext,
    inputs: RunInputs,
    type: DatasetType,
    given: { fingerprint: Digest; dataset: string; expectedCount: number; hasLedger: boolean },
  ) {
    this.#context = context;
    this.#inputs = inputs;
    this.#name = type.taxonomy.type;
    this.#fingerprint = given.fingerprint;
    this.#ledger = given.hasLedger ? ledgerSealer(context, given.dataset, this.#name, given.expectedCount) : null;
    this.#lineKeys = given.hasLedger ? null : new NumberList(given.expectedCount);
  }

  plain(id: string, entry: LedgerEntry): Promise<void> {
    if (isProvisional(entry.key)) this.#mayGoOn = false;
    this.#counted.add(entry, 1);
    this.#lineKeys?.add(lineKeyOf(entry.key));
    this.#ledger?.add({ type: this.#name, key: id, fields: asLedgerFields(entry) });
    return Promise.resolve();
  }
  apart(object: NativeObject, key: string | null): void {
    this.#apart.add(object, key);
    this.#lineKeys?.add(unknown);
  }
  doubled(): void {
    this.#mayGoOn = false;
  }
  /** An object came more than once: where nothing but the pages tell what it was, the next run cannot know which of them stood here. */
  cameAgain(): void {
    if (!this.#ledger) this.#mayGoOn = false;
  }
  /** What the next run goes on from; null where it cannot. `shape`: of all objects. */
  async finish(sealed: SealedType, shape: NativeShape | null): Promise<SealState | null> {
    const apart = this.#mayGoOn ? await this.#apart.put(this.#context, this.#inputs, this.#name) : null;
    if (apart === null) return null;
    const fingerprint = this.#fingerprint;
    const ledger = (await this.#ledger?.finish()) ?? null;
    const lineKeys = this.#lineKeys && partName(this.#inputs, 'lines', this.#name);
    if (lineKeys) await putLineKeys(this.#context.privateStore, lineKeys, this.#lineKeys.all());
    this.state = {
      fingerprint,
      sealed,
      ledger,
      ledgerLayers: [],
      apart,
      ...(lineKeys ? { lineKeys } : {}),
      tally: this.#counted.tally(),
      shape,
      changed: 0,
    };
    return this.state;
  }
  discard(): void {
    this.#ledger?.discard();
  }
}
