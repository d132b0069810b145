/** What one source file says about itself: whom it imports, and the few constructs that this project does without. */
import { parseSync, Visitor } from 'oxc-parser';

export interface Import {
  /** As written: `./plan.js`, `zod`, `node:fs`. */
  readonly specifier: string;
  /**
   * True where the import leaves no trace in the built file. `import { type A }` is a real import: under
   * verbatimModuleSyntax it becomes `import {}`, which still loads the module.
   */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface Construct {
  readonly kind: 'defaultExport' | 'enum' | 'clock' | 'randomness' | 'unreadableImport';
  /** As written, shortened. */
  readonly text: string;
  readonly line: number;
}

export interface SourceFile {
  /** From the top of the repository, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly constructs: readonly Construct[];
}

/** Calls that give another answer at another time, or to another machine. */
const clocks = new Set(['Date.now', 'performance.now', 'process.hrtime', 'process.hrtime.bigint', 'process.uptime']);
const randomness = new Set(['Math.random', 'crypto.randomUUID', 'crypto.getRandomValues', 'randomUUID', 'randomBytes']);

/** Throws where `text` does not parse: a file that cannot be read must not pass. */
export function readSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new SyntaxError(`${path} does not parse: ${errors[0]?.message ?? ''}`);
  const imports: Import[] = [];
  const constructs: Construct[] = [];

  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  const addImport = (specifier: string, typeOnly: boolean, start: number): void => {
    imports.push({ specifier, typeOnly, line: lineOf(start) });
  };
  const addConstruct = (kind: Construct['kind'], node: { readonly start: number; readonly end: number }): void => {
    constructs.push({ kind, text: text.slice(node.start, node.end).split('\n')[0] ?? '', line: lineOf(node.start) });
  };

  new Visitor({
    ImportDeclaration: (node) => addImport(node.source.value, node.importKind === 'type', node.start),
    ExportAllDeclaration: (node) => addImport(node.source.value, node.exportKind === 'type', node.start),
    ExportNamedDeclaration: (node) => {
      if (node.source) addImport(node.source.value, node.exportKind === 'type', node.start);
    },
    ImportExpression: (node) => {
      if (node.source.type === 'Literal' && typeof node.source.value === 'string')
        addImport(node.source.value, false, node.start);
      else addConstruct('unreadableImport', node);
    },
    TSImportType: (node) => addImport(node.source.value, true, node.start),
    TSImportEqualsDeclaration: (node) => {
      if (node.moduleReference.type === 'TSExternalModuleReference')
        addImport(node.moduleReference.expression.value, node.importKind === 'type', node.start);
    },
    ExportDefaultDeclaration: (node) => addConstruct('defaultExport', node),
    TSEnumDeclaration: (node) => addConstruct('enum', node),
    CallExpression: (node) => {
      const callee = text.slice(node.callee.start, node.callee.end).replace(/^globalThis\./, '');
      if (clocks.has(callee)) addConstruct('clock', node);
      if (randomness.has(callee)) addConstruct('randomness', node);
      if (callee === 'require') addConstruct('unreadableImport', node);
    },
    NewExpression: (node) => {
      const callee = text.slice(node.callee.start, node.callee.end);
      if (callee === 'Date' && node.arguments.length === 0) addConstruct('clock', node);
    },
  }).visit(program);

  return { path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), imports, constructs };
}
