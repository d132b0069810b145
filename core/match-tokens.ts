/**
 * Match tokens: how records are joined by values that leave their authority only as digests. The digest of a value holds
 * the federated key of its record, which an unlinked record does not have yet; so for each rule that names a `digest`
 * field a record carries one more keyed digest, over all the values that the rule asks for and over nothing else.
 *
 * What they tell the coordinator is the answer that the rule is made to give: which records of one type of this dataset
 * have the same values in it. One token stands for a whole rule, so single fields of it are not told apart.
 */
import { canonicalJson } from './digest.js';
import type { MatchRule } from './federation/dataset.js';
import type { Fields } from './record.js';

/** The rules whose values leave as tokens; the others compare what stands in clear. */
export function tokenRules(rules: readonly MatchRule[], digests: readonly string[]): readonly MatchRule[] {
  return rules.filter((rule) => needsToken(rule, digests));
}

export function needsToken({ match }: MatchRule, digests: readonly string[]): boolean {
  return match.some((field) => digests.includes(field));
}

/** Under which a record's token of this rule stands in its sealed tokens. */
export function tokenField({ match }: MatchRule): string {
  return canonicalJson(match);
}

/** The values of a rule's fields; undefined where one is not held, empty or not a plain value: then nothing is matched. */
export function matchedValues({ match }: MatchRule, fields: Fields): readonly string[] | undefined {
  const values: string[] = [];
  for (const field of match) {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (typeof value !== 'string' || value === '') return undefined;
    values.push(value);
  }
  return values;
}

/**
 * What is hashed. The dataset is in it, so that people cannot be joined across datasets; no record, no authority and no
 * run is, because all members must come to the same.
 */
export function tokenText(
  { dataset, type }: { readonly dataset: string; readonly type: string },
  { match }: MatchRule,
  values: readonly string[],
): string {
  return canonicalJson({ dataset, match, type, values: [...values] });
}
