/** What one party holds, in the plainest words: the ground on which clouds and the signed agreement are compared. */

/** A field that is absent has no place there; null is held and empty. */
export interface HeldPerson {
  readonly mail: string;
  readonly displayName: string | null;
  readonly employeeId: string | null;
  readonly department: string | null;
  readonly active?: boolean | null;
}

export interface HeldTeam {
  readonly handle: string;
  readonly description?: string | null;
  /** `personId` of each. */
  readonly members: readonly string[];
}

export interface Reading {
  /** Whose it is: an authority, or the agreement. */
  readonly holder: string;
  readonly people: readonly HeldPerson[];
  readonly teams: readonly HeldTeam[];
}

/** How people are told apart here: by the number that the employer gave, else by mail. Links of Concordat play no part. */
export function personId({ employeeId, mail }: Pick<HeldPerson, 'employeeId' | 'mail'>): string {
  return employeeId ?? mail;
}
