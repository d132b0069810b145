/** Three authorities of which one believes in another time: it sits the run out, and the others go on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedEqual } from '../support/equal-clouds.js';
import { startFederation, type LocalFederation } from '../support/local-federation.js';

let local: LocalFederation;
beforeAll(async () => {
  local = await startFederation({ members: ['aws', 'azure', 'sov'] });
  seedEqual(local.sandbox, 4);
}, 180_000);
afterAll(() => local?.stop());

/** The whole process of a worker: what its machine would say. */
const machineIs = (offsetMs: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,const{now}=Date;Date.now=()=>now()+(${offsetMs})`,
});

describe('a member whose machine is ten minutes', () => {
  it.each([
    ['ahead', 600_000],
    ['behind', -600_000],
  ])(
    '%s sits the run out, and is named with the reason',
    async (_direction, offsetMs) => {
      await local.endWorker('sov', 'SIGKILL');
      await local.startWorker('sov', machineIs(offsetMs));
      const result = await local.run();
      expect(result.absent).toEqual([
        { authority: 'sov', code: 'clockUntrusted', message: expect.stringMatching(/10 min|9 min/) },
      ]);
      expect(['agreed', 'divergent']).toContain(result.outcome);
      await local.idle();
    },
    180_000,
  );
});
