/** Policies of the real world through parser, canonical form and effect. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { effectInAws } from '../../../core/effect/aws.js';
import type { Effect } from '../../../core/effect/effect.js';
import { canonicalPolicy, policyDigest } from '../../../core/iam-policy/canonical.js';
import type { PolicyDocument } from '../../../core/iam-policy/document.js';
import { parsePolicy, parsePolicyJson } from '../../../core/iam-policy/parse.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { corpusCapabilities } from '../iam-policy/corpus/capabilities.js';
import { corpusDocuments, corpusFolder } from '../iam-policy/corpus/documents.js';

const documents = corpusDocuments();
const effectsFile = path.join(corpusFolder, 'effects.json');

function parsed(name: string, json: Json): PolicyDocument {
  const answer = parsePolicyJson(json);
  if (answer.kind === 'fault') throw new Error(`${name}: ${answer.reason}`);
  return answer.document;
}

const effectOf = (document: PolicyDocument): readonly Effect[] =>
  effectInAws({ policies: [{ name: 'P', document }] }, corpusCapabilities);

/** The same document with every list and all statements turned round. */
function turned(json: Json): Json {
  if (Array.isArray(json)) return (json as readonly Json[]).map(turned).reverse();
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json as JsonObject)
      .map(([key, value]) => [key, turned(value)] as const)
      .reverse(),
  );
}

describe('policies of the real world', () => {
  it('are more than sixty, with everything that is hard', () => {
    expect(documents.size).toBeGreaterThanOrEqual(60);
    const all = [...documents.values()].map((document) => JSON.stringify(document));
    for (const element of ['"NotAction"', '"NotResource"', '"Deny"', '"Condition"', '${aws:', '?', ':*/'])
      expect(all.filter((text) => text.includes(element)).length, element).toBeGreaterThan(1);
    expect([...documents.keys()].filter((name) => name.toLowerCase().includes('boundar')).length).toBeGreaterThan(3);
  });

  it('are read whole, as text and percent-encoded as IAM answers them', () => {
    for (const [name, json] of documents) {
      const document = parsed(name, json);
      const text = JSON.stringify(json);
      expect(parsePolicy(text), name).toEqual({ kind: 'document', document });
      expect(parsePolicy(encodeURIComponent(text)), name).toEqual({ kind: 'document', document });
    }
  });

  it('have one canonical form, in whatever order they are written, which is its own', () => {
    const seen = new Map<string, string>();
    for (const [name, json] of documents) {
      const document = parsed(name, json);
      const canonical = canonicalPolicy(document);
      expect(canonicalPolicy(parsed(name, canonical)), name).toEqual(canonical);
      expect(policyDigest(parsed(name, turned(json))), name).toBe(policyDigest(document));
      const digest = policyDigest(document);
      expect(seen.get(digest), `${name} means what another means`).toBeUndefined();
      seen.set(digest, name);
    }
  });

  it('have the effect that people read in them, and so has their canonical form', () => {
    const effects: Record<string, Record<string, string>> = {};
    for (const [name, json] of documents) {
      const document = parsed(name, json);
      const effect = effectOf(document);
      expect(effectOf(parsed(name, canonicalPolicy(document))), name).toEqual(effect);
      effects[name] = Object.fromEntries(effect.map(({ capability, reach }) => [capability, reach]));
    }
    if (process.env['CONCORDAT_WRITE_EFFECTS'] === '1')
      writeFileSync(effectsFile, `${JSON.stringify(effects, null, 2)}\n`);
    expect(effects).toEqual(JSON.parse(readFileSync(effectsFile, 'utf8')));
  });
});
