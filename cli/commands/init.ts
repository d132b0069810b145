/** `concordat init`: a new federation folder that works at once and explains itself. */
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import {
  meshKinds,
  writeNewFederation,
  type NewFederation,
} from '../../activities/federation-folder/new-federation.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { faultLine } from '../../activities/federation-folder/fault.js';
import { ConcordatError } from '../../core/errors.js';
import { suggestion } from '../../core/federation/nearest.js';
import { action, defineCommand } from '../invocation.js';

type MeshChoice = NewFederation['meshes'][number];

interface Options {
  readonly mesh?: readonly MeshChoice[];
  readonly dataset: string;
  readonly name: string;
  readonly approver?: readonly string[];
  readonly sandbox?: true;
}

const idShape = /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

export function registerInit(program: Command): void {
  defineCommand(program, {
    name: 'init [folder]',
    description: 'Write a new federation folder with a comment at every choice. Overwrites nothing.',
    examples: [
      ['concordat init --mesh aws=aws-iam --mesh azure=entra', 'into ./federation'],
      ['concordat init terms --mesh aws=aws-iam --mesh azure=entra --mesh sov=keystone', 'into ./terms'],
    ],
  })
    .option(
      '--mesh <id=kind>',
      `a member and its kind of cloud (${meshKinds.join(', ')}); give two or more`,
      collectMesh,
    )
    .option('--dataset <name>', 'the dataset that the members hold in common', checkId('a dataset'), 'workforce')
    .option('--name <name>', 'the name of the federation', checkId('a federation'), 'example')
    .option('--approver <id>', 'who may approve, for every member; may be repeated (default: you)', collectApprover)
    .option('--sandbox', 'endpoints of the local stand-ins instead of the clouds')
    .action(
      action<Options, [string | undefined]>(async ({ output, workingFolder }, options, folder = 'federation') => {
        const meshes = options.mesh ?? [];
        if (meshes.length < 2)
          throw new ConcordatError(
            'usage',
            'a federation has two members or more: give --mesh twice, for example --mesh aws=aws-iam --mesh azure=entra',
          );
        const target = path.resolve(workingFolder, folder);
        const files = await writeNewFederation(target, {
          name: options.name,
          dataset: options.dataset,
          meshes,
          approvers: options.approver ?? ['you'],
          sandbox: options.sandbox === true,
        });
        const loaded = await loadFederation(target);
        if (loaded.kind === 'invalid')
          throw new Error(`what was written does not validate: ${loaded.faults.map(faultLine).join('; ')}`);
        output.result({ folder: target, files }, [
          ...files.map((file) => `wrote ${path.join(folder, file)}`),
          '',
          'Next:',
          `  1. read ${path.join(folder, 'authorities')}/ and fill in how each cloud is reached`,
          `  2. concordat keys generate --federation ${folder}`,
          `  3. concordat validate --federation ${folder} --signed`,
        ]);
        return 0;
      }),
    );
}

function collectMesh(text: string, previous: readonly MeshChoice[] = []): readonly MeshChoice[] {
  const at = text.indexOf('=');
  const id = at < 0 ? '' : text.slice(0, at);
  const kind = meshKinds.find((known) => known === text.slice(at + 1));
  if (at < 0) throw new InvalidArgumentError('Write id=kind, for example aws=aws-iam.');
  if (!idShape.test(id) || id === 'federation')
    throw new InvalidArgumentError(
      'The id must start with a letter, hold only a-z, 0-9 and inner hyphens, and not be "federation".',
    );
  if (!kind) throw new InvalidArgumentError(`No such kind of mesh: ${suggestion(text.slice(at + 1), meshKinds)}`);
  if (previous.some((mesh) => mesh.id === id)) throw new InvalidArgumentError(`The id "${id}" is given twice.`);
  return [...previous, { id, kind }];
}

function collectApprover(id: string, previous: readonly string[] = []): readonly string[] {
  if (!/^[a-z][a-z0-9.-]*$/.test(id))
    throw new InvalidArgumentError('An approver id must start with a letter and hold only a-z, 0-9, dots and hyphens.');
  return previous.includes(id) ? previous : [...previous, id];
}

function checkId(what: string): (text: string) => string {
  return (text) => {
    if (!idShape.test(text) || text.length > 40)
      throw new InvalidArgumentError(
        `The name of ${what} must start with a letter and hold only a-z, 0-9 and inner hyphens.`,
      );
    return text;
  };
}
