/** The aws-iam connector: IAM users, and groups with their members, of one account under one path. */
import type { Connector } from '../connector.js';
import { PolicySets } from './access/policy-sets.js';
import { createAccessReader } from './access/read-access.js';
import type { NativeType } from './body.js';
import { awsIamCapabilities } from './capabilities.js';
import { createAwsIamClient } from './client.js';
import { awsIamConfig } from './config.js';
import type { AwsIamMesh, Environment, Limits } from './config.js';
import { createFinder } from './find.js';
import { Names } from './names.js';
import { plannedCalls } from './planned-calls.js';
import { accountGuard, accountNumber, probe } from './probe.js';
import { createReader } from './read.js';
import { createWriter } from './write.js';

export interface AwsIamConnectorOptions {
  readonly mesh: AwsIamMesh;
  readonly environment: Environment;
  /** Shorter waits and smaller pages, for tests. */
  readonly limits?: Partial<Limits>;
}

/** Opens no connection. Throws ConcordatError `credentialsMissing` for half a key pair in the environment. */
export function createAwsIamConnector({ mesh, environment, limits }: AwsIamConnectorOptions): Connector<NativeType> {
  const config = awsIamConfig(mesh, environment, limits);
  const client = createAwsIamClient(config);
  const names = new Names(config.limits.settleMs);
  const finder = createFinder(client, names);
  const account = accountNumber(client);
  const sets = new PolicySets(mesh.policySets);
  const readAll = createReader(client, names, finder, createAccessReader(client, sets, account));
  const confirmAccount = accountGuard(client);
  return {
    capabilities: awsIamCapabilities,
    // a person waits for the answer
    probe: () => probe(createAwsIamClient({ ...config, limits: { ...config.limits, readAttemptsMax: 2 } })),
    async *readAll(request) {
      await confirmAccount();
      yield* readAll(request);
    },
    async readOne(type, id) {
      await confirmAccount();
      return finder.readOne(type, id);
    },
    async findTwin(type, after) {
      await confirmAccount();
      return finder.findTwin(type, after);
    },
    plannedCalls: (write) => plannedCalls(write, mesh.pathPrefix),
    write: createWriter(client, names, finder, confirmAccount),
  };
}
