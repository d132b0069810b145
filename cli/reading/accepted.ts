/** What stands of people's words in the newest run of a dataset: accepted differences and records that are nobody's. */
import type { StandingAcceptance } from '../../core/acceptance-statement.js';
import type { StandingIgnore } from '../../core/ignored.js';
import { byCodeUnit } from '../../core/json.js';
import { planAgain } from './explained.js';
import type { FederationSession } from './federation-session.js';

export interface AcceptedDifference extends Omit<StandingAcceptance, 'values'> {
  readonly name: string | null;
  /**
   * `holds`: the difference is there and nobody is asked. `moved`: a value is another one than accepted, so it is back in
   * the list. `gone`: there is no such difference any more. `ended`: its end has come.
   */
  readonly state: 'holds' | 'moved' | 'gone' | 'ended';
}

export interface IgnoredNative extends StandingIgnore {
  /** False where its authority shows no such native object now. */
  readonly isThere: boolean;
}

export interface Accepted {
  readonly dataset: string;
  readonly accepted: readonly AcceptedDifference[];
  readonly ignored: readonly IgnoredNative[];
}

export async function acceptedIn(session: FederationSession, dataset: string, nowMs: number): Promise<Accepted> {
  const { plan, messages, nameOf } = await planAgain(session, dataset);
  const standings = Object.values(messages.standings);
  const accepted = await Promise.all(
    standings
      .flatMap(({ acceptances }) => acceptances ?? [])
      .sort((a, b) => a.untilMs - b.untilMs || byCodeUnit(a.id, b.id))
      .map(async ({ values: _values, ...own }): Promise<AcceptedDifference> => {
        const differences = plan.divergences.filter(
          ({ type, key, field }) => type === own.type && key === own.key && (own.field === null || field === own.field),
        );
        const holds = differences.some((one) =>
          one.accepted.some(({ authority, owner }) => authority === own.authority && owner === own.owner),
        );
        const state =
          own.untilMs <= nowMs ? 'ended' : holds ? 'holds' : differences.length > 0 ? ('moved' as const) : 'gone';
        return { ...own, name: await nameOf(own.type, own.key), state };
      }),
  );
  const there = new Set((plan.ignored ?? []).map(({ authority, type, key }) => `${authority} ${type} ${key}`));
  const ignored = standings
    .flatMap((standing) => standing.ignored ?? [])
    .map((own) => ({ ...own, isThere: there.has(`${own.authority} ${own.type} ${own.record}`) }))
    .sort((a, b) => byCodeUnit(a.authority + a.record, b.authority + b.record));
  return { dataset, accepted, ignored };
}
