/** `concordat reject`: signs a rejection, with a reason and an end. */
import type { Command } from 'commander';
import { Duration, durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { decide } from '../deciding/decide.js';
import { action, defineCommand } from '../invocation.js';

interface Options {
  readonly as: string;
  readonly reason: string;
  readonly until?: string;
  readonly authority?: string;
  readonly only?: readonly string[];
  readonly yes?: true;
  readonly conflict?: readonly string[];
  readonly for?: string;
}

const reasonCharactersMax = 500;

export function registerReject(program: Command): void {
  defineCommand(program, {
    name: 'reject <plan>',
    description:
      'Sign a rejection of a plan, or of some of its operations and conflicts. Until its end, or until a value moves, the divergence is shown as accepted and not asked again.',
    examples: [
      ['concordat reject latest --as ana --reason "left on purpose"', 'everything, for 30 days'],
      ['concordat reject 3f2a91c0 --as ana --only 3 --until 90d --reason "a test account"', 'one operation'],
      ['concordat reject 3f2a91c0 --as ana --conflict 1 --reason "both spellings are right"', 'leave a conflict'],
      ['concordat reject 3f2a91c0 --as ana --until 2027-01-31 --reason "after the audit"', 'until a day'],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .requiredOption('--reason <text>', 'why; shown to everyone who sees the divergence')
    .option('--until <end>', 'how long it holds: a duration such as 30d, a day or an instant; 30 days where left out')
    .option('--authority <id>', 'sign for this authority only')
    .option(
      '--only <operations...>',
      'these operations only, and with `v1` the new types or maps of these numbers; the others stay open',
    )
    .option('--conflict <conflicts...>', 'these conflicts only: each is left as it is')
    .option('--for <approver>', 'speak with the voice that this approver delegated to you')
    .option('-y, --yes', 'do not ask before signing')
    .action(
      action<Options, [plan: string]>(async (invocation, options, plan) => {
        const reason = options.reason.trim();
        if (reason === '' || reason.length > reasonCharactersMax)
          throw new ConcordatError('usage', `--reason must have from 1 to ${reasonCharactersMax} characters`);
        const untilMs = options.until === undefined ? null : endOf(options.until, Date.now());
        return decide(invocation, plan, {
          as: options.as,
          authority: options.authority,
          only: options.only ?? [],
          choose: [],
          leave: options.conflict ?? [],
          yes: options.yes === true,
          verdict: { kind: 'reject', reason, untilMs },
          onlyThisPlan: false,
          for: options.for,
        });
      }),
    );
}

/** A duration from now, a day (to its end, in UTC), or an instant with its time zone. */
export function endOf(text: string, nowMs: number): number {
  const duration = Duration.safeParse(text);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const endMs = duration.success
    ? nowMs + durationMs(duration.data)
    : isDay
      ? Date.parse(`${text}T23:59:59.999Z`)
      : isInstant
        ? Date.parse(text)
        : Number.NaN;
  if (Number.isNaN(endMs) || ((isDay || isInstant) && !isDayOfCalendar(text.slice(0, 10))))
    throw new ConcordatError(
      'usage',
      `--until ${text}: write a duration such as 30d, a day such as 2027-01-31 or an instant such as 2027-01-31T12:00:00Z`,
    );
  if (endMs <= nowMs) throw new ConcordatError('usage', `--until ${text} is over already`);
  return endMs;
}

/** Date.parse takes the 31st of February for the 3rd of March. */
function isDayOfCalendar(day: string): boolean {
  const [, , dayOfMonth] = day.split('-');
  return new Date(`${day}T00:00:00Z`).getUTCDate() === Number(dayOfMonth);
}
