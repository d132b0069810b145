/** What a schema refuses, in words a person can act on, with the path of each fault. */
import { z } from 'zod';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { namesAt, type JsonSchema } from './schema-names.js';
import { nearest, suggestion } from './nearest.js';

type Issue = z.core.$ZodIssue;

/** HAZARD: no message may quote the value: it could be a secret that somebody put into the wrong place. */
export function schemaFaults(file: string, schema: z.ZodType, value: unknown): readonly PathFault[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  const names = (path: FaultPath): readonly string[] =>
    namesAt(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, path, value);
  const faults = parsed.error.issues.flatMap((issue) => faultsOf(file, issue, [], value, names));
  return withoutEchoes(faults, value);
}

function faultsOf(
  file: string,
  issue: Issue,
  prefix: FaultPath,
  root: unknown,
  names: (path: FaultPath) => readonly string[],
): readonly PathFault[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  const value = valueAt(root, path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => faultAt(file, [...path, key], unknownName(key, path, names(path)), 'key'));
  if (issue.code === 'invalid_key')
    return [
      faultAt(file, path, issue.issues[0] ? words(issue.issues[0], '') : 'is not a name that is allowed here', 'key'),
    ];
  if (value === undefined && path.length > 0) return [faultAt(file, path, `is missing: ${words(issue, value)}`)];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = likeliest(issue.errors, value);
    if (branch) return branch.flatMap((inner) => faultsOf(file, inner, path, root, names));
    const known = names(path);
    return [
      faultAt(
        file,
        path,
        known.length > 0 ? `must have one of: ${known.join(', ')}` : 'has a shape that is not allowed here',
      ),
    ];
  }
  return [faultAt(file, path, words(issue, value))];
}

/** The alternative that the writer meant: the one that knows a property that is there, then the one with fewest faults. */
function likeliest(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const keys = isObject(value) ? Object.keys(value) : [];
  const scored = branches
    .map((issues) => {
      const unknown = issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
      );
      return { issues, known: keys.length - unknown.length };
    })
    .filter(
      (branch) =>
        branch.known > 0 && branch.issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'),
    );
  scored.sort((left, right) => right.known - left.known || left.issues.length - right.issues.length);
  return scored[0]?.issues;
}

/** A mistyped name is one fault: not also a missing property of the right name. */
function withoutEchoes(faults: readonly PathFault[], root: unknown): readonly PathFault[] {
  return faults.filter((fault) => {
    const name = fault.path.at(-1);
    if (!fault.message.startsWith('is missing') || typeof name !== 'string') return true;
    const parent = fault.path.slice(0, -1);
    const siblings = valueAt(root, parent);
    const mistyped = faults.filter(
      (other) =>
        other.on === 'key' &&
        other.path.length === fault.path.length &&
        parent.every((step, at) => other.path[at] === step),
    );
    return !(isObject(siblings) && mistyped.some((other) => nearest(String(other.path.at(-1)), [name]) === name));
  });
}

const secretName = /secret|passw|token|credential|(api|access|private|signing)[-_]?key/i;

function unknownName(name: string, path: FaultPath, known: readonly string[]): string {
  if (name === 'd' && path.at(-1) === 'key')
    return 'is the private part of a key: take it out of this file and generate a new key; only kty, crv and x belong here';
  if (secretName.test(name) && nearest(name, known) === undefined)
    return 'looks like a secret, and no secret belongs into a federation file: take it out, renew it, and give it to the worker of this authority through its environment';
  return `is not a known field; ${suggestion(name, known)}`;
}

function words(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? `needs ${kindWords(issue.expected)}`
        : `must be ${kindWords(issue.expected)}, not ${actualWords(value)}`;
    case 'invalid_value': {
      const options = issue.values.map(String);
      const near = typeof value === 'string' ? nearest(value, options) : undefined;
      return `must be ${options.length === 1 ? '' : 'one of '}${options.join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
    }
    case 'invalid_format':
      return formatWords(issue);
    case 'too_small':
      return issue.origin === 'array'
        ? `needs at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}`
        : issue.origin === 'string'
          ? 'must not be empty'
          : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must not be longer than ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    case 'invalid_union': {
      const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
      if (options.length === 0) return 'has a shape that is not allowed here';
      const near = typeof value === 'string' ? nearest(value, options) : undefined;
      return `must be one of ${options.join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
    }
    case 'custom':
      return issue.message;
    default:
      return issue.message.toLowerCase();
  }
}

function formatWords(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  if (!issue.message.startsWith('Invalid')) return issue.message;
  if (issue.format === 'url') return 'must be a URL such as https://identity.example/v3';
  if (issue.format === 'datetime') return 'must be a date and time with its offset, such as 2026-12-24T00:00:00+01:00';
  return 'pattern' in issue && typeof issue.pattern === 'string'
    ? `must match ${issue.pattern}`
    : `must be a valid ${issue.format}`;
}

function kindWords(expected: string): string {
  const known: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a group of fields',
    record: 'a group of fields',
  };
  return known[expected] ?? expected;
}

function actualWords(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return kindWords(typeof value);
}

function valueAt(root: unknown, path: FaultPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
