/**
 * What every connector must get out of its cloud, and every stand-in must let it get. A system that is known to differ
 * from its cloud says so in its table of deviations; nothing else excuses a case.
 */
import { expect } from 'vitest';
import { readCases } from './cases-of-reading.js';
import { writeCases } from './cases-of-writing.js';
import type { Scene } from './scene.js';

export interface ConformanceCase {
  readonly name: string;
  run(scene: Scene): Promise<void>;
}

const access: readonly ConformanceCase[] = [
  {
    name: 'a probe with good credentials names who we are and misses no permission',
    run: async ({ connector }) => {
      const probe = await connector.probe();
      expect(probe).toMatchObject({ reachable: true, authenticated: true, identity: expect.any(String) as string });
      expect(probe.permissions.filter(({ held }) => held === false)).toEqual([]);
    },
  },
  {
    name: 'a probe with a wrong secret says that the credentials are rejected',
    run: async ({ world }) => {
      const probe = await world.connector({ wrongSecret: true }).probe();
      expect(probe).toMatchObject({ reachable: true, authenticated: false, code: 'credentialsRejected' });
    },
  },
];

export const cases: readonly ConformanceCase[] = [...access, ...readCases, ...writeCases];
