/** How a native object stands on a line of a page: what it is known by comes first, so that no other object begins alike. */
import type { NativeObject } from '../core/record.js';

/** Then the id, as JSON. */
export const lineBegin = (type: string): string => `{"type":${JSON.stringify(type)},"id":`;
/** Then the body. */
export const bodyBegin = ',"body":';
/** Between two lines. */
export const lineBreak = ',\n';

export function lineHead(type: string, id: string): string {
  return `${lineBegin(type)}${JSON.stringify(id)}${bodyBegin}`;
}

export function lineOf({ type, id, body, opaque }: NativeObject): string {
  const rest = opaque === undefined ? '' : `,"opaque":${JSON.stringify(opaque)}`;
  return `${lineHead(type, id)}${JSON.stringify(body)}${rest}}`;
}
