/**
 * A new version of a map file, made from the old one's text and from what a run saw of the store: renamed properties are
 * followed, what is gone is taken out, and what nobody but a person can know stands as comments. No value is in it.
 */
import { isMap, parseDocument, type Document } from 'yaml';
import { fieldsFrom } from '../../core/drift/paths-read.js';
import type { SchemaDrift } from '../../core/drift/schema-drift.js';
import type { TypeMap } from '../../core/federation/map.js';
import { byCodeUnit } from '../../core/json.js';

export interface MapProposalInput {
  readonly text: string;
  readonly map: TypeMap;
  /** Fields of the type's natural key: they are never taken out. */
  readonly key: readonly string[];
  /** Of this map's type and authority. */
  readonly drifts: readonly SchemaDrift[];
  /** Native properties that the map neither reads nor ignores, and in how many objects they are. */
  readonly unmapped: readonly { readonly property: string; readonly count: number }[];
}

export interface MapProposal {
  /** The whole file. */
  readonly text: string;
  /** What is other than in the map, in words. */
  readonly changes: readonly string[];
  /** What a person has to say, in words. */
  readonly unknown: readonly string[];
}

/** null where there is nothing to propose. */
export function proposeMap(input: MapProposalInput): MapProposal | null {
  const document = parseDocument(input.text, { stringKeys: true });
  const changes: string[] = [];
  const unknown: string[] = [];
  const renamed = new Set<string>();
  const inOrder = [...input.drifts].sort((a, b) => byCodeUnit(`${a.property} ${a.kind}`, `${b.property} ${b.kind}`));
  for (const drift of inOrder) {
    if (drift.approved) continue;
    if (drift.kind === 'renamed' && drift.to !== null) {
      renamed.add(drift.to);
      follow(document, input.map, drift.property, drift.to);
      changes.push(
        `${name(drift.property)} is read as ${name(drift.to)}: ${drift.count} of ${drift.of} of its values (${percent(drift)} %) were there`,
      );
      unknown.push(`whether ${name(drift.to)} means what ${name(drift.property)} meant: equal values only suggest it`);
    } else if (drift.kind === 'lost' && drift.count > 0) takeOut(document, input, drift, changes, unknown);
    else {
      const words = question(drift);
      if (words !== null) unknown.push(words);
    }
  }
  const offered = input.unmapped.filter(({ property }) => !renamed.has(property));
  if (offered.length > 0) offer(document, offered, unknown);
  if (changes.length === 0 && unknown.length === 0) return null;
  document.commentBefore = [
    ' Proposed from what a run saw; edit it, then put it in the place of the map.',
    ...changes.map((line) => ` Changed: ${line}.`),
    ...unknown.map((line) => ` Not known: ${line}.`),
    ...(document.commentBefore === null || document.commentBefore === undefined ? [] : [document.commentBefore]),
  ].join('\n');
  return { text: document.toString({ lineWidth: 0 }), changes, unknown };
}

/** Every place that names the property, or something inside of it. */
function follow(document: Document, map: TypeMap, from: string, to: string): void {
  const moved = (path: string): string | null =>
    path === from ? to : path.startsWith(`${from}.`) ? `${to}${path.slice(from.length)}` : null;
  for (const [field, given] of Object.entries(map.fields)) {
    const path = 'path' in given ? moved(given.path) : null;
    if (path !== null) document.setIn(['fields', field, 'path'], path);
  }
  for (const [path, rule] of Object.entries(map.create)) {
    const next = moved(path);
    if (next === null) continue;
    document.deleteIn(['create', path]);
    if (!Object.hasOwn(map.create, next)) document.setIn(['create', next], document.createNode(rule, { flow: true }));
  }
}

function takeOut(
  document: Document,
  { key, map }: MapProposalInput,
  { property }: SchemaDrift,
  changes: string[],
  unknown: string[],
): void {
  for (const field of fieldsFrom(map, property)) {
    if (key.includes(field)) {
      unknown.push(`where ${name(field)} is read now: ${name(property)} is gone, and records are known by it`);
      continue;
    }
    const left = document.get('fields');
    if (isMap(left) && left.items.length === 1) {
      unknown.push(`where ${name(field)} is read now: ${name(property)} is gone, and the map has no other field`);
      continue;
    }
    document.deleteIn(['fields', field]);
    changes.push(
      `${name(field)} is not held here any more, because ${name(property)} is gone; other members keep theirs`,
    );
    unknown.push(
      `whether ${name(field)} is to be cleared everywhere instead: then keep the map and approve the drift (concordat taxonomy approve)`,
    );
  }
}

/** New properties as lines that become fields once their sign is taken away and the type has such fields. */
function offer(document: Document, offered: MapProposalInput['unmapped'], unknown: string[]): void {
  const fields = document.get('fields');
  if (!isMap(fields)) return;
  const lines = offered.map(
    ({ property, count }) =>
      ` ${/^[a-z][A-Za-z0-9]*$/.test(property) ? property : 'newField'}: { path: ${JSON.stringify(property)} } # in ${count} objects`,
  );
  const kept = fields.comment === null || fields.comment === undefined ? [] : [fields.comment];
  fields.flow = false;
  fields.comment = [...kept, ...lines].join('\n');
  unknown.push(
    `what ${offered.map(({ property }) => name(property)).join(', ')} ${offered.length === 1 ? 'means' : 'mean'}: a field of the type (taxonomy/), or one to stand under ignore`,
  );
}

function question({ kind, property, was, is, by, count, declared }: SchemaDrift): string | null {
  switch (kind) {
    case 'retyped':
      if (was === null)
        return `what step reads ${name(property)}: it holds ${is ?? 'values of several kinds'}, and the map reads none of it`;
      return `what step reads ${name(property)}: it held ${was ?? 'nothing'} and holds ${is ?? 'nothing'} now`;
    case 'scaled':
      return `the unit of ${name(property)}: its numbers are about 10^${by ?? 0} times what they were`;
    case 'newValue':
      return `what ${count} new ${count === 1 ? 'value' : 'values'} of ${name(property)} mean: only digests are known`;
    case 'emptied':
      return `why ${name(property)} is empty so often now`;
    case 'redeclared':
      return `whether the map still reads all of ${name(property)}: it was declared as ${declared?.was ?? 'nothing'} and is ${declared?.is ?? 'nothing'} now`;
    case 'rekeyed':
      return `which record is which: none of the keys in ${name(property)} was there before`;
    case 'lost':
      return `where to read what the map looks for in ${name(property)}: no object has it, and none had it before`;
    case 'gained':
    case 'renamed':
      return null;
  }
}

/** A name of a store may hold anything; in a comment it stays on its line. */
function name(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : JSON.stringify(text);
}

function percent({ count, of }: SchemaDrift): number {
  return of === 0 ? 0 : Math.floor((count * 100) / of);
}
