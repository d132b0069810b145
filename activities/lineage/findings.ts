/** What a verification found, in words for people and with a kind for programs. */

/**
 * `wrong`: it does not verify. `missing`: something that should be there is not. `erased`: it is not there, and a signed
 * receipt says that it was erased. `absent`: a member took no part, which a majority may go on without. `notAgreed`: the
 * run moved no base. The rest is what could be shown.
 */
export type FindingKind =
  'observed' | 'approved' | 'wrote' | 'agreed' | 'notAgreed' | 'logged' | 'absent' | 'erased' | 'missing' | 'wrong';

export interface Finding {
  readonly kind: FindingKind;
  /** Whose statement it is; null for what concerns all. */
  readonly authority: string | null;
  readonly words: string;
}

export class Findings {
  readonly all: Finding[] = [];

  add(kind: FindingKind, authority: string | null, words: string): void {
    this.all.push({ kind, authority, words });
  }

  /** True where nothing is wrong and nothing missing. */
  get hold(): boolean {
    return this.all.every(({ kind }) => kind !== 'wrong' && kind !== 'missing');
  }

  /** Whether something cannot be shown any more because it was erased. */
  get hasErased(): boolean {
    return this.all.some(({ kind }) => kind === 'erased');
  }
}
