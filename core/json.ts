/** Plain JSON values: the only data that crosses a boundary (store, payload, signature). */
import { z } from 'zod';

export type JsonPrimitive = null | boolean | number | string;
export type Json = JsonPrimitive | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export const Json: z.ZodType<Json> = z.json() as z.ZodType<Json>;
export const JsonObject: z.ZodType<JsonObject> = z.record(z.string(), Json);

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value nests deeper than so many levels; stops as soon as it does. */
export function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels <= 0) return true;
  for (const inner of Object.values(value)) if (isDeeper(inner as Json, levels - 1)) return true;
  return false;
}

/** Compares by UTF-16 code unit, the one order that is the same on every machine. Never use localeCompare. */
export function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Makes a forgotten member of a union a compile error, and an impossible value at run time a loud one. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
