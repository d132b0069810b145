/**
 * One form for all documents that mean the same, so that they can be compared and named by a digest.
 *
 * What does not matter: order, one text or a list of one, the case of actions and condition keys, Sid and Id, statements
 * that stand twice, and how actions, resources and principals are spread over statements with equal rest. A statement
 * means the same as one statement for each of its actions, resources and principals; these are put together again in one
 * fixed way. It is not the effect: that `s3:*` makes `s3:GetObject` superfluous is said in effective permissions.
 */
import { canonicalJson, digestOf } from '../digest.js';
import type { Digest } from '../digest.js';
import { byCodeUnit } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { PolicyCondition, PolicyDocument, PolicyStatement } from './document.js';
import { asciiLower } from './words.js';

/** Beyond this many combinations a statement stays as it is written, sorted: AWS's own documents have some thousands. */
const combinationsMax = 20_000;

/** The canonical document as JSON in IAM's own words, lists everywhere: it means what the document means. */
export function canonicalPolicy(document: PolicyDocument): JsonObject {
  let statements: readonly JsonObject[] = document.statements.flatMap(partsOf);
  for (const element of ['Action', 'Resource', 'Principal']) statements = joined(statements, element);
  return {
    // only variables read differently in the two versions
    Version: mentionsVariables(document) ? document.version : '2012-10-17',
    Statement: inOrder(statements),
  };
}

export function policyDigest(document: PolicyDocument): Digest {
  return digestOf(canonicalPolicy(document));
}

export function samePolicy(left: PolicyDocument, right: PolicyDocument): boolean {
  return canonicalJson(canonicalPolicy(left)) === canonicalJson(canonicalPolicy(right));
}

/** One statement for each action, resource and principal; what is excepted (`Not…`) is one thing and stays together. */
function partsOf(statement: PolicyStatement): readonly JsonObject[] {
  const { effect, action, resource, principal } = statement;
  const conditions = conditionsOf(statement.conditions);
  const rest: JsonObject = { Effect: effect, ...(conditions === undefined ? {} : { Condition: conditions }) };
  const choices = [
    choicesOf('Action', action.kind, action.patterns),
    ...(resource === undefined ? [] : [choicesOf('Resource', resource.kind, resource.patterns)]),
    ...(principal === undefined ? [] : [choicesOf('Principal', principal.kind, principal.principals)]),
  ];
  const combinations = choices.reduce((count, each) => count * each.length, 1);
  if (combinations > combinationsMax) return [Object.assign({}, rest, ...choices.map(together)) as JsonObject];
  return choices.reduce<readonly JsonObject[]>(
    (parts, each) => parts.flatMap((part) => each.map((choice) => ({ ...part, ...choice }))),
    [rest],
  );
}

function choicesOf(element: string, kind: 'these' | 'but', values: readonly string[]): readonly JsonObject[] {
  const list = sorted(values);
  return kind === 'but' ? [{ [`Not${element}`]: list }] : list.map((value) => ({ [element]: [value] }));
}

function together(choices: readonly JsonObject[]): JsonObject {
  const [first = {}] = choices;
  const [element = ''] = Object.keys(first);
  return { [element]: sorted(choices.flatMap((choice) => choice[element] as readonly string[])) };
}

/** Statements that differ in one element alone become one. */
function joined(statements: readonly JsonObject[], element: string): readonly JsonObject[] {
  const groups = new Map<string, { readonly rest: JsonObject; readonly values: string[] }>();
  const others: JsonObject[] = [];
  for (const statement of statements) {
    const { [element]: values, ...rest } = statement;
    if (values === undefined) {
      others.push(statement);
      continue;
    }
    const key = canonicalJson(rest);
    const group = groups.get(key) ?? { rest, values: [] };
    groups.set(key, group);
    for (const value of values as readonly string[]) group.values.push(value);
  }
  return [...others, ...[...groups.values()].map(({ rest, values }) => ({ ...rest, [element]: sorted(values) }))];
}

function inOrder(statements: readonly JsonObject[]): readonly JsonObject[] {
  const byText = new Map(statements.map((statement) => [canonicalJson(statement), statement]));
  return sorted(byText.keys()).map((text) => byText.get(text) ?? {});
}

function conditionsOf(conditions: readonly PolicyCondition[]): JsonObject | undefined {
  if (conditions.length === 0) return undefined;
  const operators: Record<string, Record<string, Json>> = {};
  for (const { operator, key, values } of conditions) {
    const keys = (operators[operator] ??= {});
    keys[key] = sorted(readsBooleans(operator) ? values.map(asciiLower) : values);
  }
  return operators;
}

/** Bool and Null compare `true` and `false` regardless of case. */
function readsBooleans(operator: string): boolean {
  const name = operator.slice(operator.indexOf(':') + 1);
  return name === 'Bool' || name === 'BoolIfExists' || name === 'Null';
}

function mentionsVariables({ statements }: PolicyDocument): boolean {
  return statements.some(({ resource, conditions }) =>
    [...(resource?.patterns ?? []), ...conditions.flatMap(({ values }) => values)].some((text) => text.includes('${')),
  );
}

function sorted(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].sort(byCodeUnit);
}
