/** Signed notes, checkpoints, cosignatures and tile names against the texts of C2SP and of Go's sumdb. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawPublicKey, verifyRaw } from '../../../activities/log/ed25519.js';
import { fromBase64, toBase64 } from '../../../core/log/base64.js';
import { checkpointText, parseCheckpoint } from '../../../core/log/checkpoint.js';
import { cosignatureLine, cosignedAt, cosignedBytes } from '../../../core/log/cosignature.js';
import {
  cosignatureType,
  ed25519Type,
  isSignedBy,
  noteText,
  parseNote,
  verifierKeyText,
} from '../../../core/log/note.js';
import { bundleOf, entriesName, entriesOf, tileName, tileOfSubtree, tilesBetween } from '../../../core/log/tiles.js';

// The example of golang.org/x/mod/sumdb/note.
const peter = {
  name: 'PeterNeumann',
  type: ed25519Type,
  key: Buffer.from('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', 'base64').subarray(1),
} as const;
const quote = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const signed = `${quote}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

describe('a signed note', () => {
  it('of Go verifies, and is written back to the same text', () => {
    const note = parseNote(signed);
    expect(note?.text).toBe(quote);
    expect(note && isSignedBy(note, peter, verifyRaw)).toBe(true);
    expect(note && noteText(note)).toBe(signed);
    expect(verifierKeyText(peter)).toBe('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
  });

  it('does not verify once a word, the name or the key is another', () => {
    const altered = parseNote(signed.replace('answer', 'enemy'));
    expect(altered && isSignedBy(altered, peter, verifyRaw)).toBe(false);
    const note = parseNote(signed);
    expect(note && isSignedBy(note, { ...peter, name: 'Peter' }, verifyRaw)).toBe(false);
    expect(note && isSignedBy(note, { ...peter, key: new Uint8Array(32) }, verifyRaw)).toBe(false);
    expect(note && isSignedBy(note, { ...peter, type: cosignatureType }, verifyRaw)).toBe(false);
  });

  it.each([
    ['without a blank line', signed.replace('\n\n', '\n')],
    ['without its last newline', signed.slice(0, -1)],
    ['with a hyphen for the dash', signed.replace('—', '-')],
    ['with base64 that is not canonical', signed.replace('nAM=', 'nAN=')],
    ['with a control character', signed.replace('think', 'th\tink')],
    ['with a word behind the signature', signed.replace('nAM=\n', 'nAM= more\n')],
    ['with a name that holds a plus sign', signed.replace('— Peter', '— Peter+')],
    ['without signatures', `${quote}\n`],
  ])('is refused %s', (_, source) => {
    expect(parseNote(source)).toBeNull();
  });

  it('is read from any text without throwing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fc.constantFrom('\n', '— ', 'a', ' ', 'AAAAAAAA', '=')).map((parts) => parts.join('')),
        ),
        (text) => {
          const note = parseNote(text);
          if (note) expect(noteText(note)).toBe(text);
          parseCheckpoint(text);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('a checkpoint', () => {
  const checkpoint = { origin: 'federation/aws/lineage', size: 42, root: createHash('sha256').digest() };

  it('is three lines, and is read back', () => {
    const text = checkpointText(checkpoint);
    expect(text).toBe('federation/aws/lineage\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
    expect(parseCheckpoint(text)).toEqual({ ...checkpoint, root: Uint8Array.from(checkpoint.root) });
  });

  it.each(['042', '-1', '1e3', '9007199254740993', '', ' 4', '4.0'])('is refused with the size "%s"', (size) => {
    expect(parseCheckpoint(checkpointText(checkpoint).replace('\n42\n', `\n${size}\n`))).toBeNull();
  });

  it('is refused with a fourth line or a root of another length', () => {
    expect(parseCheckpoint(`${checkpointText(checkpoint)}more\n`)).toBeNull();
    expect(parseCheckpoint(checkpointText({ ...checkpoint, root: new Uint8Array(31) }))).toBeNull();
  });
});

describe('a cosignature', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const key = {
    name: 'federation/sov',
    type: cosignatureType,
    key: rawPublicKey({ kty: 'OKP', crv: 'Ed25519', x }),
  } as const;
  const text = 'log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n';
  const line = cosignatureLine(key, 1_700_000_000, sign(null, cosignedBytes(text, 1_700_000_000), privateKey));

  it('tells when it was made, and holds for that time only', () => {
    const note = parseNote(noteText({ text, signatures: [line] }));
    expect(note && cosignedAt(note, key, verifyRaw)).toBe(1_700_000_000);
    const signature = Uint8Array.from(line.signature);
    signature[7] = 1;
    const moved = { text, signatures: [{ ...line, signature }] };
    expect(cosignedAt(moved, key, verifyRaw)).toBeNull();
  });
});

describe('tiles', () => {
  it('have the names of C2SP', () => {
    expect(tileName({ level: 0, index: 0, width: 256 })).toBe('tile/0/000');
    expect(tileName({ level: 1, index: 1_234_067, width: 8 })).toBe('tile/1/x001/x234/067.p/8');
    expect(entriesName({ index: 5, width: 256 })).toBe('tile/entries/005');
  });

  it('are those that a growth touches, at every level', () => {
    const names = (from: number, to: number): readonly string[] => tilesBetween(from, to).map(tileName);
    expect(names(0, 1)).toEqual(['tile/0/000.p/1']);
    expect(names(255, 256)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(names(256, 257)).toEqual(['tile/0/001.p/1']);
    expect(names(250, 520)).toEqual(['tile/0/000', 'tile/0/001', 'tile/0/002.p/8', 'tile/1/000.p/2']);
    expect(names(7, 7)).toEqual([]);
  });

  it('hold every complete subtree of a log, and no other', () => {
    expect(tileOfSubtree({ level: 9, index: 0 }, 600)).toEqual({
      tile: { level: 1, index: 0, width: 2 },
      from: 0,
      to: 2,
    });
    expect(() => tileOfSubtree({ level: 0, index: 600 }, 600)).toThrow(RangeError);
  });

  it('bundle entries of any length up to the limit, and give them back', () => {
    const entries = [new Uint8Array(0), Buffer.from('a'), new Uint8Array(65_535)];
    expect(entriesOf(bundleOf(entries))?.map(({ length }) => length)).toEqual([0, 1, 65_535]);
    expect(entriesOf(bundleOf(entries).subarray(0, -1))).toBeNull();
    expect(() => bundleOf([new Uint8Array(65_536)])).toThrow(RangeError);
  });
});

describe('base64', () => {
  it('is that of the platform, and refuses what is not canonical', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(toBase64(bytes)).toBe(text);
        expect(fromBase64(text)).toEqual(bytes);
      }),
    );
    for (const text of ['A', 'AA', 'AAA', 'AB==', 'A===', '====', 'AA=A', 'AA A', '-_8='])
      expect(fromBase64(text)).toBeNull();
  });
});
