/** Seals values of `digest` fields: the one place where the key of a dataset meets a value. */
import { createHmac } from 'node:crypto';
import { protectionOf } from '../../core/brakes.js';
import type { Authority } from '../../core/federation/authority.js';
import type { MatchRule } from '../../core/federation/dataset.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { Json } from '../../core/json.js';
import { matchedValues, tokenField, tokenText } from '../../core/match-tokens.js';
import type { FederatedRecord, Fields } from '../../core/record.js';
import {
  digestKeyId,
  sealedText,
  type DigestKeyId,
  type SealedValue,
  type ValuePlace,
} from '../../core/sealed-value.js';

export class FieldDigests {
  readonly keyId: DigestKeyId;
  readonly #dataset: string;
  /** HAZARD: whoever has it can guess values. Never in a log, an error or a history. */
  readonly #key: Uint8Array;

  /** Of its own, derived from the key of the dataset, so that no token can ever be taken for a digest. */
  readonly #matchKey: Uint8Array;

  constructor(dataset: string, key: Uint8Array) {
    this.#dataset = dataset;
    this.#key = key;
    this.#matchKey = createHmac('sha256', key).update('concordat-match-key').digest();
    this.keyId = digestKeyId(key);
  }

  seal(place: Omit<ValuePlace, 'dataset'>, value: Json): SealedValue | null {
    if (value === null) return null;
    const text = sealedText({ ...place, dataset: this.#dataset }, value);
    return { hmac: createHmac('sha256', this.#key).update(text).digest('hex'), key: this.keyId };
  }

  /** The token of a record for each of the rules, as far as it holds what they ask for. `fields` are in clear. */
  matchTokens(type: string, rules: readonly MatchRule[], fields: Fields): Record<string, string> {
    const tokens: Record<string, string> = {};
    for (const rule of rules) {
      const values = matchedValues(rule, fields);
      if (!values) continue;
      const text = tokenText({ dataset: this.#dataset, type }, rule, values);
      tokens[tokenField(rule)] = createHmac('sha256', this.#matchKey).update(text).digest('hex');
    }
    return tokens;
  }
}

/** The record as it may leave. HAZARD: without a key nothing of a `digest` field may pass, so the field is left out. */
export function sealedRecord(
  digests: FieldDigests | null,
  type: DatasetType,
  record: FederatedRecord,
): FederatedRecord {
  if (type.digests.length === 0) return record;
  return { ...record, fields: sealedFields(digests, type, record.key, record.fields) };
}

export function sealedFields(digests: FieldDigests | null, type: DatasetType, key: string, fields: Fields): Fields {
  const sealed: Record<string, Json> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (!type.digests.includes(field)) sealed[field] = value;
    else if (digests) sealed[field] = digests.seal({ type: type.taxonomy.type, key, field }, value);
  }
  return sealed;
}

/** protectionOf over fields as they are sealed: the values that a rule names are sealed for this record too. */
export function protectionOfSealed(
  authority: Authority,
  digests: FieldDigests | null,
  type: DatasetType,
  key: string,
  fields: Fields,
): string | null {
  if (type.digests.length === 0) return protectionOf(authority, type.taxonomy.type, fields);
  const rules = authority.constraints.protected.map((rule) => ({
    ...rule,
    where: { ...sealedFields(digests, type, key, rule.where) },
  }));
  return protectionOf(
    { ...authority, constraints: { ...authority.constraints, protected: rules } },
    type.taxonomy.type,
    fields,
  );
}
