/**
 * Patterns of actions and resources, taken apart into what each place of them accepts. Two wildcards: `*` for any number
 * of characters, `?` for one. No regular expression, because every peer computes the same and in bounded time.
 */
import type { PolicyVersion } from '../iam-policy/document.js';

/** A Unicode code point that must stand here, or one of the wildcards below. */
export type Place = number;
export const anyOne = -1;
export const anyMany = -2;
/** The same within one segment of an ARN: no colon. */
export const oneInSegment = -3;
export const manyInSegment = -4;

export const colon = 58;
const star = 42;
const question = 63;

export interface Pattern {
  readonly places: readonly Place[];
}

export interface ResourcePattern extends Pattern {
  /** A policy variable stands in it: what it accepts is at most this, and nobody knows what in it. */
  readonly isOpen: boolean;
}

export function actionPattern(text: string): Pattern {
  return { places: codesOf(text).map((code) => (code === star ? anyMany : code === question ? anyOne : code)) };
}

/**
 * IAM completes an ARN of fewer than six segments with wildcards: `arn:aws:sqs` is `arn:aws:sqs:*:*:*`.
 *
 * In the first five segments of an ARN a wildcard stays within its segment, but for a `*` at the end of one, which goes on
 * beyond the colon. In the last segment, and in what is no ARN, wildcards accept everything.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function resourcePattern(text: string, version: PolicyVersion): ResourcePattern {
  const isArn = text.startsWith('arn:');
  const codes = codesOf(isArn ? completed(text) : text);
  const places: Place[] = [];
  let colons = 0;
  let isOpen = false;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    const variable = version === '2012-10-17' ? variableAt(codes, at) : undefined;
    if (variable !== undefined) {
      at = variable.end;
      if (variable.stands === undefined) isOpen = true;
      places.push(variable.stands ?? anyMany);
      continue;
    }
    const inSegment = isArn && colons < 5;
    if (code === colon) colons += 1;
    if (code === question) places.push(inSegment ? oneInSegment : anyOne);
    else if (code === star) {
      const next = codes[at + 1];
      places.push(inSegment && next !== undefined && next !== colon ? manyInSegment : anyMany);
    } else places.push(code);
  }
  return { places, isOpen };
}

function completed(text: string): string {
  let missing = 5;
  for (let at = 0; at < text.length && missing > 0; at += 1) if (text.charAt(at) === ':') missing -= 1;
  return text + ':*'.repeat(missing);
}

interface Variable {
  /** Index of its last character. */
  readonly end: number;
  /** `${*}`, `${?}` and `${$}` stand for the character itself. */
  readonly stands?: number;
}

function variableAt(codes: readonly number[], at: number): Variable | undefined {
  if (codes[at] !== 36 || codes[at + 1] !== 123) return undefined;
  const end = codes.indexOf(125, at);
  if (end === -1) return undefined;
  const inner = codes[at + 2];
  const isCharacter = end === at + 3 && (inner === star || inner === question || inner === 36);
  return isCharacter && inner !== undefined ? { end, stands: inner } : { end };
}

function codesOf(text: string): readonly number[] {
  const codes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0;
    codes.push(code);
    if (code > 0xffff) at += 1;
  }
  return codes;
}
