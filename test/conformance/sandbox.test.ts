/** The sandbox is held to the cases that real systems are held to (test/systems/conformance.test.ts). */
import { cloudNames } from '../../sandbox/population.js';
import { startSandboxWorld } from './sandbox-worlds.js';
import { describeWorld } from './suite.js';

for (const cloud of cloudNames)
  describeWorld(`sandbox ${cloud}`, [], async () => ({ available: true, world: await startSandboxWorld(cloud) }));
