/** `concordat keys list|rotate|revoke`: the keys that the manifest of an authority names, from their first day to their last. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readManifests } from '../../activities/manifests/read-manifests.js';
import { adoptKmsKey, finishManifestRotation, revokeKey, rotateKey } from '../../activities/manifests/rotate-keys.js';
import { holdsManifestKey } from '../../activities/manifests/own-keys.js';
import { Duration, durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { keyUses, RevocationReason, type KeyUse } from '../../core/key-state.js';
import { algorithms, type Algorithm } from '../../core/public-key.js';
import type { AuthorityId } from '../../core/record.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { keyLines, keyWords } from '../showing/manifest-text.js';

interface RotateOptions {
  readonly authority?: string;
  readonly use: KeyUse;
  readonly lead?: number;
  readonly overlap?: number;
  readonly algorithm?: Algorithm;
  readonly kms?: string;
  readonly finish?: true;
}

interface AdoptOptions {
  readonly authority: string;
  readonly use: KeyUse;
}

interface RevokeOptions {
  readonly authority?: string;
  readonly reason: RevocationReason;
  readonly at?: number;
}

export function registerKeysOfAuthority(keys: Command): void {
  defineCommand(keys, {
    name: 'list',
    description: 'List the keys that manifests name, what each is for and whether it counts.',
    examples: [['concordat keys list --authority azure', 'the keys of azure, those of earlier days too']],
  })
    .option('--authority <id>', 'only this authority')
    .action(action<{ readonly authority?: string }>((invocation, { authority }) => list(invocation, authority)));
  defineCommand(keys, {
    name: 'rotate',
    description:
      'Make the next key of an authority and publish it in its manifest. It signs after --lead, when peers have had time to fetch the manifest; the last one counts for --overlap longer. A manifest key waits until every peer has pinned it.',
    examples: [
      ['concordat keys rotate --authority azure --use messages', 'a new message key, from tomorrow on'],
      ['concordat keys rotate --authority azure --use manifest', 'publish the next manifest key'],
      ['concordat keys rotate --authority azure --use manifest --finish', 'sign with it, once all peers pinned it'],
    ],
  })
    .option('--authority <id>', 'whose; the one whose manifest key is on this machine where left out')
    .addOption(new Option('--use <use>', 'of the key').choices(keyUses).makeOptionMandatory())
    .option('--lead <duration>', 'until the next key signs (24h)', durationOption)
    .option('--overlap <duration>', 'how long the last key counts after that (7d)', durationOption)
    .addOption(new Option('--algorithm <name>', 'of the next key; as the last one where left out').choices(algorithms))
    .option('--kms <arn>', 'take a key that AWS KMS keeps instead of making one')
    .option('--finish', 'let the next manifest key sign now')
    .action(action<RotateOptions>((invocation, options) => rotate(invocation, options)));
  defineCommand(keys, {
    name: 'adopt <arn>',
    description:
      'Name a key that AWS KMS keeps as the first key of an authority, before `concordat keys generate` makes the others. Kind ECC_NIST_P256, or ECC_NIST_EDWARDS25519 for messages up to 4,096 bytes.',
    examples: [
      [
        'concordat keys adopt arn:aws:kms:eu-central-1:123456789012:key/7f3a --authority aws --use manifest',
        'sign the manifest of aws with a key in KMS',
      ],
    ],
  })
    .requiredOption('--authority <id>', 'whose')
    .addOption(new Option('--use <use>', 'of the key').choices(['manifest', 'messages']).makeOptionMandatory())
    .action(action<AdoptOptions, [string]>((invocation, options, arn) => adopt(invocation, options, arn)));
  defineCommand(keys, {
    name: 'revoke <kid>',
    description:
      'Revoke a key at once. Of what a compromised key signed, only that counts which peers had cosigned before --at.',
    examples: [
      [
        'concordat keys revoke 5XwQ --authority azure --reason compromised --at 2026-11-20T08:00:00Z',
        'stolen that morning',
      ],
      ['concordat keys revoke 5XwQ --reason superseded', 'no longer used; what it signed before stands'],
    ],
  })
    .option('--authority <id>', 'whose; the one whose manifest key is on this machine where left out')
    .addOption(new Option('--reason <reason>', 'why').choices(RevocationReason.options).makeOptionMandatory())
    .option('--at <instant>', 'from when it may have been in wrong hands; now where left out', instantOption)
    .action(action<RevokeOptions, [string]>((invocation, options, kid) => revoke(invocation, options, kid)));
}

async function list({ federationFolder: folder, output }: Invocation, authority?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  const ids = authority === undefined ? federation.file.members.map(({ id }) => id) : [member(federation, authority)];
  const { configurations } = await readManifests(folder, federation);
  const nowMs = Date.now();
  const states = ids.flatMap((id) => configurations.get(id)?.keys ?? []);
  output.result(
    { folder, keys: states.map((state) => ({ ...state, standing: keyWords(state, nowMs) })) },
    ids.flatMap((id) => [
      output.paint.bold(id),
      ...(configurations.has(id)
        ? keyLines(configurations.get(id)?.keys ?? [], nowMs)
        : ['  has no manifest that holds']),
    ]),
  );
  return ids.every((id) => configurations.has(id)) ? 0 : 1;
}

async function rotate(
  { federationFolder: folder, output }: Invocation,
  { authority, use, lead, overlap, algorithm, kms, finish }: RotateOptions,
): Promise<ExitCode> {
  const federation = await openFederation(folder);
  const id = await ownAuthority(folder, federation, authority);
  if (finish && use !== 'manifest')
    throw new ConcordatError('usage', 'only the rotation of a manifest key is finished');
  const next = finish
    ? await finishManifestRotation(folder, federation, id)
    : await rotateKey(folder, federation, id, use, {
        ...(lead === undefined ? {} : { leadMs: lead }),
        ...(overlap === undefined ? {} : { overlapMs: overlap }),
        ...(algorithm === undefined ? {} : { algorithm }),
        ...(kms === undefined ? {} : { kms }),
      });
  const hint = finish
    ? 'The manifest and federation.yaml name it now; copy manifest.public.json to the worker.'
    : use === 'manifest'
      ? `Every peer runs \`concordat peer pin ${id}\`; then run this again with --finish.`
      : 'Copy its file to the worker of this authority; it takes over by itself.';
  output.result({ folder, authority: id, key: next, finished: finish === true }, [
    `${output.paint.bold(id)}: next ${use} key ${next.kid}, ${keyWords(next, Date.now())}`,
    hint,
  ]);
  return 0;
}

async function adopt(
  { federationFolder: folder, output }: Invocation,
  { authority, use }: AdoptOptions,
  arn: string,
): Promise<ExitCode> {
  const id = member(await openFederation(folder), authority);
  const { key, kid } = await adoptKmsKey(folder, id, use, arn);
  output.result({ folder, authority: id, use, thumbprint: kid, key, kms: arn }, [
    `${output.paint.bold(id)}: ${use} key ${kid}, kept by AWS KMS`,
    `Go on with \`concordat keys generate --authority ${id}\`.`,
  ]);
  return 0;
}

async function revoke(
  { federationFolder: folder, output }: Invocation,
  { authority, reason, at }: RevokeOptions,
  kid: string,
): Promise<ExitCode> {
  const federation = await openFederation(folder);
  const id = await ownAuthority(folder, federation, authority);
  const { revoked, replacement } = await revokeKey(folder, federation, id, kid, {
    reason,
    ...(at === undefined ? {} : { atMs: at }),
  });
  output.result({ folder, authority: id, revoked, replacement }, [
    `${output.paint.bold(id)}: ${revoked.use} key ${revoked.kid} ${keyWords(revoked, Date.now())}`,
    ...(replacement
      ? [`${output.paint.bold(id)}: in its place ${replacement.kid}; copy its file to the worker of this authority`]
      : []),
    'Give the folder to every peer: each refuses the key from its next run on.',
  ]);
  return 0;
}

async function ownAuthority(folder: string, federation: Federation, authority?: string): Promise<AuthorityId> {
  if (authority !== undefined) return member(federation, authority);
  const here: AuthorityId[] = [];
  for (const { id } of federation.file.members) if (await holdsManifestKey(folder, id)) here.push(id);
  const [only, ...others] = here;
  if (only === undefined) throw new ConcordatError('notSigned', 'no key of a manifest is on this machine');
  if (others.length > 0)
    throw new ConcordatError('usage', `the keys of ${here.join(', ')} are on this machine: say whose with --authority`);
  return only;
}

function member(federation: Federation, authority: string): AuthorityId {
  if (federation.authorities[authority]) return authority;
  throw new ConcordatError('notFound', `the federation has no authority "${authority}"`);
}

function durationOption(text: string): number {
  if (!Duration.safeParse(text).success) throw new InvalidArgumentError('Give a duration such as 90s, 15m, 1h or 7d.');
  return durationMs(text);
}

function instantOption(text: string): number {
  const atMs = Date.parse(text);
  if (!Number.isFinite(atMs)) throw new InvalidArgumentError('Give an instant such as 2026-11-20T08:00:00Z.');
  return atMs;
}
