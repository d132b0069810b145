/** `concordat taxonomy propose`: a new version of a map, from what a run saw of the store, for a person to edit. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { faultLine } from '../../activities/federation-folder/fault.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { proposeMap, type MapProposal } from '../../activities/federation-folder/propose-map.js';
import { proposalFileOf, writeProposals } from '../../activities/federation-folder/write-proposal.js';
import { ConcordatError } from '../../core/errors.js';
import { writtenMapOf, type Federation } from '../../core/federation/federation.js';
import { nearest } from '../../core/federation/nearest.js';
import { action, defineCommand } from '../invocation.js';
import { schemasSeen, type SchemasSeen } from '../reading/drifts.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { visibleText } from '../showing/value-text.js';

interface Options {
  readonly mesh: string;
  readonly run?: string;
}

interface ProposedFile extends MapProposal {
  /** Of the map that it would replace. */
  readonly file: string;
  readonly type: string;
}

export function registerPropose(taxonomy: Command): void {
  defineCommand(taxonomy, {
    name: 'propose [dataset]',
    description:
      'Write a new version of the maps of one mesh from what the newest run saw of its tables and files: renamed properties are followed, what is gone is taken out, new properties stand as comments, and what cannot be known is said. It goes to proposals/, where nothing reads it, and is never written over: edit it, put it in the place of the map, and check with `concordat validate`.',
    examples: [
      ['concordat taxonomy propose shipments --mesh lyon', 'from the newest run'],
      ['concordat taxonomy propose --mesh lyon --run 3f2a91c0 --json', 'from one run, for scripts'],
    ],
  })
    .requiredOption('--mesh <authority>', 'whose maps')
    .option('--run <run>', 'as this run saw it; the newest of the dataset where left out')
    .action(
      action<Options, [dataset: string | undefined]>(async (invocation, { mesh, run }, named) =>
        withFederation<0>(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation } = session;
          const members = federation.datasets[chooseDataset(federation, named)]?.members ?? [];
          if (!members.includes(mesh)) {
            const near = nearest(mesh, members);
            throw new ConcordatError(
              'usage',
              `the dataset has no member ${mesh}; ${near === undefined ? `it has ${members.join(', ')}` : `did you mean ${near}?`}`,
            );
          }
          const folder = invocation.federationFolder;
          const seen = await schemasSeen(session, {
            dataset: chooseDataset(federation, named),
            ...(run === undefined ? {} : { run }),
          });
          if (!seen.unmapped[mesh])
            throw new ConcordatError('notFound', `the run has no snapshot of ${mesh} that can be read here`);
          const proposed = await proposedFiles(folder, federation, seen, mesh);
          const faults = await faultsWith(folder, proposed);
          const written = proposed.length > 0 ? await writeProposals(folder, proposed) : [];
          invocation.output.result(
            {
              dataset: seen.dataset,
              authority: mesh,
              proposals: proposed.map(({ file, type, changes, unknown }) => ({
                type,
                file: proposalFileOf(file),
                inPlaceOf: file,
                changes,
                unknown,
              })),
              faults,
            },
            proposed.length === 0
              ? [`nothing to propose: the stores of ${mesh} are shaped as its maps read them`]
              : [
                  ...proposed.flatMap(({ file, changes, unknown }, at) => [
                    `wrote ${written[at] ?? ''}, in the place of ${file}`,
                    ...changes.map((line) => `  changed    ${visibleText(line)}`),
                    ...unknown.map((line) => `  not known  ${visibleText(line)}`),
                  ]),
                  ...faults.map((line) => `  fault      ${visibleText(line)}`),
                  'edit it, move it there, then: concordat validate',
                ],
          );
          return 0;
        }),
      ),
    );
}

async function proposedFiles(
  folder: string,
  federation: Federation,
  { dataset, drifts, unmapped }: SchemasSeen,
  mesh: string,
): Promise<readonly ProposedFile[]> {
  const proposed: ProposedFile[] = [];
  for (const type of federation.datasets[dataset]?.types ?? []) {
    // As it was written: what it reads in the words of a newer version is nothing that stands in its file.
    const map = writtenMapOf(federation, mesh, type);
    if (!map) continue;
    const file = `maps/${mesh}.${type}.yaml`;
    const proposal = proposeMap({
      text: await readFile(path.join(folder, file), 'utf8'),
      map,
      key: federation.taxonomy[type]?.key ?? [],
      drifts: drifts.filter((drift) => drift.authority === mesh && drift.type === type),
      unmapped: (unmapped[mesh] ?? []).filter((one) => one.type === type),
    });
    if (proposal) proposed.push({ ...proposal, file, type });
  }
  return proposed;
}

/** What `validate` would say with all of them in place. */
async function faultsWith(folder: string, proposed: readonly ProposedFile[]): Promise<readonly string[]> {
  const loaded = await loadFederation(folder, new Map(proposed.map(({ file, text }) => [file, text])));
  return loaded.kind === 'invalid' ? loaded.faults.map(faultLine) : [];
}
