import { describe, expect, test } from 'vitest';
import { groupText } from '../../core/record-digest.js';

describe('groupText', () => {
  test('holds the key and only the fields of the group, in canonical order', () => {
    expect(groupText('k1', { title: 'T', mail: 'm@example.org', active: true }, ['mail', 'active'])).toBe(
      '{"fields":{"active":true,"mail":"m@example.org"},"key":"k1"}',
    );
  });

  test('does not depend on the order in which the fields of the group are named', () => {
    const fields = { mail: 'm', active: false };
    expect(groupText('k', fields, ['active', 'mail'])).toBe(groupText('k', fields, ['mail', 'active']));
  });

  test('tells a field that is held and empty from one that is absent', () => {
    expect(groupText('k', { mail: null }, ['mail'])).not.toBe(groupText('k', {}, ['mail']));
  });

  test('does not take a field from the prototype of the fields', () => {
    expect(groupText('k', {}, ['toString', 'constructor'])).toBe('{"fields":{},"key":"k"}');
  });
});
