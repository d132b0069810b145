/** The arguments of one query-protocol call, checked as IAM checks them, and the problems it answers with. */
import type { Xml } from './xml.js';

/** An answer of IAM that is an error. */
export class IamProblem extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const noSuchEntity = (what: string, name: string): IamProblem =>
  new IamProblem('NoSuchEntity', 404, `The ${what} with name ${name} cannot be found.`);
export const alreadyExists = (what: string, name: string): IamProblem =>
  new IamProblem('EntityAlreadyExists', 409, `${what} with name ${name} already exists.`);
export const deleteConflict = (what: string): IamProblem =>
  new IamProblem('DeleteConflict', 409, `Cannot delete entity, must ${what} first.`);
export const invalid = (message: string): IamProblem => new IamProblem('ValidationError', 400, message);

const namePattern = /^[\w+=,.@-]+$/;
const pathPattern = /^(\/|\/[\u0021-\u007e]+\/)$/;
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html: letters of any script, but no apostrophe and no &.
const tagPattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

export interface Page<T> {
  readonly items: readonly T[];
  readonly result: { readonly IsTruncated: boolean; readonly Marker: Xml };
}

export class Input {
  private readonly parameters: URLSearchParams;

  constructor(body: string) {
    this.parameters = new URLSearchParams(body);
  }

  optional(name: string): string | undefined {
    return this.parameters.get(name) ?? undefined;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined || value === '') {
      const member = name.charAt(0).toLowerCase() + name.slice(1);
      throw invalid(
        `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
      );
    }
    return value;
  }

  /** A user or group name, checked for characters and length. */
  name(parameter: string, maximum: number): string {
    const name = this.required(parameter);
    if (!namePattern.test(name)) {
      const member = parameter.charAt(0).toLowerCase() + parameter.slice(1);
      throw invalid(
        `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
      );
    }
    if (name.length > maximum)
      throw invalid(
        `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: Member must have length less than or equal to ${maximum}`,
      );
    return name;
  }

  path(parameter: string): string | undefined {
    const path = this.optional(parameter);
    if (path !== undefined && (!pathPattern.test(path) || path.length > 512))
      throw invalid(
        'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
      );
    return path;
  }

  /** AWS says more of what is wrong with a document; this says enough. */
  policyDocument(parameter: string): string {
    const text = this.required(parameter);
    try {
      const document = JSON.parse(text) as { Statement?: unknown } | null;
      if (typeof document === 'object' && document !== null && document.Statement !== undefined) return text;
    } catch {
      // said below
    }
    throw new IamProblem('MalformedPolicyDocument', 400, 'Syntax errors in policy.');
  }

  list(name: string): readonly string[] {
    const values: string[] = [];
    for (let index = 1; ; index += 1) {
      const value = this.optional(`${name}.member.${index}`);
      if (value === undefined) return values;
      values.push(value);
    }
  }

  tags(): { key: string; value: string }[] {
    const tags: { key: string; value: string }[] = [];
    for (let index = 1; ; index += 1) {
      const key = this.optional(`Tags.member.${index}.Key`);
      if (key === undefined) break;
      const value = this.optional(`Tags.member.${index}.Value`) ?? '';
      if (key === '' || key.length > 128 || !tagPattern.test(key) || key.toLowerCase().startsWith('aws:'))
        throw invalid(
          `1 validation error detected: Value at 'tags.${index}.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+`,
        );
      if (value.length > 256 || !tagPattern.test(value))
        throw invalid(
          `1 validation error detected: Value at 'tags.${index}.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*`,
        );
      tags.push({ key, value });
    }
    if (new Set(tags.map(({ key }) => key.toLowerCase())).size < tags.length)
      throw new IamProblem(
        'InvalidInput',
        400,
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      );
    return tags;
  }

  /** One page of a list that stands in the order of `keyOf`; the marker names the last key shown, so it outlives changes. */
  page<T>(items: readonly T[], keyOf: (item: T) => string): Page<T> {
    const size = Number(this.optional('MaxItems') ?? 100);
    if (!Number.isInteger(size) || size < 1 || size > 1000)
      throw invalid(
        `1 validation error detected: Value '${size}' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000`,
      );
    const marker = this.optional('Marker');
    let from = 0;
    if (marker !== undefined) {
      const last = /^m1:(.*)$/s.exec(Buffer.from(marker, 'base64url').toString('utf8'))?.[1];
      if (last === undefined) throw invalid('Invalid Marker.');
      from = items.findIndex((item) => keyOf(item) > last);
      if (from < 0) from = items.length;
    }
    const shown = items.slice(from, from + size);
    const last = shown.at(-1);
    const more = from + size < items.length && last !== undefined;
    return {
      items: shown,
      result: {
        IsTruncated: more,
        Marker: more ? Buffer.from(`m1:${keyOf(last)}`, 'utf8').toString('base64url') : undefined,
      },
    };
  }
}
