/** `concordat sign`: a person says that a file of the federation is theirs. */
import path from 'node:path';
import type { Command } from 'commander';
import { digestsOfDocuments } from '../../activities/federation-folder/read-authors.js';
import { signDocument } from '../../activities/federation-folder/sign-document.js';
import { ConcordatError } from '../../core/errors.js';
import { bareKey } from '../../core/public-key.js';
import { findApprover } from '../deciding/approver.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { openFederation } from '../open-federation.js';
import { visibleText } from '../showing/value-text.js';
import { listWords } from '../showing/words.js';

interface Options {
  readonly as: string;
  readonly authority?: string;
}

export function registerSign(program: Command): void {
  defineCommand(program, {
    name: 'sign <file...>',
    description:
      'Sign maps, types, datasets or authority files as their author. What follows from a change of a file that you signed takes the approval of somebody besides you. The signature lies beside the file (maps/aws.person.jws) and goes with it into version control; sign again after each change. An authority file is also signed by its authority: `concordat manifest sign`.',
    examples: [
      ['concordat sign maps/aws.person.yaml --as ana', 'one file of the federation folder'],
      ['concordat sign maps/*.yaml datasets/people.yaml --as ana', 'several, from inside the folder'],
      ['concordat validate', 'tells which signatures no longer fit their files'],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option(
      '--authority <id>',
      'as its approver; where left out, of the authority that the file is about, else the first',
    )
    .action(action<Options, [files: string[]]>((invocation, options, files) => signFiles(invocation, options, files)));
}

async function signFiles(invocation: Invocation, options: Options, files: readonly string[]): Promise<ExitCode> {
  const { federationFolder: folder, workingFolder, output } = invocation;
  const federation = await openFederation(folder);
  const documents = digestsOfDocuments(federation);
  const named = files.map((word) => ({ word, document: documentOf(word, folder, workingFolder) }));
  const unknown = named.filter(({ document }) => !documents.has(document)).map(({ word }) => word);
  if (unknown.length > 0)
    throw new ConcordatError(
      'usage',
      `${listWords(unknown)}: no map, type, dataset or authority file of ${folder}; it has ${listWords([...documents.keys()].map((name) => `${name}.yaml`))}`,
    );
  const approver = await findApprover(
    federation,
    layoutOf(folder, invocation.environment),
    workingFolder,
    options.as,
    options.authority,
  );
  const [first] = approver.listings;
  if (!first) throw new ConcordatError('notAnApprover', `no authority lists ${options.as}`);
  const signed = [];
  for (const document of new Set(named.map((one) => one.document))) {
    const owner = document.replace(/^[^/]*\//, '').split('.')[0];
    const { authority, approver: id } = approver.listings.find((one) => one.authority === owner) ?? first;
    const key = federation.authorities[authority]?.approvers.find((one) => one.id === id)?.key;
    if (!key) throw new ConcordatError('notAnApprover', `${authority} lists no key of ${id}`);
    const author = { authority, approver: id, key: bareKey(key) };
    const { others, statement } = await signDocument(folder, federation, document, author, approver.key, Date.now());
    signed.push({ document, authority, approver: id, digest: statement.digest, others });
  }
  output.result(
    {
      folder,
      signed: signed.map(({ others, ...one }) => ({
        ...one,
        others: others.map(({ authority, approver: other }) => ({ authority, approver: other })),
      })),
    },
    [
      ...signed.map(
        ({ document, authority, approver: id, others }) =>
          `${output.paint.green('signed')} ${visibleText(document)}.yaml by ${id} of ${authority}${others.length > 0 ? `, beside ${listWords(others.map((other) => other.approver))}` : ''}`,
      ),
      'workers take it up when they are started again: every member needs the same folder',
    ],
  );
  return 0;
}

/** A path from where the command was typed, or one inside the federation folder. */
function documentOf(word: string, folder: string, workingFolder: string): string {
  const inside = path.relative(path.resolve(workingFolder, folder), path.resolve(workingFolder, word));
  const file = inside.startsWith('..') || path.isAbsolute(inside) ? path.normalize(word) : inside;
  return file
    .split(path.sep)
    .join('/')
    .replace(/\.(yaml|jws)$/, '');
}
