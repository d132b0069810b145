/**
 * What every machine must compute alike: correlate, compare, plan and next base, with all that they call. Followed on the
 * syntax trees from declaration to declaration, so that a schema with a pattern beside a function does not count, and a
 * helper three files away does.
 *
 * Kept out: what answers otherwise under another locale, time zone, Unicode version or engine, or takes unbounded time.
 */
import path from 'node:path';
import { parseSync } from 'oxc-parser';

export const recomputedRoots = [
  { file: 'core/correlate.ts', name: 'correlate' },
  { file: 'core/compare.ts', name: 'compareRecord' },
  { file: 'core/plan.ts', name: 'makePlan' },
  { file: 'core/next-base.ts', name: 'baseChanges' },
] as const;

/** Names of the language that are not the same everywhere, or not at all times. */
const forbiddenNames: Readonly<Record<string, string>> = {
  Intl: 'asks for locale data',
  Date: 'reads or forms dates',
  Temporal: 'reads or forms dates',
  RegExp: 'makes a regular expression',
  parseFloat: 'reads a fraction',
  performance: 'reads a clock',
  process: 'asks the machine',
};

const forbiddenMembers: Readonly<Record<string, string>> = {
  localeCompare: 'orders by locale',
  toLocaleString: 'formats by locale',
  toLocaleDateString: 'formats by locale',
  toLocaleTimeString: 'formats by locale',
  toLocaleLowerCase: 'changes case by locale',
  toLocaleUpperCase: 'changes case by locale',
  toLowerCase: 'changes case by the Unicode version of the engine',
  toUpperCase: 'changes case by the Unicode version of the engine',
  normalize: 'normalises by the Unicode version of the engine',
  parseFloat: 'reads a fraction',
  toFixed: 'rounds a fraction',
  toPrecision: 'rounds a fraction',
  toExponential: 'rounds a fraction',
  random: 'draws at random',
};

/** Of a text these make a regular expression of their argument; as a mere property such a name is anybody's. */
const patternMethods = new Set(['match', 'matchAll', 'search']);

const exactMath = new Set(['max', 'min', 'abs', 'trunc', 'sign', 'clz32', 'imul']);
const fractionOperators = new Set(['/', '**', '/=', '**=']);
/** TypeScript's own nodes that hold an expression; all others are types and leave no trace. */
const typeScriptExpressions = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
]);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Module {
  readonly text: string;
  readonly declarations: ReadonlyMap<string, Node>;
  /** Local name → where it comes from; `*` for a namespace. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  readonly exportedFrom: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  readonly allFrom: readonly string[];
}

export interface Recomputed {
  /** `file name` of every declaration that was reached. */
  readonly reached: readonly string[];
  /** `file:line: what is wrong`. */
  readonly faults: readonly string[];
}

/** Throws where a root is not there: a renamed function must not pass unseen. */
export function recomputedFaults(
  sources: ReadonlyMap<string, string>,
  roots: readonly { readonly file: string; readonly name: string }[] = recomputedRoots,
): Recomputed {
  const modules = new Map<string, Module>();
  const moduleOf = (file: string): Module | undefined => {
    const text = sources.get(file);
    if (text === undefined) return undefined;
    const known = modules.get(file) ?? readModule(file, text);
    modules.set(file, known);
    return known;
  };
  const find = (file: string, name: string, seen = new Set<string>()): readonly [string, string] | undefined => {
    const module = moduleOf(file);
    if (!module || seen.has(file)) return undefined;
    seen.add(file);
    if (module.declarations.has(name)) return [file, name];
    const passed = module.exportedFrom.get(name) ?? module.imports.get(name);
    if (passed) return find(passed.file, passed.name, seen);
    for (const other of module.allFrom) {
      const found = find(other, name, seen);
      if (found) return found;
    }
    return undefined;
  };

  const reached = new Set<string>();
  const faults: string[] = [];
  const open: (readonly [file: string, name: string])[] = [];
  for (const { file, name } of roots) {
    const found = find(file, name);
    if (!found) throw new Error(`${file} has no ${name}: the list of what is recomputed is out of date`);
    open.push(found);
  }
  for (let next = open.pop(); next; next = open.pop()) {
    const [file, name] = next;
    if (reached.has(`${file} ${name}`)) continue;
    reached.add(`${file} ${name}`);
    const module = moduleOf(file) as Module;
    const node = module.declarations.get(name) as Node;
    faults.push(...constructFaults(file, module.text, node));
    for (const used of namesIn(node)) {
      const { ours, foreign } = targetOf(module, file, used);
      if (ours) {
        const found = find(ours.file, ours.name);
        if (found) open.push(found);
      } else if (!foreign && Object.hasOwn(forbiddenNames, used.name))
        faults.push(
          `${file}:${lineOf(module.text, used.start)}: ${name} ${forbiddenNames[used.name] ?? ''} (${used.name})`,
        );
    }
  }
  return { reached: [...reached].sort(), faults: [...new Set(faults)].sort() };
}

interface Used {
  readonly name: string;
  readonly start: number;
}

function targetOf(
  module: Module,
  file: string,
  { name }: Used,
): { readonly ours?: { readonly file: string; readonly name: string }; readonly foreign?: boolean } {
  if (module.declarations.has(name)) return { ours: { file, name } };
  const imported = module.imports.get(name);
  if (!imported) return {};
  return imported.file === '' ? { foreign: true } : { ours: imported };
}

function readModule(file: string, text: string): Module {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new SyntaxError(`${file} does not parse: ${errors[0]?.message ?? ''}`);
  const declarations = new Map<string, Node>();
  const imports = new Map<string, { file: string; name: string }>();
  const exportedFrom = new Map<string, { file: string; name: string }>();
  const allFrom: string[] = [];
  const target = (specifier: string): string =>
    specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts') : '';
  const declare = (node: Node): void => {
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
      const name = (node['id'] as Node | null)?.['name'];
      if (typeof name === 'string') declarations.set(name, node);
    } else if (node.type === 'VariableDeclaration') {
      for (const declarator of node['declarations'] as readonly Node[])
        for (const { name } of namesIn(declarator['id'] as Node)) declarations.set(name, declarator);
    }
  };
  for (const statement of program.body as unknown as readonly Node[]) {
    const source = (statement['source'] as Node | null | undefined)?.['value'];
    if (statement.type === 'ImportDeclaration') {
      if (statement['importKind'] === 'type') continue;
      for (const specifier of statement['specifiers'] as readonly Node[]) {
        if (specifier['importKind'] === 'type') continue;
        const local = (specifier['local'] as Node)['name'] as string;
        const name = ((specifier['imported'] as Node | undefined)?.['name'] as string | undefined) ?? '*';
        imports.set(local, { file: target(source as string), name });
      }
    } else if (statement.type === 'ExportAllDeclaration') {
      if (statement['exportKind'] !== 'type') allFrom.push(target(source as string));
    } else if (statement.type === 'ExportNamedDeclaration') {
      if (statement['declaration']) declare(statement['declaration'] as Node);
      for (const specifier of statement['specifiers'] as readonly Node[])
        if (typeof source === 'string')
          exportedFrom.set((specifier['exported'] as Node)['name'] as string, {
            file: target(source),
            name: (specifier['local'] as Node)['name'] as string,
          });
    } else declare(statement);
  }
  return { text, declarations, imports, exportedFrom, allFrom };
}

/** Every node of a declaration that leaves a trace at run time, with the one above it. */
function visit(node: Node, see: (node: Node, parent: Node | undefined, key: string) => void): void {
  const walk = (value: unknown, parent: Node | undefined, key: string): void => {
    if (Array.isArray(value)) for (const one of value) walk(one, parent, key);
    else if (typeof value === 'object' && value !== null && typeof (value as Node).type === 'string') {
      const here = value as Node;
      if (here.type.startsWith('TS')) {
        if (typeScriptExpressions.has(here.type)) walk(here['expression'], parent, key);
        return;
      }
      see(here, parent, key);
      for (const [name, child] of Object.entries(here)) if (name !== 'type') walk(child, here, name);
    }
  };
  walk(node, undefined, '');
}

/** Names that are used or bound, but not those of properties. Too many rather than too few. */
function namesIn(declaration: Node): readonly Used[] {
  const used: Used[] = [];
  visit(declaration, (node, parent, key) => {
    if (node.type !== 'Identifier') return;
    const isProperty = key === 'property' && parent?.type === 'MemberExpression' && parent['computed'] !== true;
    const isKey = key === 'key' && parent?.['computed'] !== true && parent?.['shorthand'] !== true;
    if (!isProperty && !isKey) used.push({ name: node['name'] as string, start: node.start });
  });
  return used;
}

function constructFaults(file: string, text: string, declaration: Node): readonly string[] {
  const faults: string[] = [];
  const fault = (node: Node, what: string): void => {
    faults.push(
      `${file}:${lineOf(text, node.start)}: ${what} (${text.slice(node.start, node.end).split('\n')[0] ?? ''})`,
    );
  };
  visit(declaration, (node) => {
    if (node.type === 'Literal') {
      if (node['regex']) fault(node, 'has a regular expression');
      else if (typeof node['value'] === 'number' && !Number.isInteger(node['value'])) fault(node, 'has a fraction');
    } else if (node.type === 'BinaryExpression' || node.type === 'AssignmentExpression') {
      if (fractionOperators.has(node['operator'] as string)) fault(node, 'calculates with fractions');
    } else if (node.type === 'CallExpression') {
      const callee = node['callee'] as Node;
      if (callee.type === 'MemberExpression' && patternMethods.has(memberName(callee) ?? ''))
        fault(node, 'makes a regular expression');
    } else if (node.type === 'MemberExpression') {
      const member = memberName(node);
      const object = node['object'] as Node;
      if (member !== undefined && Object.hasOwn(forbiddenMembers, member)) fault(node, forbiddenMembers[member] ?? '');
      if (object.type === 'Identifier' && object['name'] === 'Math' && !exactMath.has(member ?? ''))
        fault(node, 'calculates with fractions');
    }
  });
  return faults;
}

/** Also of `value['localeCompare']`. Undefined where the name is computed. */
function memberName(node: Node): string | undefined {
  const property = node['property'] as Node;
  if (node['computed'] !== true) return property['name'] as string;
  return property.type === 'Literal' && typeof property['value'] === 'string' ? property['value'] : undefined;
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
