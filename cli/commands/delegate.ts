/** `concordat delegate`: an approver lends another approver of the same authority their voice, for a time. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { signCompact } from '../../activities/keys/sign.js';
import { delegationType, type Delegation } from '../../core/approval/delegation.js';
import { ConcordatError } from '../../core/errors.js';
import type { DelegationView } from '../../workflows/activity-types.js';
import { findApprover } from '../deciding/approver.js';
import { action, defineCommand, type ExitCode } from '../invocation.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { delegationText } from '../showing/delegation-text.js';
import { listWords } from '../showing/words.js';
import { sendDelegation } from '../temporal/authority-workflows.js';
import { endOf } from './reject.js';

interface Options {
  readonly as: string;
  readonly to: string;
  readonly until: string;
  readonly authority?: string;
  readonly dataset?: string;
  readonly kinds?: readonly string[];
  readonly reason?: string;
}

const kinds = ['create', 'update', 'delete'] as const;
const reasonCharactersMax = 200;

export function registerDelegate(program: Command): void {
  defineCommand(program, {
    name: 'delegate',
    description:
      'Lend your voice, with your key, to another approver of the same authority. Their decisions then name the delegation and count as yours, in your roles; nobody counts twice by it, and it cannot be lent on.',
    examples: [
      ['concordat delegate --as ana --to ben --until 14d', 'while ana is away'],
      ['concordat delegate --as ana --to ben --until 2027-01-31 --dataset workforce --kinds update', 'a part of it'],
      ['concordat approve latest --as ben --for ana', 'how ben then speaks for ana'],
    ],
  })
    .requiredOption('--as <key>', 'whose voice: the id of an approver, or the path of a key file')
    .requiredOption('--to <id>', 'the approver who may speak for you')
    .requiredOption('--until <end>', 'a duration such as 14d, a day or an instant')
    .option('--authority <id>', 'in this authority only; in all that list both where left out')
    .option('--dataset <name>', 'for this dataset only')
    .option('--kinds <kinds...>', `for these kinds of operations only: ${kinds.join(', ')}`)
    .option('--reason <text>', 'why; kept with the delegation')
    .action(
      action<Options>(async (invocation, options) => {
        const nowMs = Date.now();
        const untilMs = endOf(options.until, nowMs);
        const chosen = kindsOf(options.kinds);
        const reason = options.reason?.trim() ?? null;
        if (reason !== null && (reason === '' || reason.length > reasonCharactersMax))
          throw new ConcordatError('usage', `--reason must have from 1 to ${reasonCharactersMax} characters`);
        return withFederation<ExitCode>(invocation, {}, async ({ federation, layout, connection, name }) => {
          const { as, to, authority: only } = options;
          const approver = await findApprover(federation, layout, invocation.workingFolder, as, only);
          const dataset = options.dataset === undefined ? null : chooseDataset(federation, options.dataset);
          const shared = approver.listings.filter(({ authority }) =>
            federation.authorities[authority]?.approvers.some(({ id }) => id === to),
          );
          if (shared.length === 0)
            throw new ConcordatError(
              'notAnApprover',
              `${listWords(approver.listings.map(({ authority }) => authority))} list no approver ${to}; a voice can be lent within an authority only`,
            );
          const given: DelegationView[] = [];
          for (const { authority, approver: from } of shared) {
            const delegation: Delegation = {
              id: randomBytes(16).toString('base64url'),
              federation: name,
              authority,
              dataset,
              kinds: chosen,
              from,
              to,
              reason,
              issuedAtMs: nowMs,
              untilMs,
            };
            const jws = await signCompact(delegation, { typ: delegationType, key: approver.key });
            given.push(
              await sendDelegation({ connection, federation: name, authority, withinMs: 60_000 }, 'delegate', jws),
            );
          }
          invocation.output.result({ delegations: given }, [
            ...given.map((delegation) => delegationText(delegation)),
            `take it back with  concordat delegations --end ${given[0]?.id ?? 'ID'} --as ${as}`,
          ]);
          return 0;
        });
      }),
    );
}

function kindsOf(words: readonly string[] | undefined): Delegation['kinds'] {
  if (words === undefined) return null;
  const given = words.flatMap((word) => word.split(',')).map((word) => word.trim());
  const unknown = given.filter((word) => !kinds.some((kind) => kind === word));
  if (unknown.length > 0 || given.length === 0)
    throw new ConcordatError('usage', `--kinds ${words.join(' ')}: write some of ${kinds.join(', ')}`);
  return kinds.filter((kind) => given.includes(kind));
}
