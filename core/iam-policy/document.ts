/**
 * One IAM policy document after parsing: every element that may be a string or a list is a list, and what AWS treats as
 * one word is written as one word. Order, Sid and Id are kept as they were; `canonical.ts` takes them away.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */

/** `2008-10-17` is what a document without a version has; only `2012-10-17` knows policy variables (`${aws:username}`). */
export type PolicyVersion = '2008-10-17' | '2012-10-17';

export interface PolicyDocument {
  readonly version: PolicyVersion;
  readonly statements: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  /** `all` of Action and NotAction: in lower case, because IAM compares actions regardless of case. */
  readonly action: Matched;
  /** Absent in a trust policy, whose resource is the role that carries it. */
  readonly resource?: Matched;
  /** Absent in a policy of a user, group or role, whose principal is its holder. */
  readonly principal?: MatchedPrincipals;
  readonly conditions: readonly PolicyCondition[];
}

/** `but`: everything except these (NotAction, NotResource). */
export interface Matched {
  readonly kind: 'these' | 'but';
  readonly patterns: readonly string[];
}

/** Principals as `<kind>:<value>`: `AWS:arn:aws:iam::123456789012:root`, `Federated:…`, `Service:…`; `*` is everybody. */
export interface MatchedPrincipals {
  readonly kind: 'these' | 'but';
  readonly principals: readonly string[];
}

/** All conditions of a statement must hold; of one condition, any value. */
export interface PolicyCondition {
  /** As written: `StringEquals`, `ForAnyValue:StringLike`. */
  readonly operator: string;
  /** In lower case, because IAM compares condition keys regardless of case. */
  readonly key: string;
  readonly values: readonly string[];
}
