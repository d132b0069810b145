/** Hops: what they say, what they hide, and that one input gives one root. */
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../core/digest.js';
import { hopText, parseHop, type Hop } from '../../../core/lineage/hop.js';
import { differingFields, makeHops, type AgreedChange } from '../../../core/lineage/make-hops.js';
import { fieldSalt, opaqueId, valueDigest } from '../../../core/lineage/salted.js';
import { sha256, hmacSha256 } from '../../../activities/log/sha256.js';

const salt = (number: number): Uint8Array => Buffer.alloc(32, number);

function change(key: string, wishes: Partial<AgreedChange> = {}): AgreedChange {
  return {
    dataset: 'workforce',
    type: 'person',
    key,
    before: { name: 'Quillan Vexworth', department: 'Archive', tags: ['a'] },
    after: { name: 'Quillan Vexworth', department: 'Library', tags: ['a'] },
    salt: salt(1),
    native: null,
    cause: { kind: 'observed' },
    previous: null,
    ...wishes,
  };
}

const hopOf = (made: AgreedChange): Hop => {
  const hop = parseHop(makeHops([made]).hops[0]?.text ?? '');
  if (!hop) throw new Error('no hop was made');
  return hop;
};

describe('a hop', () => {
  it('holds the fields that changed, keyed, and neither a value nor the key of the record', () => {
    const { hops } = makeHops([change('quillan@example.org')]);
    const text = hops[0]?.text ?? '';
    for (const secret of ['quillan', 'Quillan', 'Archive', 'Library', 'example.org'])
      expect(text).not.toContain(secret);
    const hop = hopOf(change('quillan@example.org'));
    expect(Object.keys(hop.before ?? {})).toEqual(['department']);
    expect(hop.before?.['department']).not.toBe(hop.after?.['department']);
  });

  it('holds all fields of a record that begins, and of one that ends', () => {
    expect(hopOf(change('a', { before: null }))).toMatchObject({ before: null, after: { name: expect.any(String) } });
    expect(hopOf(change('a', { after: null }))).toMatchObject({ after: null, before: { name: expect.any(String) } });
  });

  it('is not made where nothing that the authority holds changed', () => {
    expect(makeHops([change('a', { after: change('a').before })]).hops).toEqual([]);
  });

  it('says that two records hold the same to nobody: each has its own salt, and each field its own', () => {
    const one = hopOf(change('one'));
    const two = hopOf(change('one', { salt: salt(2) }));
    expect(one.after?.['department']).not.toBe(two.after?.['department']);
    expect(one.record).not.toBe(two.record);
    const same = hopOf(change('one', { before: null, after: { name: 'x', department: 'x' } }));
    expect(same.after?.['name']).not.toBe(same.after?.['department']);
  });

  it('lets whoever has the salt check values, and find those that are others', () => {
    const { after } = hopOf(change('a', { before: null }));
    const fields = { name: 'Quillan Vexworth', department: 'Library', tags: ['a'] };
    expect(differingFields(after ?? {}, fields, { type: 'person', salt: salt(1) })).toEqual([]);
    expect(
      differingFields(after ?? {}, { ...fields, department: 'Archive' }, { type: 'person', salt: salt(1) }),
    ).toEqual(['department']);
    expect(differingFields(after ?? {}, fields, { type: 'person', salt: salt(2) })).toHaveLength(3);
  });

  it('is written in canonical JSON, and refused in any other form', () => {
    const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const fields = fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,8}$/), digest, { maxKeys: 4 });
    const sorted = fields.map((made) => Object.fromEntries(Object.entries(made).sort(([a], [b]) => (a < b ? -1 : 1))));
    const hop: fc.Arbitrary<Hop> = fc.record({
      record: digest,
      type: fc.string(),
      native: fc.option(digest),
      before: fc.option(sorted),
      after: fc.option(sorted),
      cause: fc.oneof(
        fc.constant({ kind: 'observed' } as const),
        fc.record({
          kind: fc.constant('written' as const),
          operations: fc.array(digest, { minLength: 1, maxLength: 2 }),
          decisions: fc.array(digest, { maxLength: 2 }),
        }),
      ),
      previous: fc.option(fc.record({ sequence: fc.integer({ min: 1 }), index: fc.nat(), hop: digest })),
    });
    fc.assert(
      fc.property(hop, (made) => {
        const text = hopText(made);
        fc.pre(!text.includes('\\ud'));
        expect(text).toBe(canonicalJson(made));
        expect(parseHop(text)).toEqual(made);
        expect(parseHop(` ${text}`)).toBeNull();
      }),
      { numRuns: 300 },
    );
    expect(parseHop('{"after":null')).toBeNull();
  });
});

describe('the hops of a run', () => {
  it('have one root whatever the order of the changes, and another one for any other change', () => {
    const changes = Array.from({ length: 20 }, (_, at) => change(`record ${at}`, { salt: salt(at) }));
    const { root } = makeHops(changes);
    expect(makeHops([...changes].reverse()).root).toBe(root);
    expect(makeHops(changes.slice(1)).root).not.toBe(root);
    expect(
      makeHops([change('record 0', { salt: salt(0), native: 'ab'.repeat(32) }), ...changes.slice(1)]).root,
    ).not.toBe(root);
  });

  it('are the same with the hashes of the platform', () => {
    const changes = Array.from({ length: 5 }, (_, at) => change(`record ${at}`, { salt: randomBytes(32) }));
    const { root, hops } = makeHops(changes, { sha256, hmac: hmacSha256 });
    expect([root, hops.map(({ text }) => text)]).toEqual([
      makeHops(changes).root,
      makeHops(changes).hops.map(({ text }) => text),
    ]);
  });
});

describe('salts', () => {
  it('are HKDF of the record for each field, as other software has it', () => {
    const key = randomBytes(32);
    // HKDF-Expand alone: Node's function does Extract first, whose result is then the key that Expand takes.
    const extracted = createHmac('sha256', '').update(key).digest();
    const expected = Buffer.from(hkdfSync('sha256', key, '', 'concordat/field\nperson\nname', 32));
    expect(Buffer.from(fieldSalt(extracted, 'person', 'name'))).toEqual(expected);
  });

  it('name a record the same only for the same dataset, type, key and salt', () => {
    const name = { dataset: 'd', type: 't', key: 'k' };
    const ids = [name, { ...name, dataset: 'e' }, { ...name, type: 'u' }, { ...name, key: 'l' }].map((one) =>
      opaqueId(salt(1), one),
    );
    expect(new Set([...ids, opaqueId(salt(2), name)]).size).toBe(5);
    expect(valueDigest(salt(1), 1)).toBe(createHmac('sha256', salt(1)).update('1').digest('hex'));
  });
});

describe('the hashes of the platform', () => {
  it('are those of RFC 2104 and FIPS 180-4, for any key and text, whatever was hashed before', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 70 }),
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('ä'.repeat(3_000)), fc.constant('')),
        (key, text) => {
          expect(hmacSha256(key, text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
          expect(Buffer.from(sha256(key))).toEqual(createHash('sha256').update(key).digest());
        },
      ),
      { numRuns: 200 },
    );
  });
});
