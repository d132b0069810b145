/** `concordat erase`: people of an authority have their authority's copies of a record's history removed. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { readErasure } from '../../activities/lineage/erasures.js';
import { keysOfFederation } from '../../activities/lineage/trusted-keys.js';
import { signCompact } from '../../activities/keys/sign.js';
import { stampText } from '../../activities/lineage/words.js';
import { ConcordatError } from '../../core/errors.js';
import { erasureRequestType, erasureSubject, type ErasureRequest } from '../../core/lineage/erasure.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { EraseCopiesResult, EraseResult } from '../../workflows/contract.js';
import { findApprover, type Approver } from '../deciding/approver.js';
import { confirmed } from '../deciding/confirm.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { recordEverNamed } from '../reading/gone-record.js';
import { outOfReachText, removedText } from '../showing/erasure-text.js';
import { visibleText } from '../showing/value-text.js';
import { listWords } from '../showing/words.js';
import { sendEraseCopies, sendErasure } from '../temporal/erasing.js';

interface Options {
  readonly as: string;
  readonly reason: string;
  readonly authority?: readonly string[];
  readonly dataset?: string;
  readonly type?: string;
  readonly output?: string;
  readonly yes?: boolean;
}

const reasonCharactersMax = 200;
const requestHoldsMs = 7 * 86_400_000;
const withinMs = 120_000;

export function registerErase(program: Command): void {
  defineCommand(program, {
    name: 'erase <record>',
    description:
      "Have the copies of a record's history removed from the stores of your authority: its salt, and every segment, plan, review and page that held it. The record must be gone from every mesh and from the agreed base. Each authority acts on the word of its own people alone, as many as it wants for a deletion, and signs a receipt; the chain of hops stays valid. Exit code 2 where somebody has still to act.",
    examples: [
      ['concordat erase "Noor Haddad" --as ana --reason "request 4711"', 'at every authority where ana signs'],
      ['concordat erase 5f0c2a91 --as ben --authority sov --reason "request 4711"', 'at one of them'],
      ['concordat lineage 5f0c2a91…', 'by its whole key: shows who erased it, and when'],
    ],
  })
    .requiredOption('--as <key>', 'who asks: the id of an approver, or the path of a key file')
    .requiredOption('--reason <text>', 'kept for ever beside the receipt, so name a case and no person')
    .option('--authority <id...>', 'at these only; at all that list the key where left out')
    .option('--dataset <name>', 'where the federation has several')
    .option('--type <type>', 'with a whole key: also where no base that can be read had the record')
    .option('-o, --output <file>', 'also write the signed receipts, one a line, for `concordat verify --receipts`')
    .option('-y, --yes', 'do not ask')
    .action(
      action<Options, [record: string]>((invocation, options, word) =>
        withFederation<ExitCode>(invocation, {}, (session) => eraseNamed(invocation, session, options, word)),
      ),
    );
}

async function eraseNamed(
  invocation: Invocation,
  session: FederationSession,
  options: Options,
  word: string,
): Promise<ExitCode> {
  const { federation, exchange, connection, name: federationName } = session;
  const reason = options.reason.trim();
  if (reason === '' || reason.length > reasonCharactersMax)
    throw new ConcordatError('usage', `--reason must have from 1 to ${reasonCharactersMax} characters`);
  const dataset = chooseDataset(federation, options.dataset);
  const members = [...(federation.datasets[dataset]?.members ?? [])].sort();
  const approver = await approverFor(invocation, session, options, members);
  const record: RecordName =
    options.type === undefined
      ? await recordEverNamed(federation, exchange, dataset, word)
      : { dataset, type: options.type, key: word };
  const where = approver.listings.map(({ authority }) => authority);
  const question = `Remove every copy of the history of ${visibleText(record.type)} ${visibleText(record.key.slice(0, 12))} at ${listWords(where)}? It cannot be undone.`;
  if (!(await confirmed(invocation, question, options.yes ?? false)))
    throw new ConcordatError('usage', 'nothing was signed');

  const answers: EraseResult[] = [];
  for (const { authority, approver: id } of approver.listings) {
    const jws = await signedRequest(federationName, record, authority, id, reason, approver);
    const ask = { connection, federation: federationName, authority, withinMs };
    answers.push(await sendErasure(ask, { ...record, jws }));
  }
  const { paint } = invocation.output;
  const states = await statesOf(session, record, members, answers);
  const open = states.filter(({ receipt }) => receipt === null);
  const copies: EraseCopiesResult =
    open.length > 0
      ? { kind: 'waiting', missing: open.map(({ authority }) => authority) }
      : await sendEraseCopies({ connection, federation: federationName, withinMs }, record);
  const receipts = states.flatMap(({ receipt }) => (receipt ? [receipt.jws] : []));
  const file = options.output === undefined ? null : path.resolve(invocation.workingFolder, options.output);
  if (file !== null) await writeFile(file, receipts.map((jws) => `${jws}\n`).join(''), { mode: 0o600 });
  const reach = states.flatMap(({ receipt }) => receipt?.receipt.outOfReach ?? []);
  const stillThere = [
    ...new Set(reach.filter(({ kind }) => kind !== 'member' && kind !== 'coordinator').map(outOfReachText)),
  ];
  invocation.output.result(
    {
      dataset,
      type: record.type,
      record: states.find(({ receipt }) => receipt?.receipt.record)?.receipt?.receipt.record ?? null,
      members: states.map(({ authority, receipt, waiting }) => ({
        authority,
        state: receipt ? 'erased' : waiting ? 'waitsForPeople' : 'notYet',
        ...(receipt ? { receipt: receipt.jws, removed: receipt.receipt.removed, hlc: receipt.receipt.hlc } : {}),
        ...(waiting?.kind === 'waiting' ? { missing: waiting.missing, required: waiting.required } : {}),
      })),
      coordinator: copies,
      outOfReach: stillThere,
    },
    [
      ...states.map(({ authority, receipt, waiting }) =>
        receipt
          ? `${paint.green('erased')}   ${authority} at ${stampText(receipt.receipt.hlc)}: ${removedText(receipt.receipt.removed)}`
          : waiting?.kind === 'waiting'
            ? `${paint.yellow('waits')}    ${authority}: ${waiting.missing} more must ask (${waiting.required})`
            : `${paint.yellow('not yet')}  ${authority}: its people run  concordat erase ${record.key} --type ${record.type} --as KEY --reason TEXT`,
      ),
      copies.kind === 'erased'
        ? `${paint.green('erased')}   the coordinator's copies: ${removedText(copies.removed)}`
        : `${paint.yellow('not yet')}  the coordinator's copies, which go after the last member's`,
      '',
      'out of reach:',
      ...stillThere.map((text) => `  ${text}`),
      ...(file === null ? [] : ['', `wrote ${file}: ${receipts.length} signed receipts`]),
    ],
  );
  return copies.kind === 'erased' ? 0 : 2;
}

async function approverFor(
  invocation: Invocation,
  { federation, layout }: FederationSession,
  { as, authority: only }: Options,
  members: readonly string[],
): Promise<Approver> {
  const approver = await findApprover(federation, layout, invocation.workingFolder, as, undefined);
  const named = only?.flatMap((word) => word.split(',')).map((word) => word.trim());
  const unknown = named?.filter((id) => !members.includes(id)) ?? [];
  if (unknown.length > 0)
    throw new ConcordatError('usage', `--authority ${unknown.join(' ')}: the dataset has ${listWords(members)}`);
  const listings = approver.listings.filter(
    ({ authority }) => members.includes(authority) && (named?.includes(authority) ?? true),
  );
  const missing = named?.filter((id) => !listings.some(({ authority }) => authority === id)) ?? [];
  if (listings.length === 0 || missing.length > 0)
    throw new ConcordatError(
      'notAnApprover',
      `${as} signs for ${listWords(approver.listings.map(({ authority }) => authority))}, and not for ${listWords(missing.length > 0 ? missing : members)}`,
    );
  return { ...approver, listings };
}

function signedRequest(
  federation: string,
  record: RecordName,
  authority: string,
  approver: string,
  reason: string,
  { key }: Approver,
): Promise<string> {
  const nowMs = Date.now();
  const request: ErasureRequest = {
    id: randomBytes(16).toString('base64url'),
    federation,
    authority,
    dataset: record.dataset,
    subject: erasureSubject(record),
    approver,
    reason,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + requestHoldsMs,
  };
  return signCompact(request, { typ: erasureRequestType, key });
}

/** Of each member: its receipt, verified with the pinned keys, or what it answered. */
async function statesOf(
  { federation, exchange }: FederationSession,
  record: RecordName,
  members: readonly string[],
  answers: readonly EraseResult[],
) {
  const keys = keysOfFederation(federation);
  return Promise.all(
    members.map(async (authority) => ({
      authority,
      receipt: await readErasure(exchange, keys, authority, record.dataset, erasureSubject(record)),
      waiting: answers.find((answer) => answer.authority === authority && answer.kind === 'waiting') ?? null,
    })),
  );
}
