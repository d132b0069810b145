/** `concordat export`: a run or a record with everything that proves it, in one file. */
import path from 'node:path';
import type { Command } from 'commander';
import { writeExport } from '../../activities/lineage/export-file.js';
import { exportAttempt, exportRecord, exportRun, newestSequence } from '../../activities/lineage/make-export.js';
import { keysOfFederation, type TrustedKeys } from '../../activities/lineage/trusted-keys.js';
import type { AttemptEvidence } from '../../activities/lineage/verify-attempt.js';
import type { ObjectStore } from '../../activities/store.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { openSignedFederation } from '../open-federation.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset, findRun } from '../reading/find-run.js';
import { recordInMesh, recordNamed } from '../reading/lineage.js';
import { exchangeStore } from '../reading/stores.js';
import { findingLines } from '../showing/lineage-text.js';
import { viewRun } from '../temporal/runs.js';

interface ExportOptions {
  readonly output: string;
  readonly dataset?: string;
  readonly mesh?: string;
  readonly type?: string;
  readonly run?: boolean;
}

export function registerExport(program: Command): void {
  defineCommand(program, {
    name: 'export <what>',
    description:
      'Write a run or a record with all signed messages that prove it, for `concordat verify` on a machine that has neither server nor store. A run is named by its dataset (the newest agreement), by dataset@sequence, or with --run by the id that `concordat runs` shows, also where it agreed on nothing; anything else is a record, named as in `concordat lineage`.',
    examples: [
      ['concordat export workforce -o agreement.jsonl', 'the run of the newest agreement'],
      ['concordat export workforce@3 -o third.jsonl', 'the run that made base 3'],
      ['concordat export "Noor Haddad" -o noor.jsonl', 'one record'],
    ],
  })
    .requiredOption('-o, --output <file>', 'a file that is not there yet')
    .option('--dataset <name>', 'of the record, where the federation has several')
    .option('--mesh <authority>', 'the record is named by its id in the cloud of this authority')
    .option('--type <type>', 'with a whole key: also finds a record that is gone')
    .option('--run', 'it names a run by its id; asks Temporal')
    .action(
      action<ExportOptions, [what: string]>(async (invocation, options, what) => {
        const federation = await openSignedFederation(invocation.federationFolder);
        const layout = layoutOf(invocation.federationFolder, invocation.environment);
        const exchange = exchangeStore(layout);
        const keys = keysOfFederation(federation);
        const file = path.resolve(invocation.workingFolder, options.output);
        const run = await runMeant(invocation, federation, exchange, what, options);
        if (run) return writeRun(invocation, exchange, keys, run, file);
        const dataset = chooseDataset(federation, options.dataset);
        const name =
          options.mesh !== undefined
            ? await recordInMesh(federation, layout, dataset, options.mesh, what)
            : options.type !== undefined
              ? { dataset, type: options.type, key: what }
              : await recordNamed(federation, exchange, dataset, what);
        const found = await exportRecord(exchange, keys, name);
        if (!found) throw new ConcordatError('notFound', `no member holds a hop of ${name.type} ${name.key}`);
        await writeExport(file, found, []);
        const hops = found.lineage.chains.reduce((sum, chain) => sum + chain.hops.length, 0);
        const wrote = `wrote ${file}: ${hops} hops of ${found.lineage.chains.length} authorities`;
        invocation.output.result(
          { file, kind: 'record', dataset, type: name.type, key: name.key, hops },
          found.lineage.record
            ? [
                `${wrote}, with the values and the salt of the record`,
                'whoever has this file sees these values; an erasure does not reach it',
              ]
            : [`${wrote}, and the receipts of the record's erasure; no value and no salt is in it`],
        );
        return 0;
      }),
    );
}

/** A base by its number, or a run that moved none. */
type RunMeant =
  | { readonly kind: 'run'; readonly dataset: string; readonly sequence: number }
  | { readonly kind: 'attempt'; readonly evidence: AttemptEvidence };

async function runMeant(
  invocation: Invocation,
  federation: Federation,
  exchange: ObjectStore,
  what: string,
  options: ExportOptions,
): Promise<RunMeant | null> {
  if (options.run) return runById(invocation, what);
  const [dataset = '', sequence, ...more] = what.split('@');
  if (more.length > 0 || federation.datasets[dataset] === undefined) return null;
  if (sequence !== undefined) {
    if (!/^[1-9][0-9]{0,9}$/.test(sequence))
      throw new ConcordatError('usage', `${what}: write the number of a base behind @, such as ${dataset}@1`);
    return { kind: 'run', dataset, sequence: Number(sequence) };
  }
  const newest = await Promise.all(federation.file.members.map(({ id }) => newestSequence(exchange, id, dataset)));
  const latest = Math.max(0, ...newest);
  if (latest === 0)
    throw new ConcordatError('notFound', `${dataset} has no agreement yet; start a run with \`concordat run\``);
  return { kind: 'run', dataset, sequence: latest };
}

async function runById(invocation: Invocation, selector: string): Promise<RunMeant> {
  const run = await withFederation(invocation, { withinMs: 60_000 }, async (session) =>
    viewRun(session.runs, await findRun(session.runs, session.federation, selector)),
  );
  const { result, dataset } = run;
  if (result?.agreement) return { kind: 'run', dataset, sequence: result.agreement.sequence };
  if (!result?.evidence)
    throw new ConcordatError(
      'notFound',
      `run ${run.runId.slice(0, 8)} came to no end that names what it was made from, so there is nothing to export`,
    );
  const { inputs, reviews, permit } = result.evidence;
  const { plan, receipts } = result;
  return {
    kind: 'attempt',
    evidence: { dataset, inputs, plan: plan.plan, reviews: [...reviews], permit, receipts: [...receipts] },
  };
}

async function writeRun(
  { output }: Invocation,
  exchange: ObjectStore,
  keys: TrustedKeys,
  meant: RunMeant,
  file: string,
): Promise<0 | 1> {
  const { head, objects, findings } =
    meant.kind === 'run'
      ? await exportRun(exchange, keys, meant.dataset, meant.sequence)
      : await exportAttempt(exchange, keys, meant.evidence);
  await writeExport(file, head, objects);
  const bytes = objects.reduce((sum, [, object]) => sum + object.length, 0);
  const faults = findings.all.filter(({ kind }) => kind === 'wrong' || kind === 'missing' || kind === 'erased');
  const holds = findings.hold && !findings.hasErased;
  const { dataset } = head;
  const subject = head.kind === 'run' ? { sequence: head.sequence } : { run: head.inputs.run };
  const what =
    head.kind === 'run'
      ? `base ${head.sequence} of ${dataset}`
      : `run ${head.inputs.run.slice(0, 12)} of ${dataset}, in which nothing was agreed`;
  output.result(
    {
      file,
      kind: head.kind,
      dataset,
      ...subject,
      objects: objects.length,
      bytes,
      verified: holds,
      findings: findings.all,
    },
    [
      `wrote ${file}: ${what}, ${objects.length} signed messages, documents and segments`,
      'whoever has this file sees the records of that run; an erasure does not reach it',
      ...findingLines(faults, output.paint),
    ],
  );
  return holds ? 0 : 1;
}
