/**
 * The documents of a configuration one by one: what each is called, what it hashes to, and what it can stand behind. A
 * person may sign any of them as its author, and nobody approves alone what follows from a document of their own.
 */
import { digestOf, type Digest } from '../digest.js';
import type { AuthorityId } from '../record.js';
import type { Dataset } from './dataset.js';
import { termsOf, type Terms } from './terms.js';
import type { Authority } from './authority.js';

export interface ConfiguredDocument {
  /** Its file without the ending: `maps/aws.person`. */
  readonly name: string;
  readonly digest: Digest;
  /** Whose it is; null for a taxonomy type and a dataset, which are everybody's. */
  readonly authority: AuthorityId | null;
  /** The federated type that it is about; null where it is about all. */
  readonly type: string | null;
  /** AuthorStatements, as compact JWS, sorted. Empty where nobody signed it. */
  readonly statements: readonly string[];
}

/** When a dataset is compared says nothing about what it says. */
export function configuredDataset(dataset: Dataset): Omit<Dataset, 'schedule'> & { readonly schedule: null } {
  return { ...dataset, members: [...dataset.members].sort(), schedule: null };
}

export function configuredTerms(authority: Authority): Omit<Terms, 'description'> {
  const { description: _description, ...terms } = termsOf(authority);
  return terms;
}

/** What the members of a Configuration are, by the parts of one. */
export interface DocumentParts {
  readonly dataset: {
    readonly dataset: string;
    readonly members: readonly AuthorityId[];
    readonly types: readonly string[];
  };
  readonly taxonomy: readonly ({ readonly type: string } | null)[];
  /** Absent where no type has an effect. */
  readonly capabilities?: readonly object[] | undefined;
  readonly maps: readonly ({ readonly type: string } | null)[];
  readonly authorities: readonly ({ readonly authority: AuthorityId } | null)[];
}

/** In the order of the configuration. Names only what is there. */
export function documentsOf(
  { dataset, taxonomy, capabilities, maps, authorities }: DocumentParts,
  statementsOf: (name: string) => readonly string[],
): readonly ConfiguredDocument[] {
  const documents: ConfiguredDocument[] = [];
  const add = (name: string, value: object, authority: AuthorityId | null, type: string | null): void =>
    void documents.push({ name, digest: digestOf(value), authority, type, statements: statementsOf(name) });
  add(`datasets/${dataset.dataset}`, dataset, null, null);
  for (const type of taxonomy) if (type) add(`taxonomy/${type.type}`, type, null, type.type);
  if (capabilities) add('taxonomy/capabilities', capabilities, null, null);
  const members = [...dataset.members].sort();
  maps.forEach((map, at) => {
    const member = members[Math.floor(at / dataset.types.length)];
    if (map && member !== undefined) add(`maps/${member}.${map.type}`, map, member, map.type);
  });
  for (const terms of authorities) if (terms) add(`authorities/${terms.authority}`, terms, terms.authority, null);
  return documents;
}
