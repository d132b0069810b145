/**
 * How many bytes an item has, as DynamoDB counts them: names and values, 3 bytes for each list and map and 1 for each of their
 * elements. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 *
 * Numbers are counted as the least that they can have, so that nothing is refused here that the table would have taken.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const itemBytesMax = 400 * 1024;

export function itemBytes(item: Readonly<Record<string, AttributeValue>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += textBytes(name) + valueBytes(value);
  return bytes;
}

function textBytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return textBytes(value.S);
  if (value.B !== undefined) return value.B.length;
  if (value.SS !== undefined) return sum(value.SS, textBytes);
  if (value.BS !== undefined) return sum(value.BS, ({ length }) => length);
  if (value.NS !== undefined) return value.NS.length;
  if (value.L !== undefined) return 3 + sum(value.L, (element) => 1 + valueBytes(element));
  if (value.M !== undefined)
    return 3 + sum(Object.entries(value.M), ([name, element]) => 1 + textBytes(name) + valueBytes(element));
  return 1;
}

function sum<Element>(elements: readonly Element[], bytesOf: (element: Element) => number): number {
  return elements.reduce((total, element) => total + bytesOf(element), 0);
}
