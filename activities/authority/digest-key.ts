/**
 * The key under which the authorities of a dataset seal their `digest` fields, and how it reaches them without a
 * ceremony: the first member makes it when it opens, encrypts it to every member's key and signs that; whoever holds it
 * does the same for a newcomer; each takes it up when it opens. The coordinator carries what it cannot read.
 *
 * A key is replaced by one of a higher generation. Every member takes up the highest generation that it sees.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetShape } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { byCodeUnit } from '../../core/json.js';
import { Ref } from '../../core/messages.js';
import { AuthorityId } from '../../core/record.js';
import { digestKeyId, DigestKeyId } from '../../core/sealed-value.js';
import type { AuthorityContext } from './context.js';
import { getMessage, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { decryptWith, encryptFor, encryptionKeyOf } from '../surface/encrypt.js';
import { FieldDigests } from '../surface/field-digests.js';

export const digestKeyType = 'concordat-digest-key+jws';
const envelopeType = 'concordat-digest-key+jwe';

/** Under the prefix of whoever encrypted it. */
export const DigestKeyStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  generation: z.int().positive(),
  key: DigestKeyId,
  /** One for each member of the dataset, the signer too: `kid` is the encryption key that opens it. */
  envelopes: z.array(z.strictObject({ to: AuthorityId, kid: z.string(), jwe: z.string() })),
  atMs: z.int(),
});
export type DigestKeyStatement = z.infer<typeof DigestKeyStatement>;

/** What is inside of an envelope: bound to its maker, receiver and dataset, so that it means nothing anywhere else. */
export const Envelope = z.strictObject({
  from: AuthorityId,
  to: AuthorityId,
  dataset: z.string(),
  generation: z.int().positive(),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/** Of an authority's context, what its digest keys need. */
export type KeyHolder = Pick<
  AuthorityContext,
  'id' | 'federation' | 'exchange' | 'privateStore' | 'signingKey' | 'encryptionKeys' | 'now'
>;

interface Known {
  readonly generation: number;
  readonly key: DigestKeyId;
}
const Known = z.strictObject({ generation: z.int().positive(), key: DigestKeyId });

export function needsDigestKey(shape: Pick<DatasetShape, 'types'>): boolean {
  return shape.types.some(({ digests }) => digests.length > 0);
}

/**
 * The key for the run that is opened now, taken up or made; null where the dataset has no `digest` field. Throws
 * digestKeyMissing where this authority has none and nobody has encrypted it to this authority yet: that passes when the
 * member that makes it, or one that holds it, opens too.
 */
export async function takeUpDigestKey(context: KeyHolder, shape: DatasetShape): Promise<DigestKeyId | null> {
  if (!needsDigestKey(shape)) return null;
  const { dataset } = shape.dataset;
  const members = [...shape.dataset.members].sort(byCodeUnit);
  const published = await readStatements(context, dataset, members);
  const own = await readKnown(context, dataset);
  const known = highest([...published, ...(own ? [own] : [])]);
  const readers = published.filter(({ key }) => key === known?.key).flatMap(({ envelopes }) => envelopes);
  const hasLeft = readers.some(({ to }) => !members.includes(to));
  if ((!known || hasLeft) && members[0] === context.id)
    return makeKey(context, dataset, members, (known?.generation ?? 0) + 1);
  if (!known)
    throw new ConcordatError(
      'digestKeyMissing',
      `nobody has made the key for the digest fields of ${dataset} yet; ${members[0]} does when it opens`,
    );
  const secret =
    (await storedSecret(context, dataset, known.key)) ?? (await openedSecret(context, dataset, known, published));
  await keep(context, dataset, known, secret);
  const isServed = (member: AuthorityId): boolean => {
    const { kid } = encryptionKeyOf(context.federation, member, context.now());
    return readers.some((envelope) => envelope.to === member && envelope.kid === kid);
  };
  if (!members.every(isServed)) await publish(context, dataset, members, known, secret);
  return known.key;
}

/**
 * Makes the next key and gives it to everybody. Members take it up at their next open; in that run each says which of its
 * values are still those of the base, so that the base is sealed anew and nothing looks changed (core/reseal.ts).
 */
export async function rotateDigestKey(context: KeyHolder, shape: DatasetShape): Promise<DigestKeyId> {
  const { dataset } = shape.dataset;
  const members = [...shape.dataset.members].sort(byCodeUnit);
  const own = await readKnown(context, dataset);
  const known = highest([...(await readStatements(context, dataset, members)), ...(own ? [own] : [])]);
  return makeKey(context, dataset, members, (known?.generation ?? 0) + 1);
}

/** Of the key that a run's opens name; null where they name none. Throws digestKeyMissing where it was never taken up here. */
export async function digestsOfRun(
  context: KeyHolder,
  dataset: string,
  key: DigestKeyId | null,
): Promise<FieldDigests | null> {
  if (key === null) return null;
  const secret = await storedSecret(context, dataset, key);
  if (!secret)
    throw new ConcordatError(
      'digestKeyMissing',
      `this authority does not hold key ${key.slice(0, 12)} for the digest fields of ${dataset}`,
    );
  return new FieldDigests(dataset, secret);
}

/** Of a key that is not the one of the run; null where this authority never had it, or has forgotten it. */
export async function heldDigests(context: KeyHolder, dataset: string, key: DigestKeyId): Promise<FieldDigests | null> {
  const secret = await storedSecret(context, dataset, key);
  return secret && new FieldDigests(dataset, secret);
}

/**
 * Removes the keys that nothing needs any more: neither the base, whose keys `inUse` names, nor the runs to come. What was
 * sealed under them before can then no longer be guessed from this authority's private store.
 */
export async function forgetDigestKeys(
  context: KeyHolder,
  dataset: string,
  inUse: readonly DigestKeyId[],
): Promise<void> {
  const known = await readKnown(context, dataset);
  if (!known || !inUse.includes(known.key)) return;
  const held = `digest-keys/${dataset}/held/`;
  for (const name of await context.privateStore.list(held))
    if (!inUse.includes(name.slice(held.length))) await context.privateStore.remove(name);
  const made = `digest-keys/${dataset}/made/`;
  for (const name of await context.privateStore.list(made))
    if (Number(name.slice(made.length)) < known.generation) await context.privateStore.remove(name);
}

async function makeKey(
  context: KeyHolder,
  dataset: string,
  members: readonly AuthorityId[],
  generation: number,
): Promise<DigestKeyId> {
  // Another worker of this authority may do the same at this moment: what is there first is the key.
  const name = `digest-keys/${dataset}/made/${generation}`;
  await context.privateStore.putIfAbsent(name, randomBytes(32));
  const secret = await context.privateStore.get(name);
  if (!secret || secret.length !== 32)
    throw new ConcordatError('storeFault', `the private store has lost the digest key that it was given (${name})`);
  const known: Known = { generation, key: digestKeyId(secret) };
  await keep(context, dataset, known, secret);
  await publish(context, dataset, members, known, secret);
  return known.key;
}

async function publish(
  context: KeyHolder,
  dataset: string,
  members: readonly AuthorityId[],
  { generation, key }: Known,
  secret: Uint8Array,
): Promise<void> {
  const envelopes: DigestKeyStatement['envelopes'] = [];
  for (const to of members) {
    const state = encryptionKeyOf(context.federation, to, context.now());
    const content: z.infer<typeof Envelope> = {
      from: context.id,
      to,
      dataset,
      generation,
      secret: Buffer.from(secret).toString('base64url'),
    };
    envelopes.push({ to, kid: state.kid, jwe: await encryptFor(state, envelopeType, content) });
  }
  const statement: DigestKeyStatement = {
    authority: context.id,
    dataset,
    generation,
    key,
    envelopes,
    atMs: context.now(),
  };
  const ref = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: digestKeyType, key: context.signingKey }),
  );
  const name = headName(context.id, dataset);
  const head = await context.exchange.readHead(name);
  // Losing against another worker of this authority is fine: it published the same.
  await context.exchange.compareAndSetHead(name, head?.version ?? 0, new TextEncoder().encode(JSON.stringify(ref)));
}

/** What members published, as far as it is authentic: a broken statement of one must not keep the others from working. */
async function readStatements(
  context: KeyHolder,
  dataset: string,
  members: readonly AuthorityId[],
): Promise<readonly DigestKeyStatement[]> {
  const statements: DigestKeyStatement[] = [];
  for (const authority of members) {
    const head = await context.exchange.readHead(headName(authority, dataset));
    if (!head) continue;
    try {
      const { payload } = await getMessage(context.exchange, refOf(head.bytes), {
        typ: digestKeyType,
        schema: DigestKeyStatement,
        keys: keysOf(context.federation, authority, 'messages'),
      });
      if (payload.authority === authority && payload.dataset === dataset) statements.push(payload);
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
    }
  }
  return statements;
}

function refOf(bytes: Uint8Array): Ref {
  try {
    return Ref.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new ConcordatError('inputNotAuthentic', 'a published digest key is no reference', { cause: error });
  }
}

async function openedSecret(
  context: KeyHolder,
  dataset: string,
  known: Known,
  published: readonly DigestKeyStatement[],
): Promise<Uint8Array> {
  for (const statement of published) {
    if (statement.key !== known.key) continue;
    for (const { to, jwe } of statement.envelopes) {
      if (to !== context.id) continue;
      const opened = Envelope.safeParse((await decryptWith(context.encryptionKeys ?? [], envelopeType, jwe))?.value);
      if (!opened.success) continue;
      const { from, secret } = opened.data;
      const bytes = new Uint8Array(Buffer.from(secret, 'base64url'));
      const isMeant =
        from === statement.authority &&
        opened.data.to === context.id &&
        opened.data.dataset === dataset &&
        opened.data.generation === statement.generation;
      if (isMeant && digestKeyId(bytes) === known.key) return bytes;
    }
  }
  throw new ConcordatError(
    'digestKeyMissing',
    `nobody has encrypted key ${known.key.slice(0, 12)} for the digest fields of ${dataset} to an encryption key of ${context.id} that is on this machine; a member that holds it does when it opens`,
  );
}

function highest(keys: readonly Known[]): Known | undefined {
  return [...keys].sort((one, other) => other.generation - one.generation || byCodeUnit(one.key, other.key))[0];
}

function headName(authority: AuthorityId, dataset: string): string {
  return `${authority}/digest-keys/${dataset}`;
}

function knownName(dataset: string): string {
  return `digest-key-known/${dataset}`;
}

function secretName(dataset: string, key: DigestKeyId): string {
  return `digest-keys/${dataset}/held/${key}`;
}

/** The highest generation that this authority has seen, so that nobody can lead it back to an older key. */
async function readKnown(context: KeyHolder, dataset: string): Promise<Known | undefined> {
  const head = await context.privateStore.readHead(knownName(dataset));
  return head ? Known.parse(JSON.parse(new TextDecoder().decode(head.bytes))) : undefined;
}

async function storedSecret(context: KeyHolder, dataset: string, key: DigestKeyId): Promise<Uint8Array | null> {
  return context.privateStore.get(secretName(dataset, key));
}

async function keep(context: KeyHolder, dataset: string, known: Known, secret: Uint8Array): Promise<void> {
  await context.privateStore.putIfAbsent(secretName(dataset, known.key), secret);
  const head = await context.privateStore.readHead(knownName(dataset));
  const bytes = new TextEncoder().encode(JSON.stringify({ generation: known.generation, key: known.key }));
  if (head && new TextDecoder().decode(head.bytes) === new TextDecoder().decode(bytes)) return;
  await context.privateStore.compareAndSetHead(knownName(dataset), head?.version ?? 0, bytes);
}
