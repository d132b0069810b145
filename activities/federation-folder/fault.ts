/** A fault in a federation file as people get it: with the line and column where it stands. */
import { fieldName, type PathFault } from '../../core/federation/fault.js';
import type { ErrorCode } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { YamlFile } from './yaml-file.js';

export interface Fault {
  /** Relative to the folder, with forward slashes. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `members[1].id`; empty where the fault is of the whole file. */
  readonly field: string;
  readonly message: string;
  /** `invalidFederation`, or `notSigned` for a manifest. */
  readonly code: ErrorCode;
}

export function located(fault: PathFault, yamlFile: YamlFile | undefined): Fault {
  const position = yamlFile?.positionOf(fault.path, fault.on) ?? { line: 1, column: 1 };
  const { file, message, code } = fault;
  return { file, line: position.line, column: position.column, field: fieldName(fault.path), message, code };
}

export function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return [...faults].sort(
    (left, right) =>
      byCodeUnit(left.file, right.file) ||
      left.line - right.line ||
      left.column - right.column ||
      byCodeUnit(left.message, right.message),
  );
}

/** `authorities/aws.yaml:12:5 surface.person[2]: is not mapped …`, as editors and terminals recognise it. */
export function faultLine(fault: Fault): string {
  const field = fault.field === '' ? '' : `${fault.field}: `;
  return `${fault.file}:${fault.line}:${fault.column} ${field}${fault.message}`;
}
