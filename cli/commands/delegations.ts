/** `concordat delegations`: who lent whom a voice, and how one is taken back. */
import type { Command } from 'commander';
import { signCompact } from '../../activities/keys/sign.js';
import { delegationEndType, type DelegationEnd } from '../../core/approval/delegation.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { AuthorityId } from '../../core/record.js';
import type { DelegationView } from '../../workflows/activity-types.js';
import { findApprover } from '../deciding/approver.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { delegationText } from '../showing/delegation-text.js';
import { listDelegations, sendDelegation } from '../temporal/authority-workflows.js';

interface Options {
  readonly authority?: string;
  readonly end?: string;
  readonly as?: string;
  readonly all?: true;
}

/** Fewer characters of an id could mean several. */
const idCharactersMin = 6;

export function registerDelegations(program: Command): void {
  defineCommand(program, {
    name: 'delegations',
    description:
      'Show who lent whom a voice, in every authority whose worker answers. With --end, sign the end of one: who lent it and who got it may.',
    examples: [
      ['concordat delegations', 'those that hold now'],
      ['concordat delegations --all --authority aws', 'also those that are over'],
      ['concordat delegations --end q3V0c1 --as ana', 'take a voice back, or give it back'],
    ],
  })
    .option('--authority <id>', 'of this authority only')
    .option('--all', 'also those that are over or were ended')
    .option('--end <id>', 'end the delegation whose id begins with this')
    .option('--as <key>', 'who signs the end: the id of an approver, or the path of a key file')
    .action(
      action<Options>(async (invocation, options) =>
        withFederation(invocation, {}, async (session) => {
          const { federation } = session;
          if (options.authority !== undefined && !federation.authorities[options.authority])
            throw new ConcordatError(
              'usage',
              `there is no authority ${options.authority}; the federation has ${Object.keys(federation.authorities).join(', ')}`,
            );
          const asked =
            options.authority === undefined
              ? Object.keys(federation.authorities).sort(byCodeUnit)
              : [options.authority];
          const { known, silent } = await knownIn(session, asked);
          if (options.end !== undefined) return end(invocation, session, known, options.end, options.as);
          const shown = known.filter(({ state }) => options.all === true || state === 'holds');
          invocation.output.result({ delegations: shown, silent }, [
            ...(shown.length === 0 ? ['no voice is lent'] : shown.map((delegation) => delegationText(delegation))),
            ...silent.map((authority) => `${authority}: its worker does not answer, so nobody knows here`),
          ]);
          return 0;
        }),
      ),
    );
}

async function knownIn(
  { connection, name: federation }: FederationSession,
  authorities: readonly AuthorityId[],
): Promise<{ readonly known: readonly DelegationView[]; readonly silent: readonly AuthorityId[] }> {
  const silent: AuthorityId[] = [];
  const known = await Promise.all(
    authorities.map(async (authority) => {
      try {
        return await listDelegations({ connection, federation, authority, withinMs: 20_000 });
      } catch (error) {
        if (!(error instanceof ConcordatError) || error.code !== 'authorityAbsent' || authorities.length === 1)
          throw error;
        silent.push(authority);
        return [];
      }
    }),
  );
  return { known: known.flat(), silent };
}

async function end(
  invocation: Invocation,
  { federation, layout, connection, name }: FederationSession,
  known: readonly DelegationView[],
  word: string,
  as: string | undefined,
): Promise<0> {
  if (as === undefined) throw new ConcordatError('usage', '--end needs --as KEY: the end of a delegation is signed');
  const [found, ...more] = word.length < idCharactersMin ? [] : known.filter(({ id }) => id.startsWith(word));
  if (!found || more.length > 0)
    throw new ConcordatError(
      'notFound',
      more.length > 0
        ? `several delegations begin with ${word}; write more of the id`
        : `there is no delegation ${word}; give at least ${idCharactersMin} characters of its id, as \`concordat delegations --all\` prints it`,
    );
  const { authority } = found;
  const approver = await findApprover(federation, layout, invocation.workingFolder, as, authority);
  const listing = approver.listings.find((own) => own.authority === authority);
  const body: DelegationEnd = {
    delegation: found.id,
    federation: name,
    authority,
    approver: listing?.approver ?? as,
    issuedAtMs: Date.now(),
  };
  const jws = await signCompact(body, { typ: delegationEndType, key: approver.key });
  const ended = await sendDelegation(
    { connection, federation: name, authority, withinMs: 60_000 },
    'endDelegation',
    jws,
  );
  invocation.output.result({ delegation: ended }, [
    delegationText(ended),
    'decisions that were signed under it count no more; what was written stays',
  ]);
  return 0;
}
