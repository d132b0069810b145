/** `concordat manifest`: what authorities publish, signed and checked. */
import type { Command } from 'commander';
import { signManifest } from '../../activities/keys/sign-manifest.js';
import { verifyManifests } from '../../activities/keys/verify-manifests.js';
import { authorityKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { terminalText } from '../output/terminal-text.js';

export function registerManifest(program: Command): void {
  const manifest = program.command('manifest').description('Sign or verify what authorities publish.');
  defineCommand(manifest, {
    name: 'sign',
    description:
      'Sign the public part of authority files with the keys on this machine. Read the file first: signing is agreeing to it.',
    examples: [
      ['concordat manifest sign', 'every authority whose key is on this machine'],
      ['concordat manifest sign --authority aws', 'one authority'],
    ],
  })
    .option('--authority <id>', 'only this authority')
    .action(
      action<{ readonly authority?: string }>(async ({ federationFolder: folder, output }, { authority }) => {
        const federation = await openFederation(folder);
        const signed: string[] = [];
        for (const id of authority === undefined ? federation.file.members.map((member) => member.id) : [authority]) {
          if (authority === undefined && !(await readKeyFile(authorityKeyFile(folder, id)))) continue;
          await signManifest(folder, federation, id);
          signed.push(id);
        }
        if (signed.length === 0) throw new ConcordatError('notSigned', 'no authority key is on this machine');
        output.result(
          { folder, signed },
          signed.map((id) => `manifest ${output.paint.bold(id)}: signed`),
        );
        return 0;
      }),
    );
  defineCommand(manifest, {
    name: 'verify',
    description: 'Check that every member signed what its file says now, with the key that the federation pins.',
    examples: [['concordat manifest verify', 'all members']],
  }).action(
    action(async ({ federationFolder: folder, output }) => {
      const federation = await openFederation(folder);
      const faults = await verifyManifests(folder, federation);
      const members = federation.file.members.map(({ id }) => id);
      output.result(
        { folder, verified: members.filter((id) => !faults.some((fault) => fault.authority === id)), faults },
        members.map((id) => {
          const fault = faults.find(({ authority }) => authority === id);
          return `manifest ${output.paint.bold(id)}: ${fault ? output.paint.red(terminalText(fault.message)) : 'holds'}`;
        }),
      );
      return faults.length === 0 ? 0 : 1;
    }),
  );
}
