/** `concordat verify`: what an export proves, with public keys and nothing else. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { readExport, type ExportHead } from '../../activities/lineage/export-file.js';
import { trustedKeysOf } from '../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../activities/lineage/verify-export.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand } from '../invocation.js';
import { visibleText } from '../showing/value-text.js';
import { findingLines } from '../showing/lineage-text.js';

interface Options {
  readonly peers: string;
  readonly receipts?: string;
}

export function registerVerify(program: Command): void {
  defineCommand(program, {
    name: 'verify <file>',
    description:
      'Say what an export proves: who showed, approved and wrote what, what was agreed, and where a link is missing. Needs no server, no store and no network: only the file and a folder with the keys of the federation. Exit code 0 where all of it holds, else 1.',
    examples: [
      ['concordat verify agreement.jsonl --peers ./federation', 'with the keys that this folder pins'],
      ['concordat verify noor.jsonl --peers ./federation --json', 'for programs'],
      [
        'concordat verify noor.jsonl --peers ./federation --receipts erased.txt',
        'also says who has erased the record since',
      ],
    ],
  })
    .requiredOption('--peers <folder>', 'the federation folder whose pinned keys are believed')
    .option('--receipts <file>', 'signed receipts of erasures, one a line, as `concordat erase --output` writes them')
    .action(
      action<Options, [file: string]>(async (invocation, { peers, receipts }, file) => {
        const keys = await trustedKeysOf(path.resolve(invocation.workingFolder, peers), Date.now());
        const exported = await readExport(path.resolve(invocation.workingFolder, file));
        const known =
          receipts === undefined ? [] : await readReceipts(path.resolve(invocation.workingFolder, receipts));
        const findings = await verifyExport(exported, keys, known);
        // A record's chain holds without what was erased; a run that cannot be made again does not.
        const holds = findings.hold && !(exported.head.kind !== 'record' && findings.hasErased);
        const { paint } = invocation.output;
        invocation.output.result(
          { ...subject(exported.head), federation: keys.federation, verified: holds, findings: findings.all },
          [
            `${words(exported.head)}, with the keys of ${keys.authorities.join(', ')}`,
            '',
            ...findingLines(findings.all, paint),
            '',
            holds
              ? paint.green('it holds')
              : findings.hold
                ? paint.yellow('what is left of it holds; the rest was erased, and signed for')
                : paint.red('it does not hold as a whole'),
          ],
        );
        return holds ? 0 : 1;
      }),
    );
}

async function readReceipts(file: string): Promise<readonly string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ConcordatError('usage', `there is no file ${file}`, { cause: error });
  }
}

function subject(head: ExportHead): object {
  if (head.kind === 'run') return { kind: 'run', dataset: head.dataset, sequence: head.sequence };
  if (head.kind === 'attempt') return { kind: 'attempt', dataset: head.dataset, run: head.inputs.run };
  const { dataset, record } = head.lineage;
  return { kind: 'record', dataset, type: record?.type ?? null, key: record?.key ?? null };
}

function words(head: ExportHead): string {
  if (head.kind === 'attempt')
    return `run ${head.inputs.run.slice(0, 12)} of ${visibleText(head.dataset)}, which made no base`;
  if (head.kind === 'run') return `the run of ${visibleText(head.dataset)} that made base ${head.sequence}`;
  const { dataset, record } = head.lineage;
  return record
    ? `${visibleText(record.type)} ${visibleText(record.key)} of ${visibleText(dataset)}`
    : `a record of ${visibleText(dataset)}`;
}
