/** A shipment in words that are nobody's, and those that the story of three regions begins with. */
import { byCodeUnit } from '../../../../core/json.js';

export interface Shipment {
  readonly number: string;
  readonly receiver: string;
  /** As text, so that none is rounded here. */
  readonly grams: string;
  /** In UTC, to the second. */
  readonly sent: string;
  readonly fragile: boolean;
  /** More digits than a binary fraction holds; null where nothing was paid. */
  readonly toll: string | null;
  /** In the order of their code units. */
  readonly labels: readonly string[];
}

const tolls = [null, null, '90071992547409931234567.25', '0.1'] as const;
const labels = [[], ['Zoë', 'lourd', '李']] as const;

export const shipments: readonly Shipment[] = Array.from({ length: 120 }, (_, at) => ({
  number: `S-${String(at).padStart(3, '0')}`,
  receiver: `Zoë Martin ${at % 40}`,
  grams: String(400 + at * 12.5),
  sent: new Date(Date.UTC(2024, 4, 1 + (at % 28), at % 22, at % 60)).toISOString().replace('.000', ''),
  fragile: at % 3 === 0,
  toll: tolls[at % tolls.length] ?? null,
  labels: labels[at % labels.length] ?? [],
}));

/** Two keys that look the same and differ by their Unicode form. */
export const alike: readonly Shipment[] = ['Zo\u00eb', 'Zoe\u0308'].map((number, at) => ({
  number,
  receiver: `form ${at}`,
  grams: String(500 + at),
  sent: '2024-06-01T07:30:00Z',
  fragile: false,
  toll: '-0.001',
  labels: ['e\u0301'],
}));

/** Whether a store that has two ways to hold nothing holds an absent toll as an absent property, or as null. */
export const isAbsentToll = ({ number }: Shipment): boolean => Number(number.slice(2)) % tolls.length === 1;

export const inOrder = <Part extends Pick<Shipment, 'number'>>(all: readonly Part[]): readonly Part[] =>
  all.toSorted((left, right) => byCodeUnit(left.number, right.number));

/** An hour ahead of UTC, as Berlin writes it. */
export const asBerlinWrites = (sent: string): string =>
  new Date(Date.parse(sent) + 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

/** The other way, of what a store says with a zone or as milliseconds. */
export const inUtc = (moment: string | number): string => new Date(moment).toISOString().replace('.000', '');

/** PostgreSQL writes all digits of a column. */
export const withoutZeros = (decimal: string): string =>
  decimal.includes('.') ? decimal.replace(/0+$/, '').replace(/\.$/, '') : decimal;

/** Of a positive number, digit by digit: no store is to be judged by what a binary fraction makes of it. */
export function shifted(decimal: string, places: number): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  const digits = `${'0'.repeat(Math.max(0, -places))}${whole}${fraction}${'0'.repeat(Math.max(0, places))}`;
  const point = digits.length - fraction.length - Math.max(0, places) + places;
  const [left, right] = [digits.slice(0, point).replace(/^0+(?=\d)/, ''), digits.slice(point)];
  return withoutZeros(right === '' ? left : `${left}.${right}`);
}
export const inKilograms = (grams: string): string => shifted(grams, -3);
export const inGrams = (kilograms: string): string => shifted(kilograms, 3);
