/** `concordat peer`: whom an authority knows, by which keys, and which of their terms it accepted. */
import type { Command } from 'commander';
import { holdsManifestKey } from '../../activities/manifests/own-keys.js';
import { lookAtPeer, pinPeer } from '../../activities/manifests/pin-peer.js';
import { readManifests } from '../../activities/manifests/read-manifests.js';
import { ConcordatError } from '../../core/errors.js';
import { termsDifferences } from '../../core/manifest/difference.js';
import { wider } from '../../core/manifest/in-force.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { day, differenceJson, differenceLines } from '../showing/manifest-text.js';
import { tableLines } from '../showing/table.js';
import { visibleText } from '../showing/value-text.js';

interface PinOptions {
  readonly authority?: string;
  readonly thumbprint?: string;
}

export function registerPeer(program: Command): void {
  const peer = program.command('peer').description('Pin the keys of peers and accept their terms, or list the pins.');
  defineCommand(peer, {
    name: 'pin [peers...]',
    description:
      'Sign by which keys an authority knows its peers and that it accepts their terms as they are now. Says what changed since. Compare thumbprints by another way before the first pin.',
    examples: [
      ['concordat peer pin azure --authority aws', 'aws pins azure'],
      ['concordat peer pin azure --thumbprint 5Xw…', 'only if the manifest is signed by this key'],
      ['concordat peer pin', 'all peers, by every authority whose key is on this machine'],
    ],
  })
    .option('--authority <id>', 'who pins; every authority whose key is on this machine where left out')
    .option('--thumbprint <kid>', 'of the key that must have signed the manifest of the peer')
    .action(action<PinOptions, [readonly string[]]>((invocation, options, peers) => pin(invocation, options, peers)));
  defineCommand(peer, {
    name: 'list',
    description: 'List who pins whom, by which key, and whether everything that a peer widened was accepted.',
    examples: [
      ['concordat peer list', 'all pins of the folder'],
      ['concordat peer list --authority aws', 'what aws pinned'],
    ],
  })
    .option('--authority <id>', 'only what this authority pinned')
    .action(action<PinOptions>((invocation, { authority }) => list(invocation, authority)));
}

async function pin(
  { federationFolder: folder, output }: Invocation,
  { authority, thumbprint }: PinOptions,
  named: readonly string[],
): Promise<ExitCode> {
  const federation = await openFederation(folder);
  const members = federation.file.members.map(({ id }) => id);
  if (thumbprint !== undefined && named.length !== 1)
    throw new ConcordatError('usage', 'a thumbprint is of one peer: name it');
  for (const id of [...named, ...(authority === undefined ? [] : [authority])])
    if (!members.includes(id)) throw new ConcordatError('notFound', `the federation has no authority "${id}"`);
  const issuers: string[] = [];
  for (const id of authority === undefined ? members : [authority])
    if (authority !== undefined || (await holdsManifestKey(folder, id))) issuers.push(id);
  if (issuers.length === 0) throw new ConcordatError('notSigned', 'no key of a manifest is on this machine');
  const wanted = issuers.flatMap((issuer) =>
    (named.length > 0 ? named : members).filter((id) => id !== issuer).map((id) => ({ issuer, id })),
  );
  const options = thumbprint === undefined ? {} : { thumbprint };
  // All are looked at before anything is written.
  for (const { issuer, id } of wanted) await lookAtPeer(folder, federation, issuer, id, options);
  const pinned = [];
  for (const { issuer, id } of wanted) {
    const { peer, pin: before } = await pinPeer(folder, federation, issuer, id, options);
    const accepted = before?.statement.concordat_acceptance.terms;
    const differences = accepted ? termsDifferences(accepted, peer.mesh.terms) : [];
    pinned.push({ authority: issuer, peer: id, thumbprint: peer.kid, isFirst: before === undefined, differences });
  }
  output.result(
    {
      folder,
      pinned: pinned.map((one) => ({
        ...one,
        differences: one.differences.map((difference) => differenceJson(one.peer, difference)),
      })),
    },
    pinned.flatMap((one) => [
      `peer ${output.paint.bold(one.peer)}: pinned by ${one.authority} ${output.paint.dim(one.thumbprint)}`,
      ...differenceLines(one.peer, one.differences, output.paint),
    ]),
  );
  return 0;
}

async function list({ federationFolder: folder, output }: Invocation, authority?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  if (authority !== undefined && !federation.authorities[authority])
    throw new ConcordatError('notFound', `the federation has no authority "${authority}"`);
  const { manifests, configurations, faults } = await readManifests(folder, federation);
  const pins = Object.values(manifests)
    .filter((manifest) => authority === undefined || manifest.authority === authority)
    .flatMap((manifest) =>
      Object.entries(manifest.pins).map(([peer, { kids, issuedAtMs, expiresMs, terms }]) => {
        const published = configurations.get(peer)?.mesh.terms;
        const notAccepted = published ? wider(terms, published) : [];
        return {
          authority: manifest.authority,
          peer,
          thumbprints: kids,
          issuedAtMs,
          expiresMs,
          notAccepted: notAccepted.map((difference) => differenceJson(peer, difference)),
        };
      }),
    );
  const broken = faults.filter((fault) => authority === undefined || fault.authority === authority);
  output.result({ folder, pins, faults: broken }, [
    ...tableLines(
      pins.map((one) => [
        `${output.paint.bold(one.authority)} pins ${output.paint.bold(one.peer)}`,
        `since ${day(one.issuedAtMs)}`,
        one.notAccepted.length === 0
          ? 'accepts its terms'
          : output.paint.yellow(`${one.notAccepted.length} not accepted`),
        one.thumbprints.join(' '),
      ]),
    ),
    ...broken.map(({ message }) => output.paint.red(visibleText(message))),
  ]);
  return broken.length === 0 ? 0 : 1;
}
