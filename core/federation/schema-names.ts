/** Which property names a schema knows at a path, read from the JSON Schema that editors get too. */
import type { FaultPath } from './fault.js';

/** The part of JSON Schema (draft 2020-12) that zod writes for our files. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

/** In the order of the schema, without repetition. `root` tells which alternative of a union the writer chose. */
export function namesAt(schema: JsonSchema, path: FaultPath, root: unknown): readonly string[] {
  let nodes = alternatives(schema, root);
  let value: unknown = root;
  for (const step of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined;
    nodes = nodes.flatMap((node) => {
      const next =
        typeof step === 'number'
          ? node.items
          : (node.properties?.[step] ??
            (typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined));
      return next ? alternatives(next, value) : [];
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function alternatives(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf;
  if (!branches) return [schema];
  const flat = branches.flatMap((branch) => alternatives(branch, value));
  const chosen = flat.filter((branch) => discriminates(branch, value));
  return chosen.length > 0 ? chosen : flat;
}

function discriminates(schema: JsonSchema, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const constants = Object.entries(schema.properties ?? {}).filter(([, property]) => property.const !== undefined);
  return (
    constants.length > 0 &&
    constants.every(([name, property]) => (value as Readonly<Record<string, unknown>>)[name] === property.const)
  );
}
