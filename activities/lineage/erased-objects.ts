/** Which of the objects that a verification asked for and did not find were erased, by the lists that receipts are over. */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { ErasedObjects } from '../../core/lineage/erasure.js';
import type { AuthorityId } from '../../core/record.js';
import { getDocument } from '../exchange.js';
import { digestsOf, type VerifiedErasure } from './erasures.js';
import type { OverlayStore } from './overlay-store.js';
import { stampText } from './words.js';

/** Whether receipts of erasures say why something is not there. */
export class ErasedObjectsOf {
  readonly #store: OverlayStore;
  readonly #erasures: readonly VerifiedErasure[];

  constructor(store: OverlayStore, erasures: readonly VerifiedErasure[]) {
    this.#store = store;
    this.#erasures = erasures;
  }

  /** In words; null unless every object that is not there was erased, by the list of one that signed for it. */
  async explain(): Promise<string | null> {
    const there = new Set(this.#store.objectsRead().map(([name]) => digestIn(name)));
    const missing = [...this.#store.objectsMissing()].map(digestIn).filter((digest) => !there.has(digest));
    const explained = new Set<string>();
    const words: string[] = [];
    for (const { receipt } of this.#erasures) {
      const erased = new Set(digestsOf(await this.#listOf(receipt.authority, receipt.objects)));
      const own = missing.filter((digest) => erased.has(digest));
      if (own.length === 0) continue;
      own.forEach((digest) => explained.add(digest));
      words.push(`${receipt.authority} erased a record at ${stampText(receipt.hlc)}`);
    }
    return words.length > 0 && missing.every((digest) => explained.has(digest)) ? words.join(', ') : null;
  }

  async #listOf(authority: AuthorityId, sha256: Digest): Promise<ErasedObjects> {
    try {
      return await getDocument(this.#store, { ref: `${authority}/documents/${sha256}`, sha256 }, ErasedObjects);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      return { names: [] };
    }
  }
}

function digestIn(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
