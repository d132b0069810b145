/** A store of one authority in the story of three regions: filled, edited and read past its connector. */
import type { Shipment } from './shipment.js';

export interface Region {
  /** What its worker may know. */
  readonly environment: Readonly<Record<string, string>>;
  /** As the file of its authority says it. */
  readonly mesh: string;
  /** By federated type, without the lines that all maps have. */
  readonly maps: Readonly<Record<string, string>>;
  /** Federated types that it tells and never writes. */
  readonly readOnly?: readonly string[];
  /** Fields of shipments that it has no place for. */
  readonly holdsNo: readonly ('toll' | 'labels')[];
  /** Into a store that was not there. */
  fill(shipments: readonly Shipment[]): Promise<void>;
  /** In the order of numbers, without the fields that it has no place for. */
  read(): Promise<readonly Partial<Shipment>[]>;
  /** What its own people change; what else the record holds stays. */
  edit(number: string, change: Partial<Pick<Shipment, 'receiver' | 'grams' | 'fragile'>>): Promise<void>;
  /**
   * What the dataset does not speak of: other properties, and how a value is written where it can be written in several
   * ways. By the number of the shipment.
   */
  rest(): Promise<Readonly<Record<string, unknown>>>;
}

/** The copy whose people call the receiver otherwise, weigh in kilograms and note something new, all in one hour. */
export interface DriftingRegion extends Region {
  drift(): Promise<void>;
  /** A weight that is written as words. */
  blur(number: string): Promise<void>;
}
