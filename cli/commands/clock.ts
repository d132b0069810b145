/** `concordat clock`: the hybrid logical clock of an authority whose private store lies on this machine. */
import type { Command } from 'commander';
import { readClockHead } from '../../activities/authority/clock.js';
import { resetClock } from '../../activities/authority/clock-reset.js';
import { ownSigners, signerNow } from '../../activities/manifests/own-keys.js';
import { createFileStore } from '../../activities/store-files.js';
import { aheadMs, hlcParts } from '../../core/clock/hlc.js';
import { durationMs, durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Authority } from '../../core/federation/authority.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { layoutOf, type Layout } from '../local/layout.js';
import { openFederation, openSignedFederation } from '../open-federation.js';
import { exchangeStore } from '../reading/stores.js';
import { listWords } from '../showing/words.js';

export function registerClock(program: Command): void {
  const clock = program.command('clock').description('Show or reset the logical clock of an authority.');
  defineCommand(clock, {
    name: 'show',
    description: 'Show how far the clock of an authority has come, against the time of this machine.',
    examples: [['concordat clock show --as aws', 'the clock of aws, whose private store is on this machine']],
  })
    .requiredOption('--as <authority>', 'whose clock')
    .action(
      action<{ readonly as: string }>(async (invocation, options) => {
        const { layout, authority } = await ownAuthority(invocation, options.as);
        const { head } = await readClockHead(createFileStore(layout.privateFolder(options.as)));
        const nowMs = Date.now();
        const ahead = head ? aheadMs(head.until, nowMs) : null;
        const jumped = ahead !== null && ahead > durationMs(authority.clock.maxAhead);
        invocation.output.result(
          { authority: options.as, until: head?.until ?? null, aheadMs: ahead, jumped, reset: head?.reset ?? null },
          [
            head
              ? `${options.as} has reserved its stamps up to ${head.until}, ${new Date(hlcParts(head.until).ms).toISOString()}`
              : `${options.as} has stamped nothing yet`,
            ...(jumped
              ? [
                  `it stands ${durationWords(ahead)} ahead of this machine and peers allow ${authority.clock.maxAhead}: set the machine right, then \`concordat clock reset --as ${options.as}\``,
                ]
              : []),
          ],
        );
        return jumped ? 1 : 0;
      }),
    );
  defineCommand(clock, {
    name: 'reset',
    description:
      'Set a clock that jumped ahead back to the time of this machine, with a signed statement that peers see. Set the machine right first. Refused where waiting is enough.',
    examples: [['concordat clock reset --as aws --reason "host was an hour ahead"', 'sign with the key of aws']],
  })
    .requiredOption('--as <authority>', 'whose clock; its key and its private store must be on this machine')
    .requiredOption('--reason <text>', 'why: it is published')
    .action(
      action<{ readonly as: string; readonly reason: string }>(async (invocation, { as: id, reason }) => {
        const { layout, authority } = await ownAuthority(invocation, id);
        const keys = keysOf(await openSignedFederation(invocation.federationFolder), id, 'messages');
        const key = signerNow(await ownSigners(layout.keysFolder, id, 'messages'), keys, Date.now());
        if (!key)
          throw new ConcordatError(
            'notFound',
            `no message key of ${id} that counts now is in ${layout.keysFolder}: only ${id} resets its clock`,
          );
        const { reset, ref } = await resetClock({
          authority: id,
          privateStore: createFileStore(layout.privateFolder(id)),
          exchange: exchangeStore(layout),
          key,
          keys,
          physicalMs: Date.now(),
          maxAheadMs: durationMs(authority.clock.maxAhead),
          reason,
        });
        invocation.output.result({ reset, ref }, [
          `${id} starts again at ${reset.restart}; what it reserved up to ${reset.abandoned} is abandoned`,
          `signed as reset ${reset.number} and published as ${ref.ref}`,
        ]);
        return 0;
      }),
    );
}

async function ownAuthority(
  { federationFolder, environment }: Invocation,
  id: string,
): Promise<{ readonly layout: Layout; readonly authority: Authority }> {
  const federation = await openFederation(federationFolder);
  const authority = federation.authorities[id];
  if (!authority)
    throw new ConcordatError(
      'usage',
      `there is no authority ${id}; the federation has ${listWords(Object.keys(federation.authorities))}`,
    );
  return { layout: layoutOf(federationFolder, environment), authority };
}
