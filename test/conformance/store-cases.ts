/** What every ObjectStore does alike, whatever holds the objects. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../activities/store.js';

/** One place that holds nothing yet; each `open` is what another process would have. */
export interface FreshPlace {
  readonly open: () => ObjectStore;
}

export const text = (value: string): Uint8Array => Buffer.from(value);
export const shown = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString() : null;

/** Names that no store takes. */
export const refusedNames = [
  '',
  '..',
  '.',
  '../outside',
  'a/../../outside',
  '/etc/passwd',
  'a//b',
  'a/',
  '.unfinished/x',
  'a/.hidden',
  'a\\b',
  'a\u0000b',
  'a\nb',
  '\ud800',
  'x'.repeat(256),
];

export function describeStore(place: () => FreshPlace, { pieces = 60 } = {}): void {
  describe('an object', () => {
    test('is put once: a second put changes nothing and says so', async () => {
      const { open } = place();
      expect(await open().putIfAbsent('a/b', text('first'))).toBe(true);
      expect(await open().putIfAbsent('a/b', text('second'))).toBe(false);
      expect(shown(await open().get('a/b'))).toBe('first');
    });

    test('may be empty', async () => {
      const store = place().open();
      expect(await store.putIfAbsent('nothing', new Uint8Array())).toBe(true);
      expect((await store.get('nothing'))?.length).toBe(0);
      expect((await store.getRange('nothing', 0, 0)).length).toBe(0);
      await expect(store.getRange('nothing', 0, 1)).rejects.toMatchObject({ code: 'storeFault' });
    });

    test('that is not there reads as null, and its pieces as a fault of the store', async () => {
      const store = place().open();
      expect(await store.get('none')).toBeNull();
      for (const length of [0, 1, 1e6])
        await expect(store.getRange('none', 0, length)).rejects.toMatchObject({ code: 'storeFault' });
      expect(await store.list('')).toEqual([]);
      await store.remove('none');
    });

    test('is read in pieces, small and large, and never beyond its end', async () => {
      const store = place().open();
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
      await store.putIfAbsent('large', bytes);
      await fc.assert(
        fc.asyncProperty(fc.nat(300_000), fc.nat(300_000), async (start, length) => {
          if (start + length <= bytes.length) {
            const piece = await store.getRange('large', start, length);
            expect(Buffer.compare(piece, bytes.subarray(start, start + length))).toBe(0);
          } else await expect(store.getRange('large', start, length)).rejects.toMatchObject({ code: 'storeFault' });
        }),
        { numRuns: pieces },
      );
    });

    test('is read into memory that is there, where it fits', async () => {
      const store = place().open();
      await store.putIfAbsent('object', text('eleven byte'));
      const into = async (name: string, bytes: number): Promise<unknown> => {
        const room = Buffer.alloc(bytes, '.');
        return store.getInto && [await store.getInto(name, room), room.toString()];
      };
      const told = (answer: unknown): unknown => (store.getInto ? answer : undefined);
      expect(await into('object', 13)).toEqual(told([11, 'eleven byte..']));
      expect(await into('object', 11)).toEqual(told([11, 'eleven byte']));
      expect(await into('object', 10)).toEqual(told([11, '..........']));
      expect(await into('none', 3)).toEqual(told([null, '...']));
    });

    test('is read in many pieces at once as in one after the other', async () => {
      const store = place().open();
      const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 251));
      await store.putIfAbsent('large', bytes);
      const range = fc.record({ start: fc.nat(100_000), length: fc.oneof(fc.nat(300), fc.nat(100_000)) });
      await fc.assert(
        fc.asyncProperty(fc.array(range, { maxLength: 20 }), async (ranges) => {
          const found = await store.getRanges?.('large', ranges);
          expect(found?.map((piece) => Buffer.from(piece).toString('hex'))).toEqual(
            found && ranges.map(({ start, length }) => bytes.toString('hex', start, start + length)),
          );
        }),
        { numRuns: pieces },
      );
      for (const name of ['large', 'none'])
        await expect(
          store.getRanges?.(name, [
            { start: 0, length: 1 },
            { start: 199_999, length: 2 },
          ]) ?? store.getRange(name, 199_999, 2),
        ).rejects.toMatchObject({ code: 'storeFault' });
    });

    test('that was removed and put anew is read anew, also where it was open, also by another store', async () => {
      const { open } = place();
      const store = open();
      const other = open();
      await store.putIfAbsent('draft', text('old'));
      expect(shown(await store.getRange('draft', 0, 3))).toBe('old');
      expect(shown(await other.getRange('draft', 0, 3))).toBe('old');
      await store.remove('draft');
      await expect(other.getRange('draft', 0, 3)).rejects.toMatchObject({ code: 'storeFault' });
      expect(await store.putIfAbsent('draft', text('new'))).toBe(true);
      expect(shown(await store.getRange('draft', 0, 3))).toBe('new');
      expect(shown(await other.getRange('draft', 0, 3))).toBe('new');
    });
  });

  test('names are listed under any prefix, whole folders or parts of a name, in code unit order', async () => {
    const { open } = place();
    const store = open();
    // U+FF5A comes before U+1F600 in UTF-8 and after its first half in UTF-16.
    const names = ['b', 'a/Z', 'a/b/c', 'a/b/d', 'a/bc', 'a-b', 'aws/é', 'a/+ %2F', 'u/\uff5a', 'u/\u{1f600}'];
    for (const name of names) await store.putIfAbsent(name, text(name));
    for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b/', 'a/b/c', 'b', 'u/', 'nothing', 'a/nothing/at'])
      expect(await open().list(prefix), prefix).toEqual(names.filter((name) => name.startsWith(prefix)).sort());
    for (const name of names) expect(shown(await open().get(name))).toBe(name);
  });

  test.each(refusedNames.map((name) => ({ name })))(
    'a name that could leave the place or hide in it is refused: $name',
    async ({ name }) => {
      const store = place().open();
      const attempts = [
        (): Promise<unknown> => store.putIfAbsent(name, text('x')),
        (): Promise<unknown> => store.get(name),
        (): Promise<unknown> => store.getRange(name, 0, 1),
        (): Promise<unknown> => store.remove(name),
        (): Promise<unknown> => store.readHead(name),
        (): Promise<unknown> => store.compareAndSetHead(name, 0, text('x')),
      ];
      for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'storeFault' });
    },
  );

  test('and so is a prefix', async () => {
    const store = place().open();
    await expect(store.list('../')).rejects.toMatchObject({ code: 'storeFault' });
    await expect(store.list('a/../../b')).rejects.toMatchObject({ code: 'storeFault' });
  });

  describe('a head', () => {
    test('moves from the version that was read, and only from it', async () => {
      const { open } = place();
      const store = open();
      const other = open();
      expect(await store.readHead('heads/base')).toBeNull();
      expect(await store.compareAndSetHead('heads/base', 1, text('gap'))).toBe(false);
      expect(await store.compareAndSetHead('heads/base', 0, text('one'))).toBe(true);
      expect(await other.compareAndSetHead('heads/base', 0, text('late'))).toBe(false);
      const one = await other.readHead('heads/base');
      expect([one?.version, shown(one?.bytes)]).toEqual([1, 'one']);
      expect(await other.compareAndSetHead('heads/base', 1, text('two'))).toBe(true);
      expect(await store.compareAndSetHead('heads/base', 1, text('late'))).toBe(false);
      const two = await store.readHead('heads/base');
      expect([two?.version, shown(two?.bytes)]).toEqual([2, 'two']);
      await expect(store.compareAndSetHead('heads/base', -1, text('x'))).rejects.toMatchObject({ code: 'storeFault' });
    });

    test('is moved by one of several at a time, so that no step is lost', async () => {
      const { open } = place();
      const count = async (): Promise<void> => {
        const store = open();
        for (let done = 0; done < 5;) {
          const head = await store.readHead('counter');
          const value = String(Number(shown(head?.bytes) ?? '0') + 1);
          if (await store.compareAndSetHead('counter', head?.version ?? 0, text(value))) done += 1;
        }
      };
      await Promise.all([count(), count(), count()]);
      const head = await open().readHead('counter');
      expect([head?.version, shown(head?.bytes)]).toEqual([15, '15']);
    });
  });

  test('for an erasure, older versions of a head get other bytes, and the newest, the numbers and who may move it stay', async () => {
    const { open } = place();
    const store = open();
    for (const [version, value] of ['ann, bea', 'ann, bea, cleo', 'bea, cleo'].entries())
      expect(await store.compareAndSetHead('people', version, text(value))).toBe(true);
    const withoutAnn = (bytes: Uint8Array): Uint8Array | null =>
      shown(bytes)?.includes('ann, ') ? text(shown(bytes)?.replace('ann, ', '') ?? '') : null;
    expect(await open().rewriteOlder('people', withoutAnn)).toBe(2);
    expect(await open().rewriteOlder('people', withoutAnn)).toBe(0);
    const head = await store.readHead('people');
    expect([head?.version, shown(head?.bytes)]).toEqual([3, 'bea, cleo']);
    const versions = await Promise.all((await store.list('people/')).map(async (name) => shown(await store.get(name))));
    expect(versions).toEqual(['bea', 'bea, cleo', 'bea, cleo']);
    for (const from of [0, 1, 2]) expect(await store.compareAndSetHead('people', from, text('late'))).toBe(false);
    expect(await store.compareAndSetHead('people', 3, text('next'))).toBe(true);
    expect(await store.rewriteOlder('nobody', withoutAnn)).toBe(0);
  });
}
