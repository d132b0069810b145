/** What only the stand-ins of the clouds offer: their state as they hold it, and the story that they play. */
import { readFile } from 'node:fs/promises';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { ConcordatError } from '../../core/errors.js';
import type { SandboxReady } from '../local/local-federation.js';
import type { Player } from './cast.js';

/** One change that a cloud made on its own, as the stand-in tells it. */
const StoryEvent = z.object({ clouds: z.array(z.string()), words: z.string() });
export type StoryEvent = z.infer<typeof StoryEvent>;

/** Lets each cloud change on its own, as its administrators would. Once in the life of a sandbox. */
export async function playStory(sandbox: SandboxReady): Promise<readonly StoryEvent[]> {
  return z.array(StoryEvent).parse(await control(sandbox, 'aws', 'POST', 'story'));
}

/** Everything that a cloud holds, as it holds it: no connector, no snapshot and no map of Concordat lies between. */
export async function stateOf(sandbox: SandboxReady, cloud: Player['cloud']): Promise<unknown> {
  return control(sandbox, cloud, 'GET', 'state');
}

async function control(
  sandbox: SandboxReady,
  cloud: Player['cloud'],
  method: 'GET' | 'POST',
  name: string,
): Promise<unknown> {
  const url = new URL(`/_sandbox/${name}`, sandbox[cloud].endpoint);
  const isTls = url.protocol === 'https:';
  const ca = isTls ? await readFile(sandbox.entra.caFile) : undefined;
  const answer = await new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const asked = (isTls ? requestTls : requestPlain)(url, { method, ...(ca ? { ca } : {}) }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.once('error', reject);
    asked.end();
  });
  if (answer.status !== 200)
    throw new ConcordatError('storyFailed', `the stand-in of ${cloud} answered ${answer.status} to ${name}`);
  return JSON.parse(answer.body) as unknown;
}
