/**
 * The cases that hold the sandbox, over systems that we did not write: Keystone itself, moto for AWS IAM, entra-emulator for
 * Microsoft Graph. Where one of these is known to differ from its cloud, deviations.ts says so, and the entry must still hold.
 */
import { awsAccessCases } from '../conformance/aws-access-cases.js';
import { awsSuspensionCases } from '../conformance/aws-suspension-cases.js';
import { entraAccessCases } from '../conformance/entra-access-cases.js';
import { keystoneAccessCases } from '../conformance/keystone-access-cases.js';
import { describeWorld } from '../conformance/suite.js';
import { systemWorld } from '../conformance/world.js';
import { startEntraEmulator } from '../support/systems/entra-emulator.js';
import { startKeystone } from '../support/systems/keystone.js';
import { startMoto } from '../support/systems/moto.js';
import { entraEmulatorCases, keystoneCases, motoCases } from './deviations.js';

describeWorld('moto', motoCases, async () => systemWorld(await startMoto(), motoCases), [
  ...awsAccessCases,
  ...awsSuspensionCases,
]);
describeWorld(
  'entra-emulator',
  entraEmulatorCases,
  async () => systemWorld(await startEntraEmulator(), entraEmulatorCases),
  entraAccessCases,
);
describeWorld(
  'keystone',
  keystoneCases,
  async () => systemWorld(await startKeystone(), keystoneCases),
  keystoneAccessCases,
);
