/** Operations, conflicts and candidates as people name them: by the number that `concordat plan` printed, or the beginning of a digest. */
import { gatheredIds, keptIds, type Ids } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { LongList } from '../../core/long-list.js';
import type { NewVersion } from '../../core/new-versions.js';
import type { Operation } from '../../core/operation.js';
import type { Conflict, Plan } from '../../core/plan.js';

/** Fewer characters could be a number. */
const digestCharactersMin = 8;

/** `3`, `2-5` and digest prefixes, also several with commas: their ids, once each, in the order of the plan. Throws usage for what the plan does not hold. */
export function namedOperations(
  { operations }: { readonly operations: LongList<Operation> },
  words: readonly string[],
): Ids {
  const ids = gatheredIds(idsOf(operations));
  const taken = new Uint8Array(ids.length);
  for (const word of words.flatMap((text) => text.split(',')).map((text) => text.trim().replace(/^#/, ''))) {
    if (word === '') continue;
    const range = /^(\d{1,7})-(\d{1,7})$/.exec(word);
    if (range) {
      const [from, to] = [Number(range[1]), Number(range[2])];
      if (from < 1 || to > ids.length || from > to) throw noSuch('operation', word, ids.length);
      taken.fill(1, from - 1, to);
    } else taken[oneId(ids, word)] = 1;
  }
  let place = -1;
  return keptIds(ids, () => {
    place += 1;
    return taken[place] === 1;
  });
}

function* idsOf(operations: Iterable<Operation>): Generator<Digest> {
  for (const { id } of operations) yield id;
}

/** As `one`, of ids alone: its place. */
function oneId(ids: Ids, word: string): number {
  if (/^\d{1,7}$/.test(word)) {
    if (Number(word) >= 1 && Number(word) <= ids.length) return Number(word) - 1;
    throw noSuch('operation', word, ids.length);
  }
  const prefix = word.toLowerCase();
  const found: number[] = [];
  let place = -1;
  for (const id of ids) {
    place += 1;
    if (id.startsWith(prefix)) found.push(place);
  }
  const candidates = found.map((at) => ids.at(at) ?? '');
  return found[candidates.indexOf(one(candidates, word, 'operation', (id) => id))] ?? 0;
}

/** `v1`: the first of the new versions that the plan lists. Words of another form name operations and are left out. */
export function namedVersions(
  { newVersions = [] }: Pick<Plan, 'newVersions'>,
  words: readonly string[],
): readonly NewVersion[] {
  const numbers = words.flatMap((text) => text.split(',')).flatMap((word) => versionForm.exec(word.trim())?.[1] ?? []);
  return [...new Set(numbers.map((word) => one(newVersions, word, 'new version', ({ id }) => id)))];
}

export function namesVersion(word: string): boolean {
  return versionForm.test(word.trim());
}

const versionForm = /^v(\d{1,4})$/;

/** `1` and digest prefixes, also several with commas. */
export function namedConflicts(plan: Pick<Plan, 'conflicts'>, words: readonly string[]): readonly Conflict[] {
  const found = words.flatMap((text) => text.split(',')).flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
  return [...new Set(found.map((word) => one(plan.conflicts, word, 'conflict', ({ id }) => id)))];
}

/** `1=2`: of conflict 1 candidate 2. */
export function namedChoices(
  plan: Pick<Plan, 'conflicts'>,
  words: readonly string[],
): Readonly<Record<Digest, Digest>> {
  const choices: Record<Digest, Digest> = {};
  for (const word of words.flatMap((text) => text.split(','))) {
    const [left = '', right, ...more] = word.trim().split('=');
    if (right === undefined || more.length > 0)
      throw new ConcordatError('usage', `--choose ${word}: write CONFLICT=CANDIDATE, such as --choose 1=2`);
    const conflict = one(plan.conflicts, left, 'conflict', ({ id }) => id);
    const candidate = one(conflict.candidates, right, `candidate of conflict ${left}`, ({ digest }) => digest);
    if (choices[conflict.id] !== undefined && choices[conflict.id] !== candidate.digest)
      throw new ConcordatError('usage', `two candidates are chosen for conflict ${left}`);
    choices[conflict.id] = candidate.digest;
  }
  return choices;
}

/** By number from 1, or by the beginning of a digest. */
export function one<Item>(items: readonly Item[], word: string, what: string, digestOf: (item: Item) => Digest): Item {
  if (/^\d{1,7}$/.test(word)) {
    const item = items[Number(word) - 1];
    if (item) return item;
    throw noSuch(what, word, items.length);
  }
  const prefix = word.toLowerCase();
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < digestCharactersMin)
    throw new ConcordatError(
      'usage',
      `${word} names no ${what}: give its number, or at least ${digestCharactersMin} characters of its digest`,
    );
  const [only, ...more] = items.filter((item) => digestOf(item).startsWith(prefix));
  if (!only) throw noSuch(what, word, items.length);
  if (more.length > 0) throw new ConcordatError('usage', `${word} could be several; write more of the digest`);
  return only;
}

function noSuch(what: string, word: string, count: number): ConcordatError {
  const has = count === 0 ? 'there is none' : count === 1 ? 'there is one' : `there are ${count}`;
  return new ConcordatError('usage', `there is no ${what} ${word}: ${has}; see \`concordat plan\``);
}
