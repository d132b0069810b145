/** The JSON of a policy document. AWS refuses a member that is given twice; JSON.parse would keep the last without a word. */
import type { Json } from '../json.js';

/** Characters. The longest document that AWS itself publishes has about 60,000; a customer's has at most 10,240. */
export const policyTextMax = 262_144;
const depthMax = 16;

export type JsonText =
  { readonly kind: 'json'; readonly json: Json } | { readonly kind: 'fault'; readonly reason: string };

const fault = (reason: string): JsonText => ({ kind: 'fault', reason });

/** Plain JSON, or as IAM's answers hold it: percent-encoded (RFC 3986). A reason holds nothing of the text. */
export function readJsonText(text: string): JsonText {
  if (text.length > policyTextMax) return fault('the document is longer than any that IAM holds');
  let plain = text.trim();
  if (plain.startsWith('%')) {
    try {
      plain = decodeURIComponent(plain);
    } catch {
      return fault('the document is not percent-encoded as RFC 3986 says');
    }
  }
  const written = membersWritten(plain);
  if (written === undefined) return fault('the document is nested deeper than IAM allows');
  let json: Json;
  try {
    json = JSON.parse(plain) as Json;
  } catch {
    return fault('the document is not JSON');
  }
  return membersHeld(json) === written ? { kind: 'json', json } : fault('an element is given twice');
}

/** Colons outside of texts: in what is JSON, one for each member. undefined: too deep. */
function membersWritten(text: string): number | undefined {
  let members = 0;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (inText) {
      if (character === '\\') at += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === ':') members += 1;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > depthMax) return undefined;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return members;
}

function membersHeld(json: Json): number {
  if (typeof json !== 'object' || json === null) return 0;
  const inner: readonly Json[] = Object.values(json);
  let members = Array.isArray(json) ? 0 : inner.length;
  for (const each of inner) members += membersHeld(each);
  return members;
}
