/**
 * Which terms of an authority count now. Narrowing counts at once, because nobody may be held to more than they grant;
 * widening counts after every peer accepted it, because it takes something from them: more is shown to them and asked of
 * them, or less protects. Renewing the same content needs nobody.
 */
import { byCodeUnit, isJsonObject, type Json } from '../json.js';
import type { AuthorityId } from '../record.js';
import { elementName, termsDifferences, type Difference, type Step } from './difference.js';
import { Terms } from '../federation/terms.js';

/** What one peer accepted last. */
export interface PeerAcceptance {
  readonly peer: AuthorityId;
  /** Of the manifest that it looked at. */
  readonly manifestIssuedAtMs: number;
  readonly terms: Terms;
}

export interface InForce {
  readonly terms: Terms;
  /** Peers whose acceptance of something wider is missing, in the order of their ids. */
  readonly waitsFor: readonly AuthorityId[];
}

/** The order in which peers are named makes no difference. */
export function termsInForce(published: Terms, acceptances: readonly PeerAcceptance[]): InForce {
  // The oldest last: where a section knows no narrower and wider, the oldest that somebody still relies on stays.
  const ordered = [...acceptances].sort(
    (one, other) => other.manifestIssuedAtMs - one.manifestIssuedAtMs || byCodeUnit(one.peer, other.peer),
  );
  let terms = published;
  for (const acceptance of ordered) terms = narrowed(acceptance.terms, terms);
  const waitsFor = ordered.filter((acceptance) => wider(acceptance.terms, published).length > 0);
  return { terms, waitsFor: waitsFor.map(({ peer }) => peer).sort(byCodeUnit) };
}

/** What a peer that accepted `before` would have to accept for `after` to count whole. */
export function wider(before: Terms, after: Terms): readonly Difference[] {
  return termsDifferences(before, after).filter(({ direction }) => direction === 'wider');
}

/** The accepted terms with everything of the newer ones that needs nobody's word. */
function narrowed(accepted: Terms, newer: Terms): Terms {
  const differences = termsDifferences(accepted, newer);
  if (differences.every(({ direction }) => direction !== 'wider')) return newer;
  let terms = structuredClone(accepted) as unknown as Json;
  for (const { path, after, direction } of differences) if (direction !== 'wider') terms = changed(terms, path, after);
  return Terms.parse(terms);
}

/** The value with one leaf set or, where undefined, taken away. What lies inside of something that is not there stays out. */
function changed(value: Json, path: readonly Step[], leaf: Json | undefined): Json {
  const [step, ...rest] = path;
  if (!step) return leaf ?? null;
  if (step.kind === 'member') {
    const object = isJsonObject(value) ? value : {};
    const { [step.name]: inner, ...others } = object;
    if (rest.length === 0) return leaf === undefined ? others : { ...others, [step.name]: leaf };
    if (inner === undefined && leaf === undefined) return object;
    return { ...others, [step.name]: changed(inner ?? (rest[0]?.kind === 'element' ? [] : {}), rest, leaf) };
  }
  const list: readonly Json[] = Array.isArray(value) ? (value as readonly Json[]) : [];
  const at = list.findIndex((element) => elementName(element) === step.name);
  const element = list[at];
  if (rest.length > 0) return element === undefined ? list : list.with(at, changed(element, rest, leaf));
  if (leaf === undefined) return list.filter((_, position) => position !== at);
  return element === undefined ? [...list, leaf] : list;
}
