/** A fault in a federation file, before anyone knows on which line it stands: the file and the path inside it. */
import type { ErrorCode } from '../errors.js';

export type FaultPath = readonly (string | number)[];

export interface PathFault {
  /** Relative to the folder, with forward slashes: `authorities/aws.yaml`. */
  readonly file: string;
  readonly path: FaultPath;
  /** Whether the fault is shown at the name of the last property, or at its value. */
  readonly on: 'key' | 'value';
  /** Says what is wrong and what would be right; holds no value of a secret. */
  readonly message: string;
  readonly code: ErrorCode;
}

/** The words for a path: `correlation.person[0].match[1]`. */
export function fieldName(path: FaultPath): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}

export function faultAt(file: string, path: FaultPath, message: string, on: 'key' | 'value' = 'value'): PathFault {
  return { file, path, on, message, code: 'invalidFederation' };
}
