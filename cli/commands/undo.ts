/** `concordat undo`: signs that what a run changed goes back, or takes that back. */
import type { Command } from 'commander';
import type { SignedUndo } from '../../activities/authority/undo-statement.js';
import { signCompact } from '../../activities/keys/sign.js';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId } from '../../core/record.js';
import { undoDefault, undoRecordsMax, undoStatementType, type UndoStatement } from '../../core/undo.js';
import { findApprover, type Approver } from '../deciding/approver.js';
import { confirmed } from '../deciding/confirm.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { findRun } from '../reading/find-run.js';
import { undoableRun, type Undoable, type UndoableRun } from '../reading/undoable.js';
import { undoableLines } from '../showing/undo-text.js';
import { counted, listWords, shortDigest } from '../showing/words.js';
import { sendUndo } from '../temporal/authority-workflows.js';
import { viewRun, type RunView } from '../temporal/runs.js';
import { endOf } from './reject.js';

interface Options {
  readonly as?: string;
  readonly key?: readonly string[];
  readonly until?: string;
  readonly authority?: string;
  readonly withdraw?: true;
  readonly yes?: true;
}

export function registerUndo(program: Command): void {
  defineCommand(program, {
    name: 'undo <run>',
    description:
      'Sign that the records which a run changed go back to what was agreed before it, as far as they have not moved since. Nothing is written by that: the next run plans the way back, and the people of every authority approve it as any other plan, the signer never alone. A record that the run created is deleted, in every cloud; one that it deleted is created again, which in some clouds means another native id and lost credentials. Without --as it only shows what would go back.',
    examples: [
      ['concordat undo latest', 'show what would go back, and sign nothing'],
      ['concordat undo latest --as ana', `everything that has not moved since; holds for ${undoDefault}`],
      ['concordat undo 3f2a91c0 --key "Ada Lovelace" --as ana', 'one record, by its name or the beginning of its key'],
      ['concordat undo 3f2a91c0 --as ana --until 3d', 'give up after three days'],
      ['concordat undo 3f2a91c0 --withdraw --as ana', 'take it back, as far as nothing was written yet'],
    ],
  })
    .option('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--key <keys...>', 'these records only, by the beginning of their key or by their name')
    .option('--until <end>', `when it ends unreached: a duration, a day or an instant; ${undoDefault} where left out`)
    .option('--authority <id>', 'sign for this authority, where several list you')
    .option('--withdraw', 'end what this authority said of the run before')
    .option('-y, --yes', 'do not ask before signing')
    .action(
      action<Options, [run: string]>((invocation, options, selector) =>
        withFederation<ExitCode>(invocation, {}, async (session) => {
          const run = await viewRun(session.runs, await findRun(session.runs, session.federation, selector));
          return options.withdraw
            ? withdraw(invocation, options, session, run)
            : undo(invocation, options, session, run);
        }),
      ),
    );
}

async function undo(
  invocation: Invocation,
  options: Options,
  session: FederationSession,
  run: RunView,
): Promise<ExitCode> {
  const nowMs = Date.now();
  const untilMs = endOf(options.until ?? undoDefault, nowMs);
  const signer = options.as === undefined ? null : await signerOf(invocation, options, session, options.as);
  const found = await undoableRun(session, run);
  const chosen = chosenOf(found, options.key);
  const shown = { ...found, undoable: chosen };
  const { output } = invocation;
  if (chosen.length === 0) {
    output.result({ ...shown, signed: null }, [
      ...undoableLines(shown, output.paint),
      'nothing of this run is left that could go back',
    ]);
    return 0;
  }
  if (chosen.length > undoRecordsMax)
    throw new ConcordatError(
      'usage',
      `${chosen.length} records are more than one statement can name (${undoRecordsMax}); name some with --key`,
    );
  if (!signer) {
    output.result({ ...shown, signed: null }, [
      ...undoableLines(shown, output.paint),
      `sign it: concordat undo ${run.runId.slice(0, 8)} --as <approver>`,
    ]);
    return 0;
  }
  for (const line of undoableLines(shown, output.paint)) output.note(line);
  const question = `Sign for ${signer.authority} that ${counted(chosen.length, 'record')} go back?`;
  if (!(await confirmed(invocation, question, options.yes === true)))
    throw new ConcordatError('usage', 'nothing was signed');
  const { dataset, sequence, before, after } = found;
  const statement: UndoStatement = {
    kind: 'undo',
    authority: signer.authority,
    run: found.run,
    sequence,
    before,
    after,
    records: chosen.map(({ record }) => record),
    untilMs,
  };
  const id = await send(session, signer, dataset, statement, nowMs);
  output.result({ ...shown, signed: { id, authority: signer.authority, approver: signer.approver, untilMs } }, [
    `${signer.authority} has it from ${signer.approver}: ${counted(chosen.length, 'record')} of run ${run.runId.slice(0, 8)} go back (undo ${shortDigest(id)})`,
    `the next run plans it, and people approve it: concordat run ${dataset}`,
  ]);
  return 0;
}

async function withdraw(
  invocation: Invocation,
  options: Options,
  session: FederationSession,
  run: RunView,
): Promise<ExitCode> {
  if (options.as === undefined) throw new ConcordatError('usage', '--withdraw needs --as: who signs');
  const signer = await signerOf(invocation, options, session, options.as);
  if (!run.result) throw new ConcordatError('undoRefused', `run ${run.runId.slice(0, 8)} has come to no end`);
  const statement: UndoStatement = { kind: 'withdraw', authority: signer.authority, run: run.result.run };
  await send(session, signer, run.dataset, statement, Date.now());
  invocation.output.result({ dataset: run.dataset, run: run.result.run, withdrawn: signer }, [
    `${signer.authority} has it from ${signer.approver}: run ${run.runId.slice(0, 8)} is not undone any more`,
    'what was written on the way back stays; the next run compares anew',
  ]);
  return 0;
}

interface Signer {
  readonly authority: AuthorityId;
  readonly approver: string;
  /** HAZARD: the private key; not enumerable, so that nothing prints it. */
  readonly key: Approver['key'];
}

async function signerOf(
  invocation: Invocation,
  options: Options,
  { federation, layout }: FederationSession,
  as: string,
): Promise<Signer> {
  const { key, listings } = await findApprover(federation, layout, invocation.workingFolder, as, options.authority);
  const [own, ...more] = listings;
  if (!own) throw new ConcordatError('notAnApprover', `no authority lists ${as}`);
  if (more.length > 0)
    throw new ConcordatError(
      'usage',
      `${as} signs for ${listWords(listings.map(({ authority }) => authority))}; say for which with --authority`,
    );
  const signer = { ...own, key };
  Object.defineProperty(signer, 'key', { enumerable: false });
  return signer;
}

async function send(
  { connection, name }: FederationSession,
  { authority, approver, key }: Signer,
  dataset: string,
  statement: UndoStatement,
  issuedAtMs: number,
): Promise<string> {
  const signed: SignedUndo = { federation: name, dataset, approver, statement, issuedAtMs };
  const jws = await signCompact(signed, { typ: undoStatementType, key });
  const { id } = await sendUndo({ connection, federation: name, authority, withinMs: 60_000 }, { dataset, jws });
  return id;
}

/** Throws notFound for a word that fits no record of the run. */
function chosenOf({ undoable, left }: UndoableRun, keys: readonly string[] | undefined): readonly Undoable[] {
  if (keys === undefined) return undoable;
  const fits = (word: string, { key, name }: { readonly key: string; readonly name: string | null }): boolean =>
    key.startsWith(word) || (name ?? '').toLowerCase() === word.toLowerCase();
  const all = [...undoable.map(({ record, name }) => ({ key: record.key, name })), ...left];
  const unknown = keys.filter((word) => !all.some((one) => fits(word, one)));
  if (unknown.length > 0)
    throw new ConcordatError('notFound', `this run wrote no record ${unknown.map((word) => `"${word}"`).join(', ')}`);
  return undoable.filter(({ record, name }) => keys.some((word) => fits(word, { key: record.key, name })));
}
