/** Links: which native object is which record, over crashes, renames and objects that come back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepCreatedLink, Links, loadLinks, saveLinks } from '../../activities/links.js';
import { isProvisional } from '../../core/record.js';
import { MemoryStore } from './authority/gate-world.js';

const key = new Uint8Array(32).fill(7);
const fresh = (): Links => new Links({}, key, 'workforce');

describe('links', () => {
  it('give an unlinked object a key that is the same in every run and tells nothing of its native id', () => {
    const provisional = fresh().keyOf('person', 'AIDAEXAMPLE');
    expect(isProvisional(provisional)).toBe(true);
    expect(fresh().keyOf('person', 'AIDAEXAMPLE')).toBe(provisional);
    expect(provisional).not.toContain('AIDAEXAMPLE');
    expect(fresh().keyOf('team', 'AIDAEXAMPLE')).not.toBe(provisional);
    expect(new Links({}, key, 'other').keyOf('person', 'AIDAEXAMPLE')).not.toBe(provisional);
    expect(new Links({}, new Uint8Array(32), 'workforce').keyOf('person', 'AIDAEXAMPLE')).not.toBe(provisional);
  });

  it('lead from the key back to the object that was linked last', () => {
    const links = fresh();
    links.set('person', 'one', 'k');
    links.set('person', 'two', 'k');
    expect(links.nativeIdOf('person', 'k')).toBe('two');
    links.remove('person', 'one');
    expect(links.nativeIdOf('person', 'k')).toBe('two');
    links.remove('person', 'two');
    expect(links.nativeIdOf('person', 'k')).toBeNull();
  });

  it('say both ways the same, whatever is set and removed', () => {
    const step = fc.tuple(fc.constantFrom('set', 'remove'), fc.nat(5), fc.nat(5));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const links = fresh();
        for (const [what, native, record] of steps)
          if (what === 'set') links.set('person', `n${native}`, `k${record}`);
          else links.remove('person', `n${native}`);
        for (let record = 0; record <= 5; record += 1) {
          const native = links.nativeIdOf('person', `k${record}`);
          if (native !== null) expect(links.keyOf('person', native)).toBe(`k${record}`);
        }
      }),
    );
  });

  it('of a creation are there after a crash right behind it, and once saved are in one head', async () => {
    const store = new MemoryStore();
    await keepCreatedLink(store, 'workforce', 'person', 'urn:weird/../id', 'k1');
    const loaded = await loadLinks(store, 'workforce', key);
    expect(loaded.nativeIdOf('person', 'k1')).toBe('urn:weird/../id');
    await saveLinks(store, 'workforce', loaded);
    expect(store.objects.size).toBe(0);
    expect((await loadLinks(store, 'workforce', key)).nativeIdOf('person', 'k1')).toBe('urn:weird/../id');
  });

  it('of a record that was made again lead to the new object only', async () => {
    const store = new MemoryStore();
    await keepCreatedLink(store, 'workforce', 'person', 'old', 'k1');
    await keepCreatedLink(store, 'workforce', 'person', 'new', 'k1');
    const loaded = await loadLinks(store, 'workforce', key);
    expect(loaded.nativeIdOf('person', 'k1')).toBe('new');
    expect(loaded.isLinked('person', 'old')).toBe(false);
  });
});
