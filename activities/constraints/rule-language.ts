/**
 * The language of constraint rules: CEL (https://github.com/google/cel-spec) over one operation, without regular
 * expressions, whose cost an author cannot see. `ruleProblem` is what `validate` says; evaluation is in rule-thread.ts.
 */
import { Environment } from '@marcbachmann/cel-js';

/** What a rule knows, and as which CEL type. */
export const ruleVariables = { kind: 'string', before: 'map', after: 'map', changed: 'list<string>' } as const;

export const ruleLimits = {
  maxAstNodes: 1_000,
  maxDepth: 50,
  maxListElements: 500,
  maxMapEntries: 500,
  maxCallArguments: 16,
} as const;

const forbidden = ['matches'];

/** Why the text is no rule, in one line; null where it is one. Never throws. */
export function ruleProblem(text: string): string | null {
  const environment = new Environment({ limits: ruleLimits });
  for (const [name, type] of Object.entries(ruleVariables)) environment.registerVariable(name, type);
  try {
    const parsed = environment.parse(text);
    const used = forbidden.find((name) => calls(parsed.ast, name));
    if (used !== undefined)
      return `${used} is not offered: a regular expression may run without end; compare with startsWith, endsWith, contains or in`;
    const checked = parsed.check();
    if (!checked.valid) return firstLine(checked.error?.message);
    return checked.type === 'bool' ? null : `gives ${String(checked.type)} instead of true or false`;
  } catch (error) {
    return firstLine(error instanceof Error ? error.message : undefined);
  }
}

function firstLine(message: string | undefined): string {
  return (message ?? 'cannot be read').split('\n')[0] ?? '';
}

/** Whether any call in the syntax tree, of a function or of a value, has this name. */
function calls(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((item) => calls(item, name));
  if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return false;
  const { op, args } = node;
  if ((op === 'call' || op === 'rcall') && Array.isArray(args) && args[0] === name) return true;
  return calls(args, name);
}
