/** The aws-iam connector: IAM users, groups with their members, and what is granted to them, of one account under one path. */
import type { Connector, NativeWrite } from '../connector.js';
import { audienceOf, partitionOf } from './access/collections.js';
import { createAccessFinder } from './access/find-access.js';
import { isAccessType } from './access/native-types.js';
import type { AccessType } from './access/native-types.js';
import { plannedAccessCalls } from './access/planned-calls.js';
import { createAccessWriter } from './access/write-access.js';
import { PolicySets } from './access/policy-sets.js';
import { createAccessReader } from './access/read-access.js';
import type { NativeType } from './body.js';
import { awsIamCapabilities } from './capabilities.js';
import { createAwsIamClient } from './client.js';
import { awsIamConfig } from './config.js';
import type { AwsIamMesh, Environment, Limits } from './config.js';
import { createFinder } from './find.js';
import { Names } from './names.js';
import { consequencesOf } from './consequences.js';
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

type PeopleWrite = NativeWrite<NativeType>;

function isAccessWrite(write: NativeWrite<NativeType | AccessType>): write is NativeWrite<AccessType> {
  return isAccessType(write.type);
}

/** Opens no connection. Throws ConcordatError `credentialsMissing` for half a key pair in the environment. */
export function createAwsIamConnector({
  mesh,
  environment,
  limits,
}: AwsIamConnectorOptions): Connector<NativeType | AccessType> {
  const config = awsIamConfig(mesh, environment, limits);
  const client = createAwsIamClient(config);
  const names = new Names(config.limits.settleMs);
  const finder = createFinder(client, names);
  const account = accountNumber(client);
  const sets = new PolicySets(mesh.policySets);
  const readAll = createReader(client, names, finder, createAccessReader(client, sets, account));
  const confirmAccount = accountGuard(client);
  const accessFinder = createAccessFinder(client, finder, sets, account);
  const write = createWriter(client, names, finder, confirmAccount);
  const writeAccess = createAccessWriter(client, accessFinder, sets, account, confirmAccount);
  const terms = {
    sets,
    pathPrefix: mesh.pathPrefix,
    audience: audienceOf(client),
    account: mesh.account,
    partition: partitionOf(client),
  };
  return {
    capabilities: awsIamCapabilities,
    // a person waits for the answer
    probe: ({ nativeTypes } = {}) =>
      probe(createAwsIamClient({ ...config, limits: { ...config.limits, readAttemptsMax: 2 } }), nativeTypes),
    async *readAll(request) {
      await confirmAccount();
      yield* readAll(request);
    },
    async readOne(type, id) {
      await confirmAccount();
      return isAccessType(type) ? accessFinder.readOne(type, id) : finder.readOne(type, id);
    },
    isInScope: ({ body }) => typeof body['Path'] !== 'string' || body['Path'].startsWith(mesh.pathPrefix),
    async findTwin(type, after) {
      await confirmAccount();
      return isAccessType(type) ? accessFinder.findTwin(type, after) : finder.findTwin(type, after);
    },
    plannedCalls: (planned) =>
      isAccessWrite(planned)
        ? plannedAccessCalls(planned, terms)
        : plannedCalls(planned as PeopleWrite, mesh.pathPrefix),
    consequencesOf,
    write: (wanted, announce) =>
      isAccessWrite(wanted) ? writeAccess(wanted, announce) : write(wanted as PeopleWrite, announce),
  };
}
