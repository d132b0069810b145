/**
 * Two versions of an authority's terms, difference by difference, and whether each makes the terms narrower or wider for
 * its peers. What is not known to be narrower is wider: a section that this version does not understand waits for people.
 */
import { canonicalJson } from '../digest.js';
import { durationMs, Duration } from '../duration.js';
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../json.js';
import type { Terms } from '../federation/terms.js';

/** One step into the terms: a member of an object, or an element of a list that is known by what it is. */
export type Step =
  { readonly kind: 'member'; readonly name: string } | { readonly kind: 'element'; readonly name: string };

export type Direction = 'narrower' | 'wider' | 'neither';

export interface Difference {
  readonly path: readonly Step[];
  /** Undefined where it was not there. */
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly direction: Direction;
}

/** In the order of their paths. Empty where both say the same, in whatever order they list it. */
export function termsDifferences(before: Terms, after: Terms): readonly Difference[] {
  const [old, now] = [factsOf(before), factsOf(after)];
  const paths = new Map([...old, ...now].map(([name, { path }]) => [name, path]));
  return [...paths.entries()]
    .sort(([one], [other]) => byCodeUnit(one, other))
    .flatMap(([name, path]): Difference[] => {
      const [was, is] = [old.get(name)?.value, now.get(name)?.value];
      // What an entry says comes and goes with it.
      if (path.some((_, at) => old.has(entryName(path, at)) !== now.has(entryName(path, at)))) return [];
      if (was !== undefined && is !== undefined && canonicalJson(was) === canonicalJson(is)) return [];
      return [{ path, before: was, after: is, direction: directionOf(path, was, is) }];
    });
}

interface Fact {
  readonly path: readonly Step[];
  readonly value: Json;
}

/** Every leaf of the terms under a name of its own. Lists are sets here: their order means nothing in any section. */
function factsOf(terms: Terms): ReadonlyMap<string, Fact> {
  const facts = new Map<string, Fact>();
  const add = (path: readonly Step[], value: Json | undefined): void => {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      for (const element of value as readonly Json[]) {
        const name = elementName(element);
        const inner: readonly Step[] = [...path, { kind: 'element', name }];
        if (isEntry(element)) {
          facts.set(nameOf(inner), { path: inner, value: true });
          for (const [member, of] of Object.entries(element))
            if (member !== 'id') add([...inner, { kind: 'member', name: member }], of);
        } else facts.set(nameOf(inner), { path: inner, value: element });
      }
    } else if (typeof value === 'object' && value !== null && !isLeaf(path)) {
      for (const [member, of] of Object.entries(value as JsonObject))
        add([...path, { kind: 'member', name: member }], of);
    } else facts.set(nameOf(path), { path, value });
  };
  add([], terms as unknown as Json);
  return facts;
}

/** The name of the entry of a list that this path leads into at this step, and no name of a fact where there is none. */
function entryName(path: readonly Step[], at: number): string {
  return path[at]?.kind === 'element' && at < path.length - 1 ? nameOf(path.slice(0, at + 1)) : '';
}

/** An entry of a list that is known by its id, as approvers are: what it holds can differ by itself. */
function isEntry(element: Json): element is JsonObject & { readonly id: string } {
  return typeof element === 'object' && element !== null && !Array.isArray(element) && 'id' in element;
}

/** How an element is recognised in its list: by its id, as text, or by all that it says. */
export function elementName(element: Json): string {
  if (isEntry(element)) return element.id;
  return typeof element === 'string' ? element : canonicalJson(element);
}

/** Objects that are one thing: a public key changes as a whole, and what may be written is narrower or wider as a whole. */
function isLeaf(path: readonly Step[]): boolean {
  const [section = '', part = '', name = ''] = path.map((step) => step.name);
  if (section === 'constraints' && part === 'writable') return path.length === 2;
  if (section === 'constraints' && part === 'residency') return name === 'keepWithin' && path.length === 3;
  return path.at(-1)?.name === 'key';
}

function nameOf(path: readonly Step[]): string {
  return canonicalJson(path.map(({ kind, name }) => [kind, name]));
}

function directionOf(path: readonly Step[], before: Json | undefined, after: Json | undefined): Direction {
  const [section = '', part = '', name = '', detail = ''] = path.map((step) => step.name);
  switch (section) {
    case 'description':
      return 'neither';
    case 'surface':
      // Each condition takes records away, so one more shows less.
      if (name === 'where') return presence(before, 'narrower');
      return before === undefined || after === undefined ? presence(before, 'wider') : exposure(before, after);
    case 'constraints':
      if (part === 'brakes') return limit(before, after);
      if (part === 'freezeWindows' || part === 'protected') return presence(before, 'narrower');
      if (part === 'ceilings' || part === 'rules') return presence(before, 'narrower');
      if (part === 'writable') return writableDirection(before, after);
      if (part === 'residency' && name === 'keepWithin') return residencyDirection(before, after);
      if (part === 'freshness') return length(before, after, 'shorter');
      return 'wider';
    case 'approval':
      if (['deadline', 'onDeadline', 'reminders'].includes(part)) return 'neither';
      // A rule only ever asks for more than the quorum.
      if (part === 'quorums') return presence(before, 'narrower');
      if (part === 'separationOfDuties') return after === 'required' ? 'narrower' : 'wider';
      if (part === 'delegationMax') return length(before, after, 'shorter');
      if (part === 'escalations') return standsIn(before ?? after) ? presence(before, 'wider') : 'neither';
      if (part === 'quorum' || part === 'quorumWhenBraked')
        // Without a number of its own a braked quorum follows the other one, in either direction.
        return before === undefined || after === undefined ? 'wider' : limit(after, before);
      return 'wider';
    case 'approvers':
      // Who approves decides about this authority's mesh alone; a renewed key is the same person.
      if (name === 'key') return 'neither';
      if (name === '') return presence(before, 'wider');
      return name === 'roles' && detail !== '' ? presence(before, 'wider') : 'wider';
    case 'clock':
      return part === 'maxAhead' ? length(before, after, 'shorter') : 'wider';
    case 'lineage':
      if (part === 'keepFor') return length(before, after, 'longer');
      if (part === 'cosign') return after === true ? 'narrower' : 'wider';
      return 'wider';
    default:
      return 'wider';
  }
}

/** Without the section everything may be written; within it, what is left out of a list may not, and of a type without a list all may. */
function writableDirection(before: Json | undefined, after: Json | undefined): Direction {
  if (before === undefined) return 'narrower';
  if (!isJsonObject(before) || !isJsonObject(after)) return 'wider';
  const isWithin = ([type, terms]: readonly [string, Json]): boolean => {
    const was = before[type];
    return (
      isJsonObject(was) &&
      isJsonObject(terms) &&
      ['operations', 'fields'].every((list) => was[list] === undefined || isSubset(terms[list], was[list]))
    );
  };
  return Object.entries(after).every(isWithin) ? 'narrower' : 'wider';
}

/** Every field that was kept within regions is kept within no others. */
function residencyDirection(before: Json | undefined, after: Json | undefined): Direction {
  if (!isJsonObject(before)) return 'narrower';
  if (!isJsonObject(after)) return 'wider';
  const isKept = Object.entries(before).every(([type, fields]) =>
    Object.entries(isJsonObject(fields) ? fields : {}).every(([field, regions]) => {
      const now = after[type];
      return isJsonObject(now) && isSubset(now[field], regions);
    }),
  );
  return isKept ? 'narrower' : 'wider';
}

function isSubset(list: Json | undefined, of: Json | undefined): boolean {
  return Array.isArray(list) && Array.isArray(of) && list.every((item) => of.includes(item));
}

/** What a thing is that was added; what was taken away is the other. */
function presence(before: Json | undefined, whenAdded: 'narrower' | 'wider'): Direction {
  const isAdded = before === undefined;
  return isAdded === (whenAdded === 'wider') ? 'wider' : 'narrower';
}

/** Whether the holders of a role may decide in place of others; those who only hear of it change nothing. */
function standsIn(escalation: Json | undefined): boolean {
  return !isJsonObject(escalation) || escalation['may'] !== 'hear';
}

/** A field that is shown in clear, only as a digest, or not at all. */
const exposures: readonly Json[] = ['hidden', 'digest', 'clear'];

function exposure(before: Json, after: Json): Direction {
  const [was, is] = [exposures.indexOf(before), exposures.indexOf(after)];
  return was >= 0 && is >= 0 && is < was ? 'narrower' : 'wider';
}

/** A number above which something is stopped: none at all is the widest. */
function limit(before: Json | undefined, after: Json | undefined): Direction {
  const most = (value: Json | undefined): number =>
    typeof value === 'number' ? value : value === undefined ? Number.POSITIVE_INFINITY : Number.NaN;
  return most(after) < most(before) ? 'narrower' : 'wider';
}

function length(before: Json | undefined, after: Json | undefined, narrower: 'shorter' | 'longer'): Direction {
  const [was, is] = [Duration.safeParse(before), Duration.safeParse(after)];
  if (!was.success || !is.success) return 'wider';
  const change = durationMs(is.data) - durationMs(was.data);
  return (narrower === 'shorter' ? change < 0 : change > 0) ? 'narrower' : change === 0 ? 'neither' : 'wider';
}
