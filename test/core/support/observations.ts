/** What members sign about when they saw a change: intervals between their opens and seals, by a clock that tests move. */
import { firstHlc, hlcOf, type Hlc } from '../../../core/clock/hlc.js';
import { sameJson } from '../../../core/lens/same-json.js';
import { applyChanges, type Operation } from '../../../core/operation.js';
import type { Fields } from '../../../core/record.js';
import type { FieldTimes, VersionsOfRecord } from '../../../core/record-versions.js';
import { typeNames, type Cloud } from './cloud.js';

export const dayMs = 86_400_000;

interface Seen {
  fields: Fields | undefined;
  times: Record<string, FieldTimes>;
  gone: Hlc | undefined;
}

export class Observations {
  /** Moves a day with every round unless a test moves it further. */
  nowMs = dayMs;
  readonly #seen = new Map<string, Seen>();
  #lastOpen: Hlc = firstHlc;

  copy(): Observations {
    const twin = new Observations();
    twin.nowMs = this.nowMs;
    twin.#lastOpen = this.#lastOpen;
    for (const [name, seen] of this.#seen) twin.#seen.set(name, { ...seen, times: { ...seen.times } });
    return twin;
  }

  /** The state of all clouds, as one run finds it. */
  observe(clouds: Readonly<Record<string, Cloud>>): void {
    this.nowMs += dayMs;
    const opened = this.#stamp();
    const until = hlcOf({ ms: this.nowMs, counter: 1 });
    for (const [member, cloud] of Object.entries(clouds))
      for (const type of typeNames) {
        const keys = [...this.#seen.keys()].filter((name) => name.startsWith(`${member} ${type} `));
        for (const name of keys) {
          const own = this.#seen.get(name);
          if (own?.fields && !cloud.records[type].has(name.split(' ')[2] ?? '')) Object.assign(own, gone(until));
        }
        for (const [key, fields] of cloud.records[type]) this.#look(`${member} ${type} ${key}`, fields, until);
      }
    this.#lastOpen = opened;
  }

  /** The echo of what was written is nobody's change. */
  wrote(operations: readonly Operation[]): void {
    const stands = hlcOf({ ms: this.nowMs, counter: 2 });
    for (const { authority, type, key, kind, changes } of operations) {
      const name = `${authority} ${type} ${key}`;
      if (kind === 'delete') this.#seen.delete(name);
      else {
        const own = this.#seen.get(name) ?? { fields: {}, times: {}, gone: undefined };
        own.fields = applyChanges(changes, own.fields ?? {});
        own.gone = undefined;
        for (const { field } of changes) own.times[field] = { changed: null, stands };
        this.#seen.set(name, own);
      }
    }
  }

  of(members: readonly string[], type: string, key: string): VersionsOfRecord {
    return Object.fromEntries(
      members.map((member) => {
        const own = this.#seen.get(`${member} ${type} ${key}`);
        return [
          member,
          { vectors: {}, since: 1, times: own?.times ?? {}, ...(own?.gone === undefined ? {} : { gone: own.gone }) },
        ];
      }),
    );
  }

  openedAt(members: readonly string[]): Readonly<Record<string, Hlc>> {
    return Object.fromEntries(members.map((member) => [member, this.#stamp()]));
  }

  #stamp(): Hlc {
    return hlcOf({ ms: this.nowMs, counter: 0 });
  }

  #look(name: string, fields: Fields, until: Hlc): void {
    const own = this.#seen.get(name) ?? { fields: undefined, times: {}, gone: undefined };
    for (const [field, value] of Object.entries(fields))
      if (!sameJson(own.fields?.[field], value))
        own.times[field] = { changed: { after: this.#lastOpen, until }, stands: until };
    this.#seen.set(name, { fields, times: own.times, gone: undefined });
  }
}

function gone(until: Hlc): Seen {
  return { fields: undefined, times: {}, gone: until };
}
