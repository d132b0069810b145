/** Properties that a map says nothing of, against the plain way to find them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TypeMap } from '../../../core/federation/map.js';
import { byCodeUnit, isJsonObject, type JsonObject } from '../../../core/json.js';
import { unmappedProperties } from '../../../core/lens/unmapped.js';

/** By whole paths, without a memory. */
function plainly(body: JsonObject, known: readonly string[]): readonly string[] {
  const found: string[] = [];
  const visit = (object: JsonObject, prefix: string): void => {
    for (const [name, inner] of Object.entries(object)) {
      const path = prefix + name;
      if (known.includes(path)) continue;
      if (!known.some((one) => one.startsWith(`${path}.`))) found.push(path);
      else if (isJsonObject(inner)) visit(inner, `${path}.`);
    }
  };
  visit(body, '');
  return found.sort(byCodeUnit);
}

const name = fc.constantFrom('a', 'b', 'a.b', 'c', '__proto__', 'constructor');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('.'));
const { body } = fc.letrec<{ body: JsonObject }>((tie) => ({
  body: fc.dictionary(name, fc.oneof({ depthSize: 'small' }, fc.constantFrom(1, null), tie('body')), { maxKeys: 4 }),
}));

test('are those of no path of the map, at whatever depth and with dots in their names', () => {
  let reported = 0;
  fc.assert(
    fc.property(path, fc.array(path, { maxLength: 3 }), fc.array(body, { maxLength: 3 }), (mapped, ignore, bodies) => {
      const fields = { mail: { path: mapped } };
      const map = TypeMap.parse({ type: 'person', native: 'user', lifecycle: 'active', fields, ignore });
      for (const one of bodies) {
        const found = unmappedProperties(one, map);
        expect(found).toEqual(plainly(one, [mapped, ...ignore]));
        reported += found.length;
      }
    }),
    { numRuns: 300 },
  );
  expect(reported).toBeGreaterThan(100);
});
