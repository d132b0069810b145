/**
 * The values that a plan would write elsewhere, each encrypted to the authority that would write it and to nobody else.
 * They arrive before its people are asked. What arrives counts for nothing by itself: only a value whose digest is the
 * one that the plan names is shown or written.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { byCodeUnit, Json } from '../../core/json.js';
import { Ref, type RunInputs } from '../../core/messages.js';
import { neededValues } from '../../core/needed-values.js';
import type { Operation } from '../../core/operation.js';
import { AuthorityId } from '../../core/record.js';
import { isSealedValue } from '../../core/sealed-value.js';
import type { DiscloseResult, ReviewInput } from '../../workflows/contract.js';
import { askedOfPlan } from './asked-records.js';
import { watchedBy, type AuthorityContext } from './context.js';
import { requireLive } from './live-run.js';
import { OwnRecords } from './own-records.js';
import { noticeInputs } from './peer-clocks.js';
import { getDocument, getMessage, putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { recomputePlan, requireSamePlan, type Recomputed } from '../recompute.js';
import { memberOfRef } from '../run-messages.js';
import { digestsOfRun } from './digest-key.js';
import { decryptWith, encryptFor, encryptionKeyOf } from '../surface/encrypt.js';
import type { FieldDigests } from '../surface/field-digests.js';

export const disclosureType = 'concordat-disclosure+jws';
const envelopeType = 'concordat-disclosure+jwe';

export const DisclosureStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  /** Documents that hold one JWE each. */
  envelopes: z.array(z.strictObject({ to: AuthorityId, document: Ref })),
  atMs: z.int(),
});
export type DisclosureStatement = z.infer<typeof DisclosureStatement>;

export const EnvelopeDocument = z.strictObject({ jwe: z.string() });

export const Disclosed = z.strictObject({
  from: AuthorityId,
  to: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  values: z.array(z.strictObject({ type: z.string(), key: z.string(), field: z.string(), hmac: Digest, value: Json })),
});
export type Disclosed = z.infer<typeof Disclosed>;

/** Encrypts what this authority holds of the values that the plan, which it makes again itself, would write elsewhere. */
export async function disclose(context: AuthorityContext, input: ReviewInput): Promise<DiscloseResult> {
  const { inputs } = input;
  await requireLive(context, inputs);
  const recomputed = await recomputePlan(context.federation, context.exchange, inputs, 'own', watchedBy(context));
  await noticeInputs(context, recomputed);
  // HAZARD: a plan that the coordinator made up could ask for any value of any record.
  await requireSamePlan(context.exchange, recomputed, input.plan, input.planDigest);
  const own = neededValues(recomputed.plan, recomputed.views).filter(({ from }) => from === context.id);
  const digests = await runDigests(context, recomputed);
  const values = new Map<AuthorityId, Disclosed['values']>();
  if (own.length > 0 && digests) {
    const clear = await clearValuesOf(
      inputs,
      await OwnRecords.load(context, inputs, digests, askedOfPlan(recomputed)),
      recomputed,
      digests,
      new Set(own.map(({ type, key }) => `${type} ${key}`)),
    );
    for (const { to, type, key, field, sealed } of own) {
      const value = clear.get(sealed.hmac);
      if (value === undefined) continue;
      const theirs = values.get(to) ?? [];
      theirs.push({ type, key, field, hmac: sealed.hmac, value });
      values.set(to, theirs);
    }
  }
  const envelopes: DisclosureStatement['envelopes'] = [];
  for (const [to, theirs] of [...values].sort(([one], [other]) => byCodeUnit(one, other))) {
    const content: Disclosed = {
      from: context.id,
      to,
      dataset: inputs.dataset,
      plan: recomputed.planDigest,
      values: theirs,
    };
    const state = encryptionKeyOf(context.federation, to, context.now());
    const jwe = await encryptFor(state, envelopeType, content);
    envelopes.push({ to, document: await putDocument(context.exchange, context.id, { jwe }) });
  }
  const statement: DisclosureStatement = {
    authority: context.id,
    dataset: inputs.dataset,
    plan: recomputed.planDigest,
    envelopes,
    atMs: context.now(),
  };
  const disclosure = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: disclosureType, key: context.signingKey }),
  );
  return { authority: context.id, disclosure, values: own.length };
}

/** The key of this run, as this authority's own open names it. */
export async function runDigests(context: AuthorityContext, { messages }: Recomputed): Promise<FieldDigests | null> {
  return digestsOfRun(context, messages.shape.dataset.dataset, messages.opens[context.id]?.digestKey ?? null);
}

/** What this authority's own records hold in clear, by the digest under which peers see it. */
export async function clearValuesOf(
  inputs: RunInputs,
  own: OwnRecords,
  { typeOf }: Pick<Recomputed, 'typeOf'>,
  digests: FieldDigests,
  /** Type and key, joined by a space. */
  records: ReadonlySet<string>,
): Promise<ReadonlyMap<Digest, Json>> {
  const clear = new Map<Digest, Json>();
  for await (const object of own.objects(inputs)) {
    const type = own.typeOfNative(object.type);
    const shape = type === undefined ? undefined : typeOf(type);
    if (type === undefined || !shape) continue;
    const key = own.keyOf(type, object.id);
    if (!records.has(`${type} ${key}`)) continue;
    const translation = own.translateClear(shape, object, key);
    if (translation.kind !== 'record') continue;
    for (const field of shape.digests) {
      const value = translation.record.fields[field];
      const sealed = value === undefined ? null : digests.seal({ type, key, field }, value);
      if (value !== undefined && sealed) clear.set(sealed.hmac, value);
    }
  }
  return clear;
}

export type OpenedOperation =
  | { readonly kind: 'opened'; readonly operation: Operation }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

/** The values that arrived for one plan, by the digest that each of them truly has. */
export class DisclosedValues {
  readonly byDigest: ReadonlyMap<Digest, Json>;
  /** Digests under which another value arrived. */
  readonly #differing: ReadonlySet<Digest>;

  constructor(byDigest: ReadonlyMap<Digest, Json>, differing: ReadonlySet<Digest>) {
    this.byDigest = byDigest;
    this.#differing = differing;
  }

  /** The operation with clear values in the place of digests. HAZARD: only for the mesh itself, never to be hashed or sent. */
  open(operation: Operation, digestFields: readonly string[]): OpenedOperation {
    if (operation.kind === 'delete') return { kind: 'opened', operation };
    const changes: Operation['changes'] = [];
    for (const change of operation.changes) {
      if (change.kind !== 'value' || change.after === null || !digestFields.includes(change.field)) {
        changes.push(change);
        continue;
      }
      if (!isSealedValue(change.after) || this.#differing.has(change.after.hmac))
        return {
          kind: 'refused',
          code: 'disclosedValueDiffers',
          message: `the value of ${change.field} that arrived is not the one that the plan names`,
        };
      const after = this.byDigest.get(change.after.hmac);
      if (after === undefined)
        return {
          kind: 'refused',
          code: 'valueNotDisclosed',
          message: `the value of ${change.field} did not arrive, or not in a form that this authority can open`,
        };
      changes.push({ ...change, after });
    }
    return { kind: 'opened', operation: { ...operation, changes } };
  }
}

/**
 * What the references of a run bring to this authority. Throws inputNotAuthentic or wrongRun for one that is not what it
 * should be: references come from the coordinator, and a swapped one must not pass for a value that is missing.
 */
export async function readDisclosures(
  context: AuthorityContext,
  refs: readonly Ref[],
  recomputed: Recomputed,
  digests: FieldDigests | null,
): Promise<DisclosedValues> {
  const byDigest = new Map<Digest, Json>();
  const differing = new Set<Digest>();
  const { messages, planDigest } = recomputed;
  const { dataset } = messages.shape.dataset;
  for (const ref of refs) {
    const from = memberOfRef(ref, messages.members);
    const { payload } = await getMessage(context.exchange, ref, {
      typ: disclosureType,
      schema: DisclosureStatement,
      keys: keysOf(context.federation, from, 'messages'),
    });
    if (payload.authority !== from || payload.dataset !== dataset || payload.plan !== planDigest)
      throw new ConcordatError('wrongRun', `what ${from} disclosed is for another plan`);
    for (const { to, document } of payload.envelopes) {
      if (to !== context.id || !digests) continue;
      if (memberOfRef(document, messages.members) !== from)
        throw new ConcordatError('inputNotAuthentic', `what ${from} disclosed lies under another prefix`);
      const { jwe } = await getDocument(context.exchange, document, EnvelopeDocument);
      const opened = Disclosed.safeParse((await decryptWith(context.encryptionKeys ?? [], envelopeType, jwe))?.value);
      if (!opened.success) continue;
      const { values, ...bound } = opened.data;
      if (bound.from !== from || bound.to !== context.id || bound.dataset !== dataset || bound.plan !== planDigest)
        throw new ConcordatError('wrongRun', `what ${from} disclosed is for another plan or another authority`);
      for (const { type, key, field, hmac, value } of values) {
        const sealed = digests.seal({ type, key, field }, value);
        if (sealed?.hmac === hmac) byDigest.set(hmac, value);
        else differing.add(hmac);
      }
    }
  }
  // Another member may have told the true value: then the false one is nobody's obstacle.
  for (const hmac of byDigest.keys()) differing.delete(hmac);
  return new DisclosedValues(byDigest, differing);
}
