/** The fault of a file that names a type which the taxonomy does not have. */
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { isBroken, typeNames, type FederationParts } from './parts.js';

/** None where the type's own file is broken: that fault is reported there. */
export function unknownType(
  parts: FederationParts,
  file: string,
  path: FaultPath,
  type: string,
  on: 'key' | 'value' = 'key',
): PathFault[] {
  if (isBroken(parts, 'taxonomy', type)) return [];
  return [faultAt(file, path, `no type "${type}" in taxonomy/; ${suggestion(type, typeNames(parts))}`, on)];
}
