/** Sealed values: one digest for one value at one place, on every machine, and never mistaken for a clear one. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FieldDigests,
  protectionOfSealed,
  sealedFields,
  sealedRecord,
} from '../../activities/surface/field-digests.js';
import { compareRecord, type CompareContext } from '../../core/compare.js';
import { canonicalJson } from '../../core/digest.js';
import { Authority } from '../../core/federation/authority.js';
import type { DatasetType } from '../../core/federation/federation.js';
import { References } from '../../core/references.js';
import { digestKeyId, isSealedValue } from '../../core/sealed-value.js';
import { fullHoldings, shapeOf } from './support/shape.js';

const key = new Uint8Array(32).fill(7);
const digests = new FieldDigests('workforce', key);
const place = { type: 'person', key: 'p1', field: 'mail' };
const shape = shapeOf(fullHoldings(['aws', 'azure']));
const type: DatasetType = { ...(shape.types[0] as DatasetType), digests: ['mail', 'phone'] };
const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.boolean());

describe('a sealed value', () => {
  it('is HMAC-SHA-256 over dataset, type, record, field and value, as another library computes it', () => {
    fc.assert(
      fc.property(value, fc.string(), (one, record) => {
        const text = canonicalJson({ dataset: 'workforce', type: 'person', key: record, field: 'mail', value: one });
        const expected = bytesToHex(hmac(sha256, key, utf8ToBytes(text)));
        expect(digests.seal({ ...place, key: record }, one)).toEqual({ hmac: expected, key: digestKeyId(key) });
      }),
    );
  });

  it('is the same at every member, and differs with any part of where it stands', () => {
    fc.assert(
      fc.property(value, (one) => {
        const sealed = digests.seal(place, one)?.hmac;
        expect(new FieldDigests('workforce', Uint8Array.from(key)).seal({ ...place }, one)?.hmac).toBe(sealed);
        const others = [
          digests.seal({ ...place, key: 'p2' }, one),
          digests.seal({ ...place, field: 'phone' }, one),
          digests.seal({ ...place, type: 'team' }, one),
          new FieldDigests('other', key).seal(place, one),
          new FieldDigests('workforce', new Uint8Array(32).fill(8)).seal(place, one),
        ];
        for (const other of others) expect(other?.hmac).not.toBe(sealed);
      }),
    );
  });

  it('is no clear value of any kind, and "held and empty" stays what it is', () => {
    fc.assert(
      fc.property(fc.oneof(value, fc.constant(null), fc.array(fc.string())), (one) => {
        expect(isSealedValue(one)).toBe(false);
        if (!Array.isArray(one)) expect(isSealedValue(digests.seal(place, one as string | null))).toBe(one !== null);
      }),
    );
    expect(digests.seal(place, null)).toBeNull();
  });

  it('takes the place of every digest field of a record, and of no other', () => {
    fc.assert(
      fc.property(value, value, fc.string(), (mail, phone, name) => {
        const record = { type: 'person', key: 'p1', fields: { mail, phone, name } };
        const { fields } = sealedRecord(digests, type, record);
        expect(fields).toEqual({
          mail: digests.seal(place, mail),
          phone: digests.seal({ ...place, field: 'phone' }, phone),
          name,
        });
        // Without a key nothing of these fields leaves at all.
        expect(sealedFields(null, type, 'p1', record.fields)).toEqual({ name });
      }),
    );
  });

  it('is protected by the clear value that a rule names', () => {
    const authority = Authority.parse({
      authority: 'aws',
      mesh: { kind: 'aws-iam' },
      surface: { person: ['mail'] },
      constraints: { protected: [{ type: 'person', where: { mail: 'root' }, reason: 'founder' }] },
      approvers: [{ id: 'ada' }],
    });
    const told = (mail: string): string | null =>
      protectionOfSealed(authority, digests, type, 'p1', sealedFields(digests, type, 'p1', { mail }));
    expect(told('root')).toBe('founder');
    expect(told('other')).toBeNull();
  });
});

describe('a comparison', () => {
  const context: CompareContext = {
    type,
    incomplete: new Set(),
    references: new References(shape, []),
    heldAtBase: { aws: ['mail', 'name', 'phone'], azure: ['mail', 'name', 'phone'] },
  };
  const older = new FieldDigests('workforce', new Uint8Array(32).fill(1));
  const verdictOf = (aws: string, azure: string, base: FieldDigests | null) =>
    compareRecord(
      {
        key: 'p1',
        members: { aws: { mail: digests.seal(place, aws) }, azure: { mail: digests.seal(place, azure) } },
        base: { mail: base === null ? 'old' : base.seal(place, 'old') },
      },
      context,
    );

  it('tells under one key who changed a value', () => {
    expect(verdictOf('new', 'old', digests)).toMatchObject({ fields: [{ kind: 'proposal', because: ['aws'] }] });
    expect(verdictOf('old', 'old', digests)).toMatchObject({ kind: 'agreed' });
  });

  it.each([
    ['another key', older],
    ['no key', null],
  ])('with a base that was sealed under %s takes nobody for the one who changed', (_what, base) => {
    expect(verdictOf('new', 'old', base)).toMatchObject({ fields: [{ kind: 'conflict' }] });
    expect(verdictOf('old', 'old', base)).toMatchObject({ kind: 'agreed' });
  });

  it('takes a value that was emptied while the key was replaced for a change, and fills nothing by itself', () => {
    const members = { aws: { mail: null }, azure: { mail: digests.seal(place, 'old') } };
    const verdict = compareRecord({ key: 'p1', members, base: { mail: older.seal(place, 'old') } }, context);
    expect(verdict).toMatchObject({ fields: [{ kind: 'conflict' }] });
  });
});
