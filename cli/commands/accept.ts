/** `concordat accept`: a difference is left as it is, with an owner, a reason and an end. */
import type { Command } from 'commander';
import { shownStates } from '../../core/acceptance-statement.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { isAcceptable, type Divergence, type MadePlan } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { findApprover } from '../deciding/approver.js';
import { giveStatement, requiredText, type GivenStatement } from '../deciding/sign-statement.js';
import { action, defineCommand } from '../invocation.js';
import { meant, planAgain, requireField } from '../reading/explained.js';
import { withFederation } from '../reading/federation-session.js';
import { visibleText } from '../showing/value-text.js';
import { divergenceWords, instantText, listWords, shortDigest } from '../showing/words.js';
import { endOf } from './reject.js';

interface Options {
  readonly as: string;
  readonly owner: string;
  readonly reason: string;
  readonly until: string;
  readonly field?: string;
  readonly run?: string;
  readonly authority?: string;
}

export function registerAccept(program: Command): void {
  defineCommand(program, {
    name: 'accept <key>',
    description:
      'Accept a difference as it is, with your key: nobody is asked about it at your authorities until the end that you give, or until a value of any member moves. It needs no open review, and every plan shows it apart, with its owner. Take it back with `concordat withdraw`.',
    examples: [
      [
        'concordat accept 3f2a91c0 --field department --owner "HR Berlin" --reason "two spellings on purpose" --until 90d --as ana',
        'one field',
      ],
      [
        'concordat accept "Ana Ruiz" --owner platform --reason "only in aws" --until 2027-01-31 --as ana',
        'the whole record',
      ],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .requiredOption('--owner <text>', 'who answers for the difference')
    .requiredOption('--reason <text>', 'why; shown to everyone who sees it')
    .requiredOption('--until <end>', 'how long it holds: a duration such as 30d, a day or an instant')
    .option('--field <name>', 'this field only; the whole record where left out')
    .option('--run <run>', 'over the values that this run saw; the newest where left out')
    .option('--authority <id>', 'sign for this authority only')
    .action(
      action<Options, [key: string]>(async (invocation, options, word) => {
        const owner = requiredText('--owner', options.owner, 200);
        const reason = requiredText('--reason', options.reason, 500);
        const untilMs = endOf(options.until, Date.now());
        return withFederation<0>(invocation, { withinMs: 180_000 }, async (session) => {
          const { federation, layout } = session;
          const { workingFolder, output } = invocation;
          const approver = await findApprover(federation, layout, workingFolder, options.as, options.authority);
          const { plan, planInput, found, nameOf } = await planAgain(session, options.run ?? 'latest');
          const { type, key } = await meant(planInput, word, nameOf);
          const field = options.field ?? null;
          if (field !== null) requireField(federation, type, field);
          const concerned = concernedBy(plan, { type, key, field });
          const own = approver.listings.filter(({ authority }) => concerned.includes(authority));
          if (own.length === 0)
            throw new ConcordatError(
              'notAnApprover',
              `the difference is for the people of ${listWords(concerned)}; this key signs for ${listWords(approver.listings.map(({ authority }) => authority))}`,
            );
          const values = shownStates(planInput, { type, key, field });
          const given: GivenStatement[] = [];
          for (const { authority } of own)
            given.push(
              await giveStatement(session, approver, found.dataset, {
                kind: 'accept',
                authority,
                type,
                key,
                field,
                values,
                owner,
                reason,
                untilMs,
              }),
            );
          const name = (await nameOf(type, key)) ?? key.slice(0, 12);
          output.result(
            {
              dataset: found.dataset,
              type,
              key,
              field,
              owner,
              reason,
              untilMs,
              accepted: given.map(({ authority, approver: by, recorded }) => ({
                authority,
                approver: by,
                id: recorded.id,
              })),
            },
            [
              ...given.map(
                ({ authority, approver: by, recorded }) =>
                  `${authority} has it from ${by}: ${type} ${visibleText(name)}${field === null ? '' : ` ${field}`} stays as it is until ${instantText(new Date(untilMs))}, or until a value moves (${shortDigest(recorded.id)})`,
              ),
              `the next run shows it apart: concordat run ${found.dataset}`,
              `take it back with  concordat withdraw ${shortDigest(given[0]?.recorded.id ?? '')} --as KEY`,
            ],
          );
          return 0;
        });
      }),
    );
}

/** The authorities at which the difference would be settled, or lies. Throws notFound where nothing differs, usage where nothing can be accepted yet. */
function concernedBy(
  { divergences, operations, conflicts }: MadePlan,
  { type, key, field }: { readonly type: string; readonly key: string; readonly field: string | null },
): readonly AuthorityId[] {
  const isOwn = (one: { readonly type: string; readonly key: string }): boolean => one.type === type && one.key === key;
  const found = divergences.filter((one) => isOwn(one) && (field === null || one.field === field));
  if (found.length === 0)
    throw new ConcordatError(
      'notFound',
      `${type} ${key.slice(0, 12)}${field === null ? '' : ` ${field}`} differs nowhere; see \`concordat plan\``,
    );
  const open = found.filter(({ kind }) => isAcceptable(kind));
  if (open.length === 0)
    throw new ConcordatError('usage', `there is nothing to accept yet: it is ${listWords(found.map(whyNot))}`);
  const touched = [...operations, ...conflicts.flatMap(({ candidates }) => candidates.flatMap((one) => one.operations))]
    .filter((operation) => isOwn(operation) && (field === null || operation.changes.some((one) => one.field === field)))
    .map(({ authority }) => authority);
  return [...new Set([...touched, ...open.flatMap(({ at }) => at)])].sort(byCodeUnit);
}

function whyNot({ kind }: Divergence): string {
  return divergenceWords[kind];
}
