/** `concordat keys rotate-digest`: a new key for the digest fields of a dataset, made by one of its members for all. */
import type { Command } from 'commander';
import { rotateDigestKey, needsDigestKey } from '../../activities/authority/digest-key.js';
import { ownSigners, signerNow } from '../../activities/manifests/own-keys.js';
import { createFileStore } from '../../activities/store-files.js';
import { ConcordatError } from '../../core/errors.js';
import { datasetShape } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { openSignedFederation } from '../open-federation.js';
import { exchangeStore } from '../reading/stores.js';
import { listWords } from '../showing/words.js';

interface RotateDigestOptions {
  readonly authority: string;
}

export function registerKeysRotateDigest(keys: Command): void {
  defineCommand(keys, {
    name: 'rotate-digest <dataset>',
    description:
      'Make a new key for the digest fields of a dataset and encrypt it to every member. Each takes it up when it opens, and the next run in which all take part agrees on the base under it: nothing looks changed, and members then remove the old key. Any member may do it; a new one is made by itself where a member leaves the dataset.',
    examples: [
      ['concordat keys rotate-digest workforce --authority aws', 'where the keys and the private store of aws lie'],
    ],
  })
    .requiredOption('--authority <id>', 'who makes and signs it; its message key and private store must be here')
    .action(
      action<RotateDigestOptions, [string]>((invocation, options, dataset) => rotate(invocation, options, dataset)),
    );
}

async function rotate(
  { federationFolder, environment, output }: Invocation,
  { authority: id }: RotateDigestOptions,
  dataset: string,
): Promise<ExitCode> {
  const federation = await openSignedFederation(federationFolder);
  const known = federation.datasets[dataset];
  if (!known)
    throw new ConcordatError(
      'notFound',
      `the federation has no dataset ${dataset}; it has ${listWords(Object.keys(federation.datasets))}`,
    );
  if (!known.members.includes(id))
    throw new ConcordatError('usage', `${id} is no member of ${dataset}; it has ${listWords(known.members)}`);
  const shape = datasetShape(federation, dataset);
  if (!needsDigestKey(shape))
    throw new ConcordatError(
      'usage',
      `no member exposes a field of ${dataset} as a digest: there is no key to replace`,
    );
  const layout = layoutOf(federationFolder, environment);
  const nowMs = Date.now();
  const signingKey = signerNow(
    await ownSigners(layout.keysFolder, id, 'messages'),
    keysOf(federation, id, 'messages'),
    nowMs,
  );
  if (!signingKey)
    throw new ConcordatError('notFound', `no message key of ${id} that counts now is in ${layout.keysFolder}`);
  const key = await rotateDigestKey(
    {
      id,
      federation,
      exchange: exchangeStore(layout),
      privateStore: createFileStore(layout.privateFolder(id)),
      signingKey,
      now: () => nowMs,
    },
    shape,
  );
  output.result({ dataset, authority: id, key, members: shape.members }, [
    `${output.paint.bold(dataset)}: digest key ${key}, encrypted to ${listWords(shape.members)}`,
    'Each takes it up when it opens. Start a run in which all take part: it agrees on the base under this key, and the old one is removed.',
  ]);
  return 0;
}
