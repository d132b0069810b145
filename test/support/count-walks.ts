/**
 * Counts walks over long lists: who looks through a list once for each of its members walks it as often as it is long, on
 * a fast machine and on a slow one. It says nothing of time.
 */

/** By the line that walks: how many elements were looked at. */
export type Walks = ReadonlyMap<string, number>;

type Method = (this: readonly unknown[], ...given: unknown[]) => unknown;

/** Those that call back for each element that they look at. */
const calling = ['find', 'findIndex', 'findLast', 'some', 'every', 'filter', 'map', 'flatMap', 'forEach', 'reduce'];
/** Those that look at the elements themselves, up to the one that they find. */
const searching = ['includes', 'indexOf'];
/** The names, values and entries of objects are lists too. */
const listing = ['keys', 'values', 'entries'];

/**
 * What `run` walks in this process, stand-ins for clouds and stores left out. `lengthMin` keeps short lists out, such as the fields of a
 * type: of those a program may look through one for every record.
 */
export async function countWalks(lengthMin: number, run: () => Promise<unknown>): Promise<Walks> {
  const walks = new Map<string, number>();
  let isCounting = true;
  const count = (line: string, elements: number): void => void walks.set(line, (walks.get(line) ?? 0) + elements);
  /** Telling the line walks lists of its own, which do not count. */
  const lineOf = (length: number): string | null => {
    if (!isCounting || length < lengthMin) return null;
    isCounting = false;
    const line = callingLine();
    isCounting = true;
    return line;
  };
  const lists = Array.prototype as unknown as Record<string | symbol, Method>;
  const objects = Object as unknown as Record<string, (object: object) => readonly unknown[]>;
  const restore: (() => void)[] = [];
  const replace = <Of>(of: Record<string | symbol, Of>, name: string | symbol, by: (old: Of) => Of): void => {
    const old = of[name] as Of;
    restore.push(() => void (of[name] = old));
    of[name] = by(old);
  };
  try {
    for (const name of calling)
      replace(
        lists,
        name,
        (old) =>
          function (this: readonly unknown[], each, ...more) {
            const line = typeof each === 'function' ? lineOf(this.length) : null;
            if (line === null || typeof each !== 'function') return old.call(this, each, ...more);
            return old.call(
              this,
              function (this: unknown, ...element: unknown[]): unknown {
                count(line, 1);
                return Reflect.apply(each, this, element);
              },
              ...more,
            );
          },
      );
    for (const name of searching)
      replace(
        lists,
        name,
        (old) =>
          function (this: readonly unknown[], ...given) {
            const line = lineOf(this.length);
            if (line !== null) count(line, lookedAt(this, given[0]));
            return old.apply(this, given);
          },
      );
    replace(
      lists,
      Symbol.iterator,
      (old) =>
        function (this: readonly unknown[]) {
          const elements = old.call(this) as IterableIterator<unknown>;
          const line = lineOf(this.length);
          if (line === null) return elements;
          return {
            next: () => {
              count(line, 1);
              return elements.next();
            },
            [Symbol.iterator](): unknown {
              return this;
            },
          };
        },
    );
    for (const name of listing)
      replace(objects, name, (old) => (object) => {
        const found = old(object);
        const line = lineOf(found.length);
        if (line !== null) count(line, found.length);
        return found;
      });
    await run();
  } finally {
    for (const back of restore.reverse()) back();
  }
  walks.delete(standIn);
  return walks;
}

function lookedAt(list: readonly unknown[], wanted: unknown): number {
  for (let at = 0; at < list.length; at += 1) if (list[at] === wanted) return at + 1;
  return list.length;
}

const standIn = '(stand-in)';

/** The file and line that called into the list, as the stack tells it. */
function callingLine(): string {
  const frames = (new Error('walk').stack ?? '').split('\n').slice(1);
  if (frames.some((frame) => /\/sandbox\/|memory-store/.test(frame))) return standIn;
  const caller = frames.find((frame) => frame.includes('/') && !frame.includes('count-walks'));
  return /([^/(]+\/[^/(]+:[0-9]+):[0-9]+\)?$/.exec(caller ?? '')?.[1] ?? '(unknown)';
}

/** The lines that walk the more for each of the data the more data there are: with what they walked for one, before and then. */
export function grownLines(
  smaller: { readonly size: number; readonly walks: Walks },
  larger: { readonly size: number; readonly walks: Walks },
): readonly string[] {
  return [...larger.walks].flatMap(([line, walked]) => {
    const before = (smaller.walks.get(line) ?? 0) / smaller.size;
    const after = walked / larger.size;
    return after > before * 1.5 + 0.5 ? [`${line}: ${before.toFixed(1)}, then ${after.toFixed(1)}`] : [];
  });
}
