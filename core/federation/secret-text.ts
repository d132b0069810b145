/** Values that look like secrets: refused wherever they stand, before anything is committed to a repository. */
import { faultAt, type FaultPath, type PathFault } from './fault.js';

const shapes: readonly { readonly what: string; readonly shape: RegExp }[] = [
  { what: 'a private key', shape: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { what: 'an AWS access key id', shape: /\b(AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: 'a user name with a password in a URL', shape: /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i },
];

/** HAZARD: the message names the kind of secret only, never the value. */
export function secretFaults(file: string, value: unknown, path: FaultPath = []): readonly PathFault[] {
  if (typeof value === 'string') {
    const found = shapes.find(({ shape }) => shape.test(value));
    if (!found) return [];
    return [
      faultAt(
        file,
        path,
        `holds what looks like ${found.what}, and no secret belongs into a federation file: take it out, renew it, and give it to the worker of this authority through its environment`,
      ),
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item, at) => secretFaults(file, item, [...path, at]));
  return Object.entries(value).flatMap(([name, item]) => secretFaults(file, item, [...path, name]));
}
