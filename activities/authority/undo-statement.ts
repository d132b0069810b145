/**
 * Signed undos of this authority's people: verified, kept in its private store, and published with its standing until each
 * is reached, expired or withdrawn. What has ended stays ended: the same signed words brought again are refused.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { Base } from '../../core/messages.js';
import { StandingUndo, stillUndone, UndoStatement, undoStatementType, type UndoRecord } from '../../core/undo.js';
import { getDocument } from '../exchange.js';
import { verifyCompact } from '../keys/verify.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { BaseChain, fieldsIn, valuesOf } from '../undone.js';
import { readAgreement } from './agreements.js';
import { authorityOf, type AuthorityContext } from './context.js';

export const SignedUndo = z.strictObject({
  federation: z.string(),
  dataset: z.string(),
  approver: z.string(),
  statement: UndoStatement,
  issuedAtMs: z.int(),
});
export type SignedUndo = z.infer<typeof SignedUndo>;

export const undoLongest = '90d';
const clockToleranceMs = 60_000;

/** By id, so that erasing a record takes it out of the statements that name it and leaves their other records. */
const UndoState = z.strictObject({
  /** `checked`: the number of the last agreement that the records were held against. */
  standing: z.record(Digest, StandingUndo.extend({ checked: z.int(), issuedAtMs: z.int() })),
  ended: z.record(Digest, z.strictObject({ untilMs: z.int() })),
});
type UndoState = z.infer<typeof UndoState>;

export function undoHeadName(dataset: string): string {
  return `undos/${dataset}`;
}

async function readState(context: AuthorityContext, dataset: string): Promise<{ state: UndoState; version: number }> {
  const head = await context.privateStore.readHead(undoHeadName(dataset));
  if (!head) return { state: { standing: {}, ended: {} }, version: 0 };
  return { state: UndoState.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

async function writeState(
  context: AuthorityContext,
  dataset: string,
  version: number,
  { standing, ended }: UndoState,
): Promise<boolean> {
  const nowMs = context.now();
  const state: UndoState = {
    standing,
    // Whoever brings it again after that brings what has expired.
    ended: Object.fromEntries(Object.entries(ended).filter(([, { untilMs }]) => untilMs > nowMs)),
  };
  return context.privateStore.compareAndSetHead(
    undoHeadName(dataset),
    version,
    new TextEncoder().encode(JSON.stringify(state)),
  );
}

/** Throws undoRefused with what is wrong, decisionSignature where no listed approver signed it. */
export async function recordUndo(
  context: AuthorityContext,
  input: { readonly dataset: string; readonly jws: string },
): Promise<{ readonly id: Digest; readonly statement: UndoStatement }> {
  const signed = await verifiedUndo(context, input);
  const { statement, approver, issuedAtMs } = signed;
  const id = digestOf(signed);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { state, version } = await readState(context, input.dataset);
    const next =
      statement.kind === 'withdraw'
        ? withdrawn(state, statement.run, issuedAtMs)
        : await added(context, input.dataset, state, { ...statement, id, approver, issuedAtMs });
    if (next === state || (await writeState(context, input.dataset, version, next))) return { id, statement };
  }
  throw new ConcordatError('storeFault', `the undos of ${input.dataset} are being written by somebody else`);
}

async function verifiedUndo(
  context: AuthorityContext,
  { dataset, jws }: { readonly dataset: string; readonly jws: string },
): Promise<SignedUndo> {
  const authority = authorityOf(context);
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload } = await verifyCompact(jws, { typ: undoStatementType, keys });
  const parsed = SignedUndo.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed undo does not have the shape of this version');
  const signed = parsed.data;
  const key = authority.approvers.find(({ id }) => id === signed.approver)?.key;
  if (!key) throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  await verifyCompact(jws, { typ: undoStatementType, keys: [key] });
  const { statement, federation, issuedAtMs } = signed;
  if (
    statement.authority !== context.id ||
    signed.dataset !== dataset ||
    federation !== context.federation.file.federation
  )
    throw new ConcordatError(
      'decisionForOtherPlan',
      `the undo is for ${statement.authority}, dataset ${signed.dataset} of ${federation}`,
    );
  // Else a date in the future would stretch the longest time that is allowed.
  if (issuedAtMs > context.now() + clockToleranceMs)
    throw new ConcordatError('undoRefused', 'the undo is dated in the future');
  if (statement.kind === 'undo') {
    if (statement.untilMs <= context.now()) throw new ConcordatError('undoOver', 'the undo is over already');
    if (statement.untilMs - issuedAtMs > durationMs(undoLongest))
      throw new ConcordatError('undoRefused', `an undo holds for ${undoLongest} at most`);
  }
  return signed;
}

/** HAZARD: an old withdrawal that is brought again must not end what was said after it. */
function withdrawn(state: UndoState, run: Digest, issuedAtMs: number): UndoState {
  const isMeant = (undo: UndoState['standing'][string]): boolean => undo.run === run && undo.issuedAtMs <= issuedAtMs;
  const all = Object.entries(state.standing);
  const meant = all.filter(([, undo]) => isMeant(undo));
  if (meant.length === 0) throw new ConcordatError('undoRefused', `no undo of run ${run.slice(0, 12)} stands here`);
  return {
    standing: Object.fromEntries(all.filter(([, undo]) => !isMeant(undo))),
    ended: { ...state.ended, ...Object.fromEntries(meant.map(([id, { untilMs }]) => [id, { untilMs }])) },
  };
}

async function added(
  context: AuthorityContext,
  dataset: string,
  state: UndoState,
  {
    kind: _kind,
    authority: _authority,
    ...undo
  }: Extract<UndoStatement, { kind: 'undo' }> & {
    readonly id: Digest;
    readonly approver: string;
    readonly issuedAtMs: number;
  },
): Promise<UndoState> {
  if (state.standing[undo.id]) return state;
  if (state.ended[undo.id])
    throw new ConcordatError('undoOver', `undo ${undo.id.slice(0, 12)} was withdrawn, or has been reached`);
  const chain = await ownChain(context, dataset);
  if (!(await chain?.bases.pair(undo.before, undo.after, undo.sequence)))
    throw new ConcordatError(
      'undoRefused',
      `base ${undo.sequence} of ${dataset}, as the undo names it, is none that this authority's own agreement stands on`,
    );
  return { ...state, standing: { ...state.standing, [undo.id]: { ...undo, checked: undo.sequence } } };
}

/** What the next open publishes, after every agreement since was looked at; undefined where nobody undoes anything. */
export async function currentUndos(
  context: AuthorityContext,
  dataset: string,
): Promise<readonly StandingUndo[] | undefined> {
  const { state, version } = await readState(context, dataset);
  const known = Object.values(state.standing).sort((a, b) => byCodeUnit(a.id, b.id));
  if (known.length === 0) return undefined;
  const chain = await ownChain(context, dataset);
  const next: UndoState = { standing: {}, ended: { ...state.ended } };
  for (const undo of known) {
    const left = undo.untilMs > context.now() && chain ? await leftOf(context, undo, chain) : [];
    if (left.length === 0) next.ended[undo.id] = { untilMs: undo.untilMs };
    else next.standing[undo.id] = { ...undo, records: left, checked: Math.max(undo.checked, chain?.sequence ?? 0) };
  }
  // Where somebody else writes at the same moment the next open says it.
  await writeState(context, dataset, version, next);
  const standing = Object.values(next.standing).map(
    ({ checked: _checked, issuedAtMs: _issuedAtMs, ...undo }): StandingUndo => undo,
  );
  return standing.length === 0 ? undefined : standing;
}

interface OwnChain {
  readonly bases: BaseChain;
  readonly sequence: number;
}

async function ownChain(context: AuthorityContext, dataset: string): Promise<OwnChain | undefined> {
  const { agreement } = await readAgreement(context, dataset);
  if (!agreement) return undefined;
  const base = await getDocument(context.exchange, agreement.ref, Base);
  const bases = new BaseChain(context.exchange, membersOf(context, dataset), base, agreement.digest);
  return { bases, sequence: agreement.sequence };
}

function membersOf(context: AuthorityContext, dataset: string): readonly string[] {
  return context.federation.datasets[dataset]?.members ?? [context.id];
}

/** HAZARD: without every agreement in between nobody can say that a record has not moved, so then nothing is left. */
async function leftOf(
  context: AuthorityContext,
  undo: UndoState['standing'][string],
  { bases, sequence }: OwnChain,
): Promise<UndoRecord[]> {
  const pair = await bases.pair(undo.before, undo.after, undo.sequence);
  if (!pair) return [];
  const reader = createSegmentReader({
    store: context.exchange,
    prefixes: [...membersOf(context, pair.after.dataset), context.id],
  });
  let left: UndoRecord[] = undo.records;
  for (let number = undo.checked + 1; number <= sequence && left.length > 0; number += 1) {
    const later = await bases.at(number);
    if (!later) return [];
    const standing: UndoRecord[] = [];
    for (const record of left) {
      const values = await valuesOf(record.type, record.key, pair, reader);
      const now = await fieldsIn(later.base, record.type, record.key, reader);
      const fields = context.federation.taxonomy[record.type]?.fields;
      const still =
        values && stillUndone(record, values.was, values.found, now, (field) => fields?.[field]?.kind === 'set');
      if (still) standing.push(still);
    }
    left = standing;
  }
  return left;
}
