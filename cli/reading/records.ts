/** Single records out of the sealed snapshots of a run, and the names by which people know them. */
import type { ObjectStore } from '../../activities/store.js';
import { readOne } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { byCodeUnit } from '../../core/json.js';
import { phraseParts, type PhrasePart } from '../../core/phrase.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import type { Snapshots } from './documents.js';

export interface Records {
  /** undefined where this member holds no such record. */
  fields(authority: AuthorityId, type: string, key: string): Promise<Fields | undefined>;
  /** The record's label as any member shows it; null where none does. Names people, and never joins records. */
  name(type: string, key: string): Promise<string | null>;
}

export function openRecords(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  snapshots: Snapshots,
): Records {
  const members = [...(federation.datasets[dataset]?.members ?? [])].sort(byCodeUnit);
  const reader = members.length > 0 ? createSegmentReader({ store: exchange, prefixes: members }) : undefined;
  const names = new Map<string, string | null>();

  async function fields(authority: AuthorityId, type: string, key: string): Promise<Fields | undefined> {
    const sealed = snapshots[authority]?.types.find((one) => one.type === type);
    return sealed && reader ? (await readOne(sealed, key, reader))?.fields : undefined;
  }

  async function name(type: string, key: string): Promise<string | null> {
    const known = names.get(`${type} ${key}`);
    if (known !== undefined) return known;
    const found = await findName(type, key);
    names.set(`${type} ${key}`, found);
    return found;
  }

  async function findName(type: string, key: string): Promise<string | null> {
    const taxonomy = federation.taxonomy[type];
    const label = taxonomy?.label ?? Object.keys(taxonomy?.fields ?? {})[0];
    if (label === undefined || !taxonomy) return null;
    for (const member of members) {
      try {
        const found = await fields(member, type, key);
        const said = found && phraseParts(taxonomy, found);
        if (said) return await phraseText(said);
        const value = found?.[label];
        if (typeof value === 'string' && value !== '') return value;
      } catch (error) {
        // A name is a kindness: a store that lacks a segment must not keep the plan from being shown.
        if (!(error instanceof ConcordatError)) throw error;
      }
    }
    return null;
  }

  /** What an edge refers to stands before it in order of dependency, so this ends. */
  async function phraseText(parts: readonly PhrasePart[]): Promise<string> {
    const texts: string[] = [];
    for (const part of parts) {
      if (part.kind === 'text') texts.push(part.text);
      else {
        const { type, key } = part.reference;
        const known = (await name(type, key)) ?? key.slice(0, 8);
        texts.push(part.withType ? `${type} ${known}` : known);
      }
    }
    return texts.join('');
  }

  return { fields, name };
}
