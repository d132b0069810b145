/** `concordat manifest`: what authorities publish, signed, checked, shown and compared. */
import type { Command } from 'commander';
import { holdsManifestKey } from '../../activities/manifests/own-keys.js';
import { readManifests, type ReadManifests } from '../../activities/manifests/read-manifests.js';
import { renewPins } from '../../activities/manifests/sign-folder.js';
import { signManifest } from '../../activities/manifests/sign-manifest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { termsDifferences, type Difference } from '../../core/manifest/difference.js';
import { wider } from '../../core/manifest/in-force.js';
import { termsOf } from '../../core/federation/terms.js';
import type { AuthorityId } from '../../core/record.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { differenceJson, differenceLines, manifestLines } from '../showing/manifest-text.js';
import { visibleText } from '../showing/value-text.js';

interface SignOptions {
  readonly authority?: string;
}

export function registerManifest(program: Command): void {
  const manifest = program.command('manifest').description('What authorities publish: sign, verify, show, compare.');
  defineCommand(manifest, {
    name: 'sign',
    description:
      'Sign the public part of authority files with the keys on this machine. Look at `concordat manifest diff` first: signing is agreeing to it.',
    examples: [
      ['concordat manifest sign', 'every authority whose key is on this machine'],
      ['concordat manifest sign --authority aws', 'one authority'],
    ],
  })
    .option('--authority <id>', 'only this authority')
    .action(action<SignOptions>((invocation, { authority }) => sign(invocation, authority)));
  defineCommand(manifest, {
    name: 'verify',
    description:
      'Check that every member signed what its file says now, with the key that is known of it, and that its peers have pinned it.',
    examples: [
      ['concordat manifest verify', 'all members, by the keys in federation.yaml'],
      ['concordat manifest verify --as aws', 'as the worker of aws does: by what aws itself pinned'],
    ],
  })
    .option('--as <id>', 'trust the key and the pins of this authority only')
    .action(action<{ readonly as?: string }>((invocation, options) => verify(invocation, options.as)));
  defineCommand(manifest, {
    name: 'show [authority]',
    description: 'Show what an authority publishes: terms, keys, pins, and what of it is in force.',
    examples: [
      ['concordat manifest show azure', 'one authority'],
      ['concordat manifest show --json', 'all, for scripts'],
    ],
  }).action(action<object, [string | undefined]>((invocation, _options, authority) => show(invocation, authority)));
  defineCommand(manifest, {
    name: 'diff [authority]',
    description:
      'Say in words what differs: the file from what was signed, and what was signed from what each peer accepted. Exit code 2 where something differs.',
    examples: [
      ['concordat manifest diff azure', 'before azure signs, and before a peer accepts'],
      ['concordat manifest diff', 'all members'],
    ],
  }).action(action<object, [string | undefined]>((invocation, _options, authority) => compare(invocation, authority)));
}

async function sign({ federationFolder: folder, output }: Invocation, authority?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  const before = await readManifests(folder, federation);
  const signed: AuthorityId[] = [];
  for (const id of authority === undefined ? membersOf(federation) : [authority]) {
    if (authority === undefined && !(await holdsManifestKey(folder, id))) continue;
    await signManifest(folder, federation, id);
    await renewPins(folder, federation, id);
    signed.push(id);
  }
  if (signed.length === 0) throw new ConcordatError('notSigned', 'no key of a manifest is on this machine');
  const { manifests } = await readManifests(folder, federation);
  const changes = signed.map((id) => {
    const [old, now] = [before.configurations.get(id)?.mesh.terms, manifests[id]?.published];
    const waitsFor = manifests[id]?.waitsFor ?? [];
    return { id, differences: old && now ? termsDifferences(old, now) : [], waitsFor };
  });
  output.result(
    {
      folder,
      signed,
      changes: changes.map(({ id, differences, waitsFor }) => ({
        authority: id,
        differences: differences.map((difference) => differenceJson(id, difference)),
        waitsFor,
      })),
    },
    changes.flatMap(({ id, differences, waitsFor }) => [
      `manifest ${output.paint.bold(id)}: signed`,
      ...differenceLines(id, differences, output.paint),
      ...waitsFor.map(
        (peer) => `  waits for ${peer}: \`concordat peer pin ${id} --authority ${peer}\` where its key is`,
      ),
    ]),
  );
  return 0;
}

async function verify({ federationFolder: folder, output }: Invocation, anchor?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  if (anchor !== undefined) requireMember(federation, anchor);
  const { faults, manifests } = await readManifests(folder, federation, anchor === undefined ? {} : { anchor });
  const members = membersOf(federation);
  const verified = members.filter((id) => !faults.some((fault) => fault.authority === id));
  output.result(
    { folder, verified, faults, waiting: waitingOf(manifests) },
    members.flatMap((id) => {
      const own = faults.filter(({ authority }) => authority === id);
      const waits = own.length === 0 ? (manifests[id]?.waitsFor ?? []) : [];
      const holds = waits.length === 0 ? 'holds' : `holds; what it widened waits for ${waits.join(', ')}`;
      return own.length === 0
        ? [`manifest ${output.paint.bold(id)}: ${holds}`]
        : own.map(({ message }) => `manifest ${output.paint.bold(id)}: ${output.paint.red(visibleText(message))}`);
    }),
  );
  return faults.length === 0 ? 0 : 1;
}

async function show({ federationFolder: folder, output }: Invocation, authority?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  if (authority !== undefined) requireMember(federation, authority);
  const { faults, manifests } = await readManifests(folder, federation);
  const nowMs = Date.now();
  const ids = authority === undefined ? membersOf(federation) : [authority];
  const shown = ids.flatMap((id) => manifests[id] ?? []);
  const broken = faults.filter((fault) => ids.includes(fault.authority));
  output.result({ folder, manifests: shown, faults: broken }, [
    ...shown.flatMap((manifest) => manifestLines(manifest, nowMs, output.paint)),
    ...broken.map(({ authority: id, message }) => `manifest ${id}: ${output.paint.red(visibleText(message))}`),
  ]);
  return broken.length === 0 ? 0 : 1;
}

async function compare({ federationFolder: folder, output }: Invocation, authority?: string): Promise<ExitCode> {
  const federation = await openFederation(folder);
  if (authority !== undefined) requireMember(federation, authority);
  const read = await readManifests(folder, federation);
  const found = (authority === undefined ? membersOf(federation) : [authority]).map((id) =>
    comparisonOf(federation, read, id),
  );
  output.result(
    {
      folder,
      authorities: found.map(({ id, isSigned, unsigned, notAccepted }) => ({
        authority: id,
        isSigned,
        unsigned: unsigned.map((difference) => differenceJson(id, difference)),
        notAccepted: notAccepted.map(({ peer, differences }) => ({
          peer,
          differences: differences.map((difference) => differenceJson(id, difference)),
        })),
      })),
    },
    found.flatMap(({ id, isSigned, unsigned, notAccepted }) => [
      ...(isSigned ? [] : [`${output.paint.bold(id)} has signed nothing that holds`]),
      ...(unsigned.length > 0 ? [`${output.paint.bold(id)}: the file says what is not signed yet`] : []),
      ...differenceLines(id, unsigned, output.paint),
      ...notAccepted.flatMap(({ peer, differences }) => [
        `${output.paint.bold(id)}: what ${peer} has not accepted yet`,
        ...differenceLines(id, differences, output.paint),
      ]),
      ...(isSigned && unsigned.length === 0 && notAccepted.length === 0
        ? [`${output.paint.bold(id)}: nothing differs`]
        : []),
    ]),
  );
  return found.every(({ isSigned, unsigned, notAccepted }) => isSigned && unsigned.length + notAccepted.length === 0)
    ? 0
    : 2;
}

interface Comparison {
  readonly id: AuthorityId;
  readonly isSigned: boolean;
  readonly unsigned: readonly Difference[];
  readonly notAccepted: readonly { readonly peer: AuthorityId; readonly differences: readonly Difference[] }[];
}

function comparisonOf(federation: Federation, { configurations, pins }: ReadManifests, id: AuthorityId): Comparison {
  const file = federation.authorities[id];
  const published = configurations.get(id)?.mesh.terms;
  if (!file || !published) return { id, isSigned: false, unsigned: [], notAccepted: [] };
  const notAccepted = membersOf(federation).flatMap((peer) => {
    const accepted = pins.get(`${peer}/${id}`)?.statement.concordat_acceptance.terms;
    const differences = accepted ? wider(accepted, published) : [];
    return differences.length > 0 ? [{ peer, differences }] : [];
  });
  return { id, isSigned: true, unsigned: termsDifferences(published, termsOf(file)), notAccepted };
}

function waitingOf(manifests: ReadManifests['manifests']) {
  return Object.values(manifests)
    .filter(({ waitsFor }) => waitsFor.length > 0)
    .map(({ authority, waitsFor }) => ({ authority, waitsFor }));
}

function membersOf(federation: Federation): readonly AuthorityId[] {
  return federation.file.members.map(({ id }) => id);
}

function requireMember(federation: Federation, authority: string): void {
  if (!federation.authorities[authority])
    throw new ConcordatError('notFound', `the federation has no authority "${authority}"`);
}
