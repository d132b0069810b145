/** What an approver reads must show every difference: control characters, invisible ones, and letters that look like others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueText, visibleText } from '../../../cli/showing/value-text.js';

describe('a value on the screen', () => {
  it('stands in quotes, with quotes and backslashes escaped', () => {
    expect(valueText('Ana "Díaz" \\')).toBe('"Ana \\"Díaz\\" \\\\"');
    expect(valueText(null)).toBe('(none)');
    expect(valueText('(none)')).toBe('"(none)"');
    expect(valueText(['a', 'b'])).toBe('["a", "b"]');
    expect(valueText(true)).toBe('true');
    expect(valueText([])).toBe('[]');
  });

  it('hides no escape sequence, no turn of direction and no invisible character', () => {
    expect(visibleText('a\u001b[2Jb')).toBe('a\\u001b[2Jb');
    expect(visibleText('invoice\u202Egnp.exe')).toBe('invoice\\u202egnp.exe');
    expect(visibleText('an\u200Ba')).toBe('an\\u200ba');
    expect(visibleText('a\u00A0b\u3000c')).toBe('a\\u00a0b\\u3000c');
    expect(visibleText('a\u{E0041}')).toBe('a\\u{e0041}');
    expect(visibleText('a\u00ADb\u3164c')).toBe('a\\u00adb\\u3164c');
  });

  it('shows Cyrillic and Greek letters among Latin ones, and words made wholly of look-alikes', () => {
    expect(visibleText('\u0430dmin')).toBe('\\u0430dmin');
    expect(visibleText('\u0440\u0430\u0443')).toBe('\\u0440\\u0430\\u0443');
    expect(visibleText('\u039fmega')).toBe('\\u039fmega');
  });

  it('leaves names of all scripts readable', () => {
    for (const name of [
      'Åström',
      'Dvořák',
      'Иванов',
      'Дмитрий Соколов',
      'Αλέξανδρος',
      '山田太郎',
      'محمد',
      "O'Neill & Söhne (EMEA)",
    ])
      expect(visibleText(name)).toBe(name);
  });

  it('tells a decomposed letter from a composed one', () => {
    expect(valueText('e\u0301')).toBe('"e\\u0301"');
    expect(valueText('\u00e9')).toBe('"é"');
  });

  it('prints nothing that a terminal acts on, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(/[\p{C}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u.test(valueText(text))).toBe(false);
      }),
    );
  });

  it('prints two different texts differently, as long as neither holds a backslash', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'e', '\u0301', '\u00e9', '\u200b', ' ', '\u00a0', '\u0430', '"', '\u202e'),
    });
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other);
        expect(valueText(one)).not.toBe(valueText(other));
      }),
    );
  });
});
