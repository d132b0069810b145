/** Reads JSON that must be canonical (RFC 8785): one value, one text, so that what is signed cannot be read in two ways. */
import { canonicalJson } from '../../core/digest.js';
import type { Json } from '../../core/json.js';

/** JSON.parse takes depth 10,000 and canonicalize overflows long before; nothing of ours is deeper than 10. */
export const depthMax = 64;

/** Brackets outside texts, counted before anything parses them. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text[at];
    if (inText) {
      if (unit === '\\') at += 1;
      else if (unit === '"') inText = false;
    } else if (unit === '"') inText = true;
    else if (unit === '{' || unit === '[') {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (unit === '}' || unit === ']') depth -= 1;
  }
  return false;
}

/** Undefined for text that is not JSON, too deep or not canonical: repeated names, spaces, numbers written otherwise. */
export function parseCanonical(text: string): Json | undefined {
  if (isTooDeep(text)) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
