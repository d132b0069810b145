/** Faults on demand: what is to go wrong, on which calls, how often. */
import { z } from 'zod';
import type { Operation } from './service.js';

const times = z.union([z.int().positive(), z.literal('always')]);

/**
 * One fault. `operation` is a call's whole name, or its beginning where it ends with `*`; `target` a part of its path or
 * arguments; left out, both match every call. The first `skip` matching calls pass, then `count` fail.
 *
 * - `forbidden`, `unauthorized`, `throttled`, `serverFault`: the cloud refuses, in its own words, and does nothing.
 * - `resetBefore`: the connection is reset before the call has its effect; `resetAfter`: after it (a lost reply).
 * - `cutBody`: the call has its effect, but the connection ends in the middle of the answer.
 * - `slow`: the call waits `delayMs` first.
 */
export const Fault = z.strictObject({
  kind: z.enum([
    'forbidden',
    'unauthorized',
    'throttled',
    'serverFault',
    'resetBefore',
    'resetAfter',
    'cutBody',
    'slow',
  ]),
  operation: z.string().min(1).optional(),
  target: z.string().min(1).optional(),
  skip: z.int().nonnegative().optional(),
  count: times.default(1),
  /** Of `serverFault`: 500, 502, 503 or 504. */
  status: z.int().min(500).max(599).optional(),
  /** Of `throttled` and `serverFault`: sent as Retry-After; not sent where absent. */
  retryAfterSeconds: z.int().nonnegative().optional(),
  /** Of `slow`. */
  delayMs: z.int().nonnegative().optional(),
});
export type Fault = z.infer<typeof Fault>;
export type FaultOrder = z.input<typeof Fault>;

interface Pending {
  readonly fault: Fault;
  skip: number;
  left: number;
}

function matches(fault: Fault, operation: Operation): boolean {
  const { operation: name, target } = fault;
  if (name !== undefined) {
    const hit = name.endsWith('*') ? operation.name.startsWith(name.slice(0, -1)) : operation.name === name;
    if (!hit) return false;
  }
  return target === undefined || operation.target.includes(target);
}

export class Faults {
  private readonly pending: Pending[] = [];

  /** Throws a ZodError for a fault that is not well formed. */
  add(order: FaultOrder): void {
    const fault = Fault.parse(order);
    this.pending.push({ fault, skip: fault.skip ?? 0, left: fault.count === 'always' ? Infinity : fault.count });
  }

  clear(): void {
    this.pending.length = 0;
  }

  list(): readonly Fault[] {
    return this.pending.filter(({ left }) => left > 0).map(({ fault }) => fault);
  }

  /** The faults that strike this call: the first that matches, and every matching `slow` before it. Uses them up. */
  take(operation: Operation): readonly Fault[] {
    const taken: Fault[] = [];
    for (const entry of this.pending) {
      if (entry.left === 0 || !matches(entry.fault, operation)) continue;
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.left -= 1;
      taken.push(entry.fault);
      if (entry.fault.kind !== 'slow') break;
    }
    return taken;
  }

  /** Whether the call would be forbidden whenever it is made: what a permission check answers. */
  forbids(name: string): boolean {
    const operation: Operation = { name, target: '', run: () => ({ status: 200, headers: {}, body: '' }) };
    return this.pending.some(
      ({ fault }) =>
        fault.kind === 'forbidden' &&
        fault.count === 'always' &&
        fault.target === undefined &&
        matches(fault, operation),
    );
  }
}
