/**
 * Putting an object anew in the place of the version that was opened.
 *
 * HAZARD: Swift cannot refuse a put by a condition (versions.ts). The newest version is asked for right before, and all that
 * are kept are looked at right after: where another came between, it is put back, and this one is made again from it. What
 * cannot be put right that way is told as versionsCrossed, by this write and by every read until somebody puts the object.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Copy, ObjectFile, PutAnswer } from '../../record-objects/object-store.js';
import { codeOf, containerPath, isThrottled, objectPath, pause, type SwiftClient } from './client.js';
import { answerWords, type Body } from './http.js';
import { newest, openObject, type OpenSwiftObject } from './read.js';
import { betweenIn, crossedWords, overHeader, versionOf, versionsOf } from './versions.js';

type Told = Extract<PutAnswer, { readonly kind: string }>;
type Sent = { readonly kind: 'put'; readonly version: string } | { readonly kind: 'again' } | Told;

const refused = (code: ErrorCode, detail: string): Told => ({ kind: 'refused', code, detail });
const unknown = (code: ErrorCode, detail: string): Told => ({ kind: 'unknown', code, detail });

/** Writers of this process take turns: each of them would find the other's version only after its own put. */
const turns = new Map<string, Promise<unknown>>();

export async function putObject(
  client: SwiftClient,
  file: ObjectFile,
  opened: OpenSwiftObject,
  copy: Copy,
): Promise<PutAnswer> {
  const name = `${client.mesh.endpoint} ${objectPath(client.mesh, file)}`;
  const mine = (turns.get(name) ?? Promise.resolve()).then(() => putInTurn(client, file, opened, copy));
  const ended = mine.catch(() => undefined);
  turns.set(name, ended);
  try {
    return await mine;
  } catch (error) {
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    throw error;
  } finally {
    if (turns.get(name) === ended) turns.delete(name);
  }
}

/**
 * Under a name that nothing had: nobody else makes it up, so no version can come between. Metadata of the other object says
 * what that one is, and is left out.
 */
export async function putNewObject(
  client: SwiftClient,
  file: ObjectFile,
  { headers: like }: OpenSwiftObject,
  copy: Copy,
): Promise<PutAnswer> {
  try {
    const refusal = await refusalOf(client, copy);
    if (refusal) return refusal;
    const headers = new Headers({ 'content-type': like.get('content-type') ?? 'application/octet-stream' });
    const sent = await sendOnce(client, file, { over: null, headers }, copy);
    return sent.kind === 'put' ? 'applied' : sent.kind === 'again' ? 'again' : sent;
  } catch (error) {
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    throw error;
  }
}

/** Why nothing may be put there. Throws ConcordatError. */
async function refusalOf(client: SwiftClient, { length }: Copy): Promise<Told | null> {
  const { limits, mesh } = client;
  if (length > limits.objectBytesMax)
    return refused(
      'valueNotRepresentable',
      'Swift takes no more than 5 GB in one request, and segments are not written',
    );
  const container = await client.read('HEAD', { method: 'HEAD', path: containerPath(mesh) });
  return container.headers.get('x-versions-enabled')?.toLowerCase() === 'true'
    ? null
    : refused('versionsNotKept', `the container ${mesh.container} keeps no versions`);
}

/** Throws ConcordatError where nothing was put. */
async function putInTurn(
  client: SwiftClient,
  file: ObjectFile,
  opened: OpenSwiftObject,
  copy: Copy,
): Promise<PutAnswer> {
  const { mesh } = client;
  const refusal = await refusalOf(client, copy);
  if (refusal) return refusal;
  const now = await client.read('HEAD', { method: 'HEAD', path: objectPath(mesh, file), headers: newest });
  if (versionOf(now) !== opened.version) return 'again';
  const sent = await sendOnce(client, file, { over: opened.version, headers: opened.headers }, copy);
  if (sent.kind === 'again') return 'again';
  if (sent.kind !== 'put') return sent;
  const between = await cameBetween(client, file, opened.version, sent.version);
  if (between === 'notTold') return unknown('effectUnknown', 'the versions of the object could not be looked at');
  const [last] = between;
  if (last === undefined) return 'applied';
  return (await putBack(client, file, last, sent.version)) ? 'again' : unknown('versionsCrossed', crossedWords);
}

const kept = ['content-type', 'content-disposition', 'x-delete-at'] as const;

async function sendOnce(
  client: SwiftClient,
  file: ObjectFile,
  /** `over`: the version in whose place it goes; null where there is none of this name. */
  { over, headers: before }: { readonly over: string | null; readonly headers: Headers },
  { name, length }: Copy,
): Promise<Sent> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(name)) hash.update(chunk as Buffer);
  // What Swift keeps beside the bytes and forgets with a new object of the same name.
  const carried = [...before].filter(([each]) => (kept as readonly string[]).includes(each) || isOfObject(each));
  const headers = {
    ...Object.fromEntries(carried),
    ...(over === null ? { 'if-none-match': '*' } : { [overHeader]: over }),
    'content-length': String(length),
    // Swift refuses what arrives otherwise (422).
    etag: hash.digest('hex'),
  };
  const body = (): Body => (length === 0 ? '' : (Readable.toWeb(createReadStream(name)) as ReadableStream<Uint8Array>));
  const reply = await client.write({ method: 'PUT', path: objectPath(client.mesh, file), headers, body });
  if (reply.kind === 'lost') return unknown('effectUnknown', 'PUT: no answer');
  if (reply.kind === 'notSent') return refused(reply.code, `PUT: ${reply.detail}`);
  const { answer } = reply;
  await answer.body?.cancel();
  const detail = `PUT ${answerWords(answer)}`;
  const version = answer.headers.get('x-object-version-id') ?? '';
  // A version that began later was there first: this one is kept below it, and is what nobody shall find there.
  if (answer.status === 202 && version !== '') {
    const path = `${objectPath(client.mesh, file)}?version-id=${version}`;
    const removed = await client.write({ method: 'DELETE', path });
    const isGone = removed.kind === 'answered' && (removed.answer.ok || removed.answer.status === 404);
    return isGone ? { kind: 'again' } : unknown('versionsCrossed', crossedWords);
  }
  if (answer.ok)
    return version === ''
      ? unknown('versionsCrossed', 'the container stopped keeping versions')
      : { kind: 'put', version };
  if (isThrottled(answer) || answer.status === 409) return { kind: 'again' };
  const code = codeOf(answer);
  // Under a fault anything may have happened.
  if (code === 'providerFault') return unknown('effectUnknown', detail);
  return refused(answer.status === 413 || answer.status === 422 ? 'valueNotRepresentable' : code, detail);
}

const isOfObject = (header: string): boolean => header.startsWith('x-object-meta-') && header !== overHeader;

/**
 * The newest first. A version that is there before the list of its container says so is waited for; so is one that its own
 * writer takes back.
 */
async function cameBetween(
  client: SwiftClient,
  file: ObjectFile,
  over: string,
  version: string,
): Promise<readonly string[] | 'notTold'> {
  let between: readonly string[] | 'notTold' = 'notTold';
  for (let attempt = 1; attempt <= client.limits.readAttemptsMax; attempt += 1) {
    try {
      const versions = await versionsOf(client, file);
      if (versions.includes(version)) between = betweenIn(versions, over, version);
      if (between !== 'notTold' && between.length === 0) return between;
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
    }
    await pause(client.limits, attempt);
  }
  return between;
}

/** Whether the version that was overwritten unseen is the newest again, and nothing came between this time. */
async function putBack(client: SwiftClient, file: ObjectFile, version: string, over: string): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-object-'));
  try {
    const opened = await openObject(client, file, { version });
    const name = path.join(folder, 'copy');
    await pipeline(opened.bytes, createWriteStream(name, { mode: 0o600 }));
    const copy = { name, length: (await stat(name)).size };
    const sent = await sendOnce(client, file, { over, headers: opened.headers }, copy);
    if (sent.kind !== 'put') return false;
    const between = await cameBetween(client, file, over, sent.version);
    return between !== 'notTold' && between.length === 0;
  } catch (error) {
    // Crossed itself, or out of reach.
    if (error instanceof ConcordatError) return false;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
