/** `concordat link` and `concordat unlink`: a person says which records are, or are not, the same. */
import type { Command } from 'commander';
import type { LinkStatement } from '../../core/correlate.js';
import { ConcordatError } from '../../core/errors.js';
import { findApprover } from '../deciding/approver.js';
import { signLink, statementFor } from '../deciding/sign-link.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { findCase } from '../reading/cases.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { listWords, shortDigest } from '../showing/words.js';
import { sendLink } from '../temporal/authority-workflows.js';

interface Options {
  readonly as: string;
  readonly authority?: string;
  readonly dataset?: string;
}

export function registerLink(program: Command): void {
  register(program, 'link', {
    description:
      'Say, with your key, that the record of a case is the same as one of its candidates. Cases and candidates go by the numbers that `concordat cases` prints, or the beginning of their digests.',
    examples: [['concordat link 8c01d2aa90ff 2 --as ana', 'the second candidate is the same person']],
  });
}

export function registerUnlink(program: Command): void {
  register(program, 'unlink', {
    description:
      'Say, with your key, that the record of a case is not the same as one of its candidates, or as any of them where none is named. Where none is left, it becomes a record of its own.',
    examples: [
      ['concordat unlink 8c01d2aa90ff 1 --as ana', 'the first candidate is somebody else'],
      ['concordat unlink 8c01d2aa90ff --as ana', 'it is a record of its own'],
    ],
  });
}

function register(
  program: Command,
  name: 'link' | 'unlink',
  texts: { readonly description: string; readonly examples: readonly (readonly [string, string])[] },
): void {
  defineCommand(program, { name: name === 'link' ? 'link <case> <candidate>' : 'unlink <case> [candidate]', ...texts })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--authority <id>', 'sign for this authority; the one whose record is in doubt where left out')
    .option('--dataset <name>', 'where cases of several datasets have the same number')
    .action(
      action<Options, [found: string, candidate: string | undefined]>((invocation, options, found, candidate) =>
        decideCase(invocation, name === 'link' ? 'link' : 'apart', options, found, candidate),
      ),
    );
}

async function decideCase(
  invocation: Invocation,
  kind: LinkStatement['kind'],
  options: Options,
  caseWord: string,
  candidateWord: string | undefined,
): Promise<ExitCode> {
  return withFederation<ExitCode>(invocation, {}, async (session) => {
    const { federation, layout, connection, name } = session;
    const approver = await findApprover(federation, layout, invocation.workingFolder, options.as, options.authority);
    const named = options.dataset === undefined ? undefined : chooseDataset(federation, options.dataset);
    const { dataset, found, candidates } = await findCase(session, caseWord, candidateWord, named);
    const authority = options.authority ?? found.case.authority;
    const listing = approver.listings.find((one) => one.authority === authority);
    if (!listing)
      throw new ConcordatError(
        'notAnApprover',
        `case ${shortDigest(found.case.id)} is for the people of ${authority} (${listWords(federation.authorities[authority]?.approvers.map(({ id }) => id) ?? [])}); ${options.as} signs for ${listWords(approver.listings.map((one) => one.authority))}`,
      );
    const statements = candidates.map((candidate) => statementFor(kind, found, candidate, authority));
    for (const statement of statements) {
      const signed = { federation: name, dataset, approver: listing.approver, statement, issuedAtMs: Date.now() };
      const jws = await signLink(signed, approver.key);
      await sendLink({ connection, federation: name, authority, withinMs: 60_000 }, { dataset, jws });
    }
    const [statement] = statements;
    const [candidate] = candidates;
    const words =
      candidateWord === undefined || !candidate
        ? 'is none of its candidates, but a record of its own'
        : `and candidate ${candidateWord} of ${candidate.authority} ${kind === 'link' ? 'are the same' : 'are not the same'}`;
    invocation.output.result(
      {
        dataset,
        case: found.case.id,
        ...(candidateWord === undefined ? { statements } : { statement }),
        approver: listing.approver,
      },
      [
        `${authority} has it from ${listing.approver}: this ${found.case.type} of ${found.case.authority} ${words}`,
        `the next run uses it: concordat run ${dataset}`,
      ],
    );
    return 0;
  });
}
