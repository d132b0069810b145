/** One YAML file: its value, the faults of its syntax, and where each path of it stands. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Node, type Pair } from 'yaml';
import type { FaultPath } from '../../core/federation/fault.js';
import type { Fault } from './fault.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlFile {
  readonly file: string;
  /** Undefined where the syntax has faults. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Of the deepest part of the path that the file has: a missing field is shown at the group that lacks it. */
  positionOf(path: FaultPath, on: 'key' | 'value'): Position;
}

const faultsMax = 50;

/**
 * YAML 1.2 core schema without anchors, aliases and tags: signed terms are written out, so that a reviewer reads what
 * the machine reads, and no alias can blow a small file up.
 */
export function parseYamlFile(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const fault = (offset: number, message: string): Fault => ({
    file,
    ...at(offset),
    field: '',
    message,
    code: 'invalidFederation',
  });
  const faults = [...document.errors, ...document.warnings].map((error) => fault(error.pos[0], syntaxWords(error)));
  if (faults.length === 0) {
    visit(document, {
      Alias: (_, node) => void faults.push(fault(startOf(node), 'aliases are not read; write the value out')),
      Node: (_, node) => {
        if (!isAlias(node) && node.anchor !== undefined)
          faults.push(fault(startOf(node), 'anchors are not read; write the value out where it is needed'));
      },
      Pair: (_, pair) => {
        if (isScalar(pair.key) && pair.key.value === '__proto__')
          faults.push(fault(startOf(pair.key), '__proto__ is no name for a field'));
      },
    });
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
      faults.push(fault(0, 'the file is empty'));
  }
  return {
    file,
    value: faults.length === 0 ? document.toJS() : undefined,
    faults: faults.slice(0, faultsMax),
    positionOf: (path, on) => at(offsetOf(document.contents as Node | null, path, on)),
  };
}

function syntaxWords(error: { readonly code: string; readonly message: string }): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'the name is given twice in one group; only one can hold';
    case 'MULTIPLE_DOCS':
      return 'holds more than one document; keep one per file';
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!…) are not read; write a plain value';
    default:
      return `broken YAML: ${error.message.split('\n')[0] ?? ''}`;
  }
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

function offsetOf(root: Node | null, path: FaultPath, on: 'key' | 'value'): number {
  let node: unknown = root;
  let offset = startOf(root);
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1;
    if (isSeq(node) && typeof step === 'number') {
      if (step >= node.items.length) return offset;
      node = node.items[step];
      offset = startOf(node);
    } else if (isMap(node)) {
      const pair = (node.items as Pair[]).find((item) => isScalar(item.key) && item.key.value === String(step));
      if (!pair) return offset;
      const empty = pair.value === null || (isScalar(pair.value) && pair.value.source === '');
      // A group that lacks something is shown at its name: that is where people look for it.
      offset = startOf(last && on === 'value' && !empty ? pair.value : pair.key);
      node = pair.value;
    } else {
      return offset;
    }
  }
  return offset;
}
