/**
 * Parses an IAM policy document: identity policies, permission boundaries and trust policies alike. What the grammar does
 * not know is a fault and never skipped: an element that is not understood may be the one that matters.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import { isJsonObject } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type {
  Matched,
  MatchedPrincipals,
  PolicyCondition,
  PolicyDocument,
  PolicyStatement,
  PolicyVersion,
} from './document.js';
import { readJsonText } from './json-text.js';
import { asciiLower, foldWildcards, principalText } from './words.js';

export type ParsedPolicy =
  | { readonly kind: 'document'; readonly document: PolicyDocument }
  /** In words that hold no value of the document. */
  | { readonly kind: 'fault'; readonly reason: string };

class PolicyFault extends Error {}

function refuse(reason: string): never {
  throw new PolicyFault(reason);
}

/** `text`: JSON, or JSON that is percent-encoded as in IAM's answers. Never throws. */
export function parsePolicy(text: string): ParsedPolicy {
  const read = readJsonText(text);
  return read.kind === 'fault' ? read : parsePolicyJson(read.json);
}

/** The same for a document that is parsed JSON already. */
export function parsePolicyJson(json: Json): ParsedPolicy {
  try {
    return { kind: 'document', document: documentIn(json) };
  } catch (error) {
    if (error instanceof PolicyFault) return { kind: 'fault', reason: error.message };
    throw error;
  }
}

function documentIn(json: Json): PolicyDocument {
  if (!isJsonObject(json)) return refuse('a policy document is an object');
  known(json, ['Version', 'Id', 'Statement'], 'the document');
  const written = json['Statement'];
  if (written === undefined) return refuse('Statement is missing');
  const statements = isList(written) ? written : [written];
  return { version: versionIn(json['Version']), statements: statements.map(statementIn) };
}

function versionIn(version: Json | undefined): PolicyVersion {
  if (version === undefined) return '2008-10-17';
  return version === '2008-10-17' || version === '2012-10-17' ? version : refuse('Version is none that IAM knows');
}

const elements = [
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Principal',
  'NotPrincipal',
  'Condition',
];

function statementIn(json: Json): PolicyStatement {
  if (!isJsonObject(json)) return refuse('a statement is an object');
  known(json, elements, 'a statement');
  const { Sid: sid, Effect: effect } = json;
  if (sid !== undefined && typeof sid !== 'string') return refuse('Sid is a text');
  if (effect !== 'Allow' && effect !== 'Deny') return refuse('Effect is Allow or Deny');
  const action = matchedIn(json, 'Action', actionWord);
  if (action === undefined) return refuse('a statement has neither Action nor NotAction');
  const resource = matchedIn(json, 'Resource', foldWildcards);
  const principal = principalsIn(json);
  if (resource === undefined && principal === undefined)
    return refuse('a statement has neither Resource nor Principal');
  return {
    ...(sid === undefined ? {} : { sid }),
    effect,
    action,
    ...(resource === undefined ? {} : { resource }),
    ...(principal === undefined ? {} : { principal }),
    conditions: conditionsIn(json['Condition']),
  };
}

function actionWord(text: string): string {
  const word = foldWildcards(asciiLower(text));
  if (word === '*' || word === '*:*') return '*';
  const colon = word.indexOf(':');
  if (colon <= 0 || colon === word.length - 1) return refuse('an action is * or has the form service:name');
  return word;
}

function matchedIn(
  statement: JsonObject,
  element: 'Action' | 'Resource',
  wordOf: (text: string) => string,
): Matched | undefined {
  const [these, but] = [statement[element], statement[`Not${element}`]];
  if (these !== undefined && but !== undefined) return refuse(`a statement has both ${element} and Not${element}`);
  const written = these ?? but;
  if (written === undefined) return undefined;
  return { kind: these === undefined ? 'but' : 'these', patterns: texts(written, element).map(wordOf) };
}

function principalsIn(statement: JsonObject): MatchedPrincipals | undefined {
  const { Principal: these, NotPrincipal: but } = statement;
  if (these !== undefined && but !== undefined) return refuse('a statement has both Principal and NotPrincipal');
  const written = these ?? but;
  if (written === undefined) return undefined;
  const kind = these === undefined ? 'but' : 'these';
  if (written === '*') return { kind, principals: ['*'] };
  if (!isJsonObject(written)) return refuse('Principal is * or an object');
  known(written, ['AWS', 'Federated', 'Service', 'CanonicalUser'], 'Principal');
  const principals = Object.entries(written).flatMap(([of, value]) =>
    texts(value, 'Principal').map((each) => principalText(of, each)),
  );
  return principals.length === 0 ? refuse('Principal names nobody') : { kind, principals };
}

function conditionsIn(json: Json | undefined): readonly PolicyCondition[] {
  if (json === undefined) return [];
  if (!isJsonObject(json)) return refuse('Condition is an object');
  const conditions: PolicyCondition[] = [];
  const seen = new Set<string>();
  for (const [operator, keys] of Object.entries(json)) {
    if (!isJsonObject(keys)) return refuse('an operator of Condition holds an object');
    for (const [written, values] of Object.entries(keys)) {
      const key = asciiLower(written);
      const name = `${operator} ${key}`;
      if (seen.has(name)) return refuse('a condition key is given twice under one operator');
      seen.add(name);
      conditions.push({ operator, key, values: conditionValues(values) });
    }
  }
  return conditions;
}

/** Booleans and numbers mean what their text means. */
function conditionValues(json: Json): readonly string[] {
  return (isList(json) ? json : [json]).map((value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'boolean' || typeof value === 'number') return String(value);
    return refuse('a value of Condition is a text, a number or a boolean');
  });
}

function texts(json: Json, element: string): readonly string[] {
  const list = isList(json) ? json : [json];
  if (list.length === 0) return refuse(`${element} is an empty list`);
  return list.map((each) => (typeof each === 'string' && each !== '' ? each : refuse(`${element} holds texts only`)));
}

function known(json: JsonObject, names: readonly string[], where: string): void {
  if (Object.keys(json).some((name) => !names.includes(name))) {
    refuse(`${where} has an element that IAM's grammar does not know`);
  }
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
