/** Writes public keys into federation files and leaves everything else as its author wrote it, comments and spaces included. */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parseDocument, type Document, type Node } from 'yaml';
import type { PublicKey } from '../../core/public-key.js';
import { replaceFile } from './replace-file.js';

export interface Pin {
  /** The entry that gets the key, which has an `id` and no `key` yet: `['members', 0]`. */
  readonly entry: readonly (string | number)[];
  readonly key: PublicKey;
}

/** The file must be one that loadFederation accepted. */
export async function pinKeys(file: string, pins: readonly Pin[]): Promise<void> {
  if (pins.length === 0) return;
  await replaceFile(file, pins.reduce(pinned, await readFile(file, 'utf8')));
}

/** Writes another key in place of the one that an entry has, where a key was rotated. */
export async function replacePin(file: string, { entry, key }: Pin): Promise<void> {
  const text = await readFile(file, 'utf8');
  const document = parseDocument(text);
  const range = (document.getIn([...entry, 'key'], true) as Node | undefined)?.range;
  const members = Object.entries(membersOf(key)).map(([name, value]) => `${name}: ${quoted(value)}`);
  const spliced = range ? `${text.slice(0, range[0])}{ ${members.join(', ')} }${text.slice(range[1])}` : undefined;
  document.setIn([...entry, 'key'], document.createNode(membersOf(key), { flow: true }));
  const isRight = spliced !== undefined && isDeepStrictEqual(parseDocument(spliced).toJS(), document.toJS());
  await replaceFile(file, isRight ? spliced : document.toString({ lineWidth: 0 }));
}

/** The text with one more line, or one more property where the entry is written in braces. */
export function pinned(text: string, { entry, key }: Pin): string {
  const document = parseDocument(text);
  const spliced = splice(text, document, entry, key);
  document.setIn([...entry, 'key'], document.createNode(membersOf(key), { flow: true }));
  const isRight = spliced !== undefined && isDeepStrictEqual(parseDocument(spliced).toJS(), document.toJS());
  // The library writes the file anew: right for any YAML, but it takes liberties with spaces.
  return isRight ? spliced : document.toString({ lineWidth: 0 });
}

function splice(text: string, document: Document, entry: Pin['entry'], key: PublicKey): string | undefined {
  const node = document.getIn(entry, true);
  if (!isMap(node)) return undefined;
  const id = node.items.find((pair) => isScalar(pair.key) && pair.key.value === 'id');
  const idStart = (id?.key as Node | undefined)?.range?.[0];
  const idEnd = (id?.value as Node | null | undefined)?.range?.[1];
  if (idStart === undefined || idEnd === undefined) return undefined;
  const members = Object.entries(membersOf(key)).map(([name, value]) => `${name}: ${quoted(value)}`);
  const property = `key: { ${members.join(', ')} }`;
  if (node.flow) return `${text.slice(0, idEnd)}, ${property}${text.slice(idEnd)}`;
  const lineStart = text.lastIndexOf('\n', idStart - 1) + 1;
  // After the whole line: a comment behind the id stays behind the id.
  const lineEnd = text.indexOf('\n', idEnd);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const newLine = text[end - 1] === '\r' ? '\r\n' : '\n';
  const before = text.slice(0, end).replace(/\r$/, '');
  return `${before}${newLine}${' '.repeat(idStart - lineStart)}${property}${newLine}${text.slice(end + 1)}`;
}

/** In the order in which people read them. */
function membersOf(key: PublicKey): Readonly<Record<string, string>> {
  const { kty, crv, x } = key;
  return key.kty === 'EC' ? { kty, crv, x, y: key.y } : { kty, crv, x };
}

/** A key that YAML would read as a number, or that begins like an option, is put in quotes. */
function quoted(x: string): string {
  return /^[A-Za-z]/.test(x) ? x : `'${x}'`;
}
