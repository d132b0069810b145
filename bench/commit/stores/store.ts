/** A store of records on this machine, and a bare client that writes whole records into it. */
import type { Connector } from '../../../activities/connectors/connector.js';

export type Body = Readonly<Record<string, string>> & { readonly id: string };

export interface BenchedStore {
  readonly name: string;
  /** With an empty table of this native type; each record has the key `id`. */
  readonly start: (type: string) => Promise<StartedStore>;
}

export interface StartedStore {
  /** The call of the bare client. */
  readonly bareWritesBy: string;
  connector(): Connector;
  /** Everything that may be known before it writes is found out before it answers. */
  bareWriter(bodies: readonly Body[]): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export function* chunks<Item>(items: readonly Item[], most: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += most) yield items.slice(from, from + most);
}
