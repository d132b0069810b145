/** Statements of all policies that have a say about one principal, ready to be asked. */
import type { Json } from '../json.js';
import type { Matched, PolicyDocument, PolicyStatement, PolicyVersion } from '../iam-policy/document.js';
import { parsePolicyJson } from '../iam-policy/parse.js';
import { actionPattern, resourcePattern, type Pattern, type ResourcePattern } from './pattern.js';
import type { Unit } from './survey.js';

export interface NamedPolicy {
  readonly name: string;
  /** null: it was not read, or is beyond IAM's grammar. */
  readonly document: PolicyDocument | null;
}

/** A document as bodies of native objects hold it: canonical JSON, `{ unreadable }` or null. */
export function namedPolicy(name: string, json: Json): NamedPolicy {
  const parsed = parsePolicyJson(json);
  return { name, document: parsed.kind === 'document' ? parsed.document : null };
}

/** `policy`: its Allow and its Deny count. `deny`: only its Deny does. `boundary`: the ceiling. */
export type Part = 'policy' | 'deny' | 'boundary';

export interface Statement {
  readonly name: string;
  readonly part: Part;
  readonly effect: 'Allow' | 'Deny';
  readonly action: { readonly kind: Matched['kind']; readonly patterns: readonly Pattern[] };
  readonly resource: { readonly kind: Matched['kind']; readonly patterns: readonly ResourcePattern[] };
  readonly isConditional: boolean;
}

export interface Statements {
  readonly statements: readonly Statement[];
  /** Names of documents of each part that say nothing because nobody could read them. */
  readonly unread: Readonly<Record<Part, readonly string[]>>;
}

export function statementsOf(policies: readonly (NamedPolicy & { readonly part: Part })[]): Statements {
  const unread: Record<Part, string[]> = { policy: [], deny: [], boundary: [] };
  const statements: Statement[] = [];
  for (const { name, part, document } of policies) {
    const own = document === null ? undefined : identityStatements(document);
    if (own === undefined || document === null) unread[part].push(name);
    else for (const statement of own) statements.push(prepared(name, part, statement, document.version));
  }
  return { statements, unread };
}

type IdentityStatement = PolicyStatement & { readonly resource: Matched };

/** undefined: a document with principals, or without resources, is no policy of a principal, and what it does there is not known. */
function identityStatements({ statements }: PolicyDocument): readonly IdentityStatement[] | undefined {
  const found: IdentityStatement[] = [];
  for (const statement of statements) {
    const { resource, principal } = statement;
    if (resource === undefined || principal !== undefined) return undefined;
    found.push({ ...statement, resource });
  }
  return found;
}

function prepared(
  name: string,
  part: Part,
  { effect, action, resource, conditions }: IdentityStatement,
  version: PolicyVersion,
): Statement {
  return {
    name,
    part,
    effect,
    action: { kind: action.kind, patterns: action.patterns.map(actionPattern) },
    resource: { kind: resource.kind, patterns: resource.patterns.map((text) => resourcePattern(text, version)) },
    isConditional: conditions.length > 0,
  };
}

/** The resources of a statement as units of two classes: where it surely applies, and where it may. */
export function resourceUnits({ resource, isConditional }: Statement, sure: number, maybe: number): readonly Unit[] {
  const { kind, patterns } = resource;
  const known = patterns.filter(({ isOpen }) => !isOpen);
  if (kind === 'these') {
    if (isConditional) return [{ of: maybe, kind, patterns }];
    return [
      ...(known.length === 0 ? [] : [{ of: sure, kind, patterns: known }]),
      ...(known.length === patterns.length ? [] : [{ of: maybe, kind, patterns }]),
    ];
  }
  // Surely not excepted: by none, whatever the variables hold. Perhaps not excepted: by none without variables.
  return [
    ...(isConditional ? [] : [{ of: sure, kind, patterns }]),
    ...(isConditional || known.length < patterns.length ? [{ of: maybe, kind, patterns: known }] : []),
  ];
}
