/** authorities/<id>.yaml: what an authority exposes, on what terms it accepts changes, who approves, how its mesh is reached. */
import { z } from 'zod';
import { Duration } from '../duration.js';
import { PublicKey } from '../public-key.js';
import { AuthorityId } from '../record.js';
import { pageSizes, perSecond, requestsPerSecond } from './store-limits.js';
import { WrittenTypeSurface } from './surface.js';
import { Constraints } from './constraints.js';
import { Approval, approvalDefaults, Role } from '../approval/terms.js';

export { Constraints, PublicKey };

const environmentName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must name an environment variable; never write a secret into a file');

const endpointName = environmentName.describe(
  'an environment variable that, where it is set, replaces the endpoint: for sandboxes on free ports',
);

const policySetName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'must start with a letter and hold at most 64 of A-Z, a-z, 0-9, _ . and -');
const policyArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy\/[!-~]+$/,
    'must be the ARN of a managed policy, such as arn:aws:iam::aws:policy/PowerUserAccess',
  );

const nativeName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'must start with a letter and hold at most 63 of A-Z, a-z, 0-9 and _');
const recordKey = z
  .array(z.string().min(1))
  .min(1)
  .describe('the columns or properties that tell the records of it apart; they never change while the record lives');

/** What an attribute of a DynamoDB table is made of, so that its body is a text or a list of texts. */
export const DynamodbAttribute = z.enum(['number', 'binary', 'textSet', 'numberSet', 'binarySet', 'numberList']);
export type DynamodbAttribute = z.infer<typeof DynamodbAttribute>;

/** What a property of an entity of Azure Tables is, so that its body is a text; see docs/records.md. */
export const AzureTablesProperty = z.enum([
  'text',
  'boolean',
  'int32',
  'int64',
  'double',
  'dateTime',
  'guid',
  'binary',
]);
export type AzureTablesProperty = z.infer<typeof AzureTablesProperty>;

const storageAccount = z
  .string()
  .regex(/^[a-z0-9]{3,24}$/, 'must be the name of a storage account: 3 to 24 of a-z and 0-9')
  .describe('refuse to work in any other account');
const storageConnection = environmentName
  .default('AZURE_STORAGE_CONNECTION_STRING')
  .describe(
    'the environment variable with the connection string of the account; where it is not set, the standard chain of @azure/identity is asked',
  );
const azureEndpoint = z.url().optional().describe('leave out for the public cloud');

const awsAccount = z
  .string()
  .regex(/^[0-9]{12}$/)
  .optional()
  .describe('refuse to work in any other account');
const awsEndpoint = z.url().optional().describe('leave out for AWS itself');
const awsProfile = z.string().optional().describe('a profile of the shared AWS configuration; else the standard chain');

const rowFormat = {
  format: z.enum(['jsonLines', 'csv', 'parquet']).describe('Parquet is read and never written'),
  key: recordKey,
  delimiter: z.enum([',', ';', '\t', '|']).optional().describe('between the columns of a CSV file; , where left out'),
};
const leadsNowhereElse = (name: string): boolean => !name.split('/').some((part) => part === '..' || part === '.');
const rowFile = z.strictObject({
  file: z
    .string()
    .regex(/^[^/\\\0]+(\/[^/\\\0]+)*$/, 'must be a path inside the folder, with / between its parts')
    .refine(leadsNowhereElse, { error: 'must not lead out of the folder' }),
  ...rowFormat,
});
const rowParts = z.strictObject({
  parts: z
    .string()
    .regex(/^([^/\\\0]+\/)+$/, 'must be what the names of all parts begin with, and end with / (parcels/)')
    .refine(leadsNowhereElse, { error: 'must not lead out of the folder' })
    .describe('every file under it holds records of the type, but those whose names begin with _ or .'),
  ...rowFormat,
});
const objectPrefix = z
  .string()
  .regex(/^([^/]+\/)*$/, 'must end with / and not start with it')
  .default('')
  .describe('before the name of every object');
const rowFiles = z
  .record(nativeName, z.union([rowFile, rowParts]))
  .refine((files) => Object.keys(files).length > 0, { error: 'must name at least one file' });

const fullReadEvery = z
  .int()
  .min(1)
  .max(1_000)
  .default(24)
  .describe('every how many runs the whole mesh is read, which proves that the changes between missed nothing');
const fileChanges = z
  .strictObject({ fullReadEvery })
  .optional()
  .describe('read only what changed since the last run; without it every run reads everything');
const streamChanges = z
  .strictObject({ fullReadEvery })
  .optional()
  .describe('read only what the streams of the tables tell since the last run; without it every run reads everything');
const feedChanges = z
  .strictObject({ fullReadEvery })
  .optional()
  .describe(
    'read only what the change feed tells since the last run, deletions included, which needs continuous backup of the account; without it every run reads everything',
  );
const deltaChanges = z
  .strictObject({ fullReadEvery })
  .optional()
  .describe(
    'read only the users and groups that delta queries name since the last run; without it every run reads all',
  );
const nameInServer = z.string().regex(/^[a-z0-9_]{1,63}$/, 'must hold at most 63 of a-z, 0-9 and _');

export const Mesh = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('aws-iam'),
    region: z.string().default('us-east-1'),
    account: awsAccount,
    endpoint: awsEndpoint,
    endpointFrom: endpointName.optional(),
    pathPrefix: z
      .string()
      .regex(/^\/([!-~]+\/)?$/, 'must start and end with /')
      .default('/')
      .describe('users and groups under this path only'),
    profile: awsProfile,
    policySets: z
      .record(policySetName, z.array(policyArn).min(1).max(20))
      .optional()
      .describe('roles for people, each a set of managed policies that are attached together'),
    webIdentityAudience: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('the audience of every web identity role of this account; sts.amazonaws.com where it is left out'),
    suspension: z
      .literal('keysAndDenyPolicy')
      .optional()
      .describe(
        'users have the property State, active or suspended: access keys are inactive and the inline policy concordat-suspended denies everything',
      ),
  }),
  z.strictObject({
    kind: z.literal('entra'),
    tenant: z.string().min(1),
    endpoint: z
      .url()
      .optional()
      .describe('Graph base address including the version; leave out for Microsoft Graph itself'),
    endpointFrom: endpointName.optional(),
    authorityHost: z.url().optional().describe('where tokens are issued; leave out for the public cloud'),
    authorityHostFrom: environmentName
      .optional()
      .describe('an environment variable that, where it is set, replaces authorityHost'),
    clientIdFrom: environmentName.default('AZURE_CLIENT_ID'),
    clientSecretFrom: environmentName.optional().describe('leave out to use the standard chain of @azure/identity'),
    groupPrefix: z.string().optional().describe('groups whose displayName starts with it only'),
    changes: deltaChanges,
    applications: z
      .array(z.guid())
      .optional()
      .describe('client ids of the applications whose app roles are granted; a grant on any other is refused'),
    workloadPrefix: z
      .string()
      .optional()
      .describe('workloads sign in as applications whose displayName starts with it only'),
    audience: z
      .string()
      .min(1)
      .max(600)
      .optional()
      .describe('what tokens of workloads are for; leave out for api://AzureADTokenExchange'),
    domain: z.string().optional().describe('domain of new user principal names'),
  }),
  z.strictObject({
    kind: z.literal('keystone'),
    endpoint: z.url().describe('the identity endpoint including /v3'),
    endpointFrom: endpointName.optional(),
    domain: z.string().min(1).describe('id of the domain whose users and groups are read and written'),
    userFrom: environmentName.default('OS_USERNAME'),
    passwordFrom: environmentName.default('OS_PASSWORD'),
    userDomain: z.string().default('default').describe('id of the domain of the service user'),
  }),
  z.strictObject({
    kind: z.literal('folder').describe('files of records: JSON Lines, CSV and Parquet'),
    path: z.string().min(1).describe('the folder; a relative one starts at the folder of the federation'),
    pathFrom: environmentName.optional().describe('an environment variable that, where it is set, replaces the path'),
    files: rowFiles.describe('native type → the file that holds its records, or the files (`parts`)'),
    changes: fileChanges,
  }),
  z.strictObject({
    kind: z.literal('postgresql').describe('tables of a PostgreSQL database'),
    connectionFrom: environmentName
      .default('PGCONNECTION')
      .describe(
        'the environment variable with the connection string; where it is not set, PGHOST, PGDATABASE, PGUSER, PGPASSWORD and their like count',
      ),
    schema: z.string().min(1).default('public'),
    tables: z
      .record(
        nativeName,
        z.strictObject({ table: z.string().min(1).describe('its name in the schema'), key: recordKey }),
      )
      .refine((tables) => Object.keys(tables).length > 0, { error: 'must name at least one table' })
      .describe('native type → the table that holds its records'),
    rowsPerSecond: perSecond('rows'),
    pageSize: pageSizes.postgresql,
    changes: z
      .strictObject({
        slot: nameInServer.describe('a logical replication slot with the plugin pgoutput, for this authority alone'),
        publication: nameInServer.describe('a publication that holds the tables'),
        fullReadEvery,
      })
      .optional()
      .describe('read only what changed since the last run; without it every run reads everything'),
  }),
  z.strictObject({
    kind: z.literal('dynamodb').describe('tables of Amazon DynamoDB in one region of one account'),
    region: z.string().min(1),
    account: awsAccount,
    endpoint: awsEndpoint,
    endpointFrom: endpointName.optional(),
    profile: awsProfile,
    segments: z
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe('how many parts of a table are read side by side; each holds one page at most'),
    unitsPerSecond: perSecond('capacity units'),
    pageSize: pageSizes.dynamodb,
    tables: z
      .record(
        nativeName,
        z.strictObject({
          table: z.string().regex(/^[A-Za-z0-9_.-]{3,255}$/, 'must be a name of 3 to 255 of A-Z, a-z, 0-9, _ . and -'),
          key: recordKey.max(2).describe('the partition key of the table and, where it has one, the sort key'),
          attributes: z
            .record(z.string().min(1), DynamodbAttribute)
            .optional()
            .describe(
              'attributes that are not what JSON has: those of the key say it themselves, and text, true, false, null, lists and maps need no word',
            ),
        }),
      )
      .refine((tables) => Object.keys(tables).length > 0, { error: 'must name at least one table' })
      .describe('native type → the table that holds its records'),
    changes: streamChanges,
  }),
  z.strictObject({
    kind: z.literal('s3').describe('objects of one bucket that hold records: JSON Lines, CSV, Parquet'),
    region: z.string().min(1),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
    prefix: objectPrefix,
    endpoint: awsEndpoint,
    endpointFrom: endpointName.optional(),
    profile: awsProfile,
    files: rowFiles.describe('native type → the object that holds its records, or the objects (`parts`)'),
    requestsPerSecond,
    pageSize: pageSizes.s3,
    changes: fileChanges,
  }),
  z.strictObject({
    kind: z.literal('azure-tables').describe('tables of an Azure storage account'),
    account: storageAccount,
    connectionFrom: storageConnection,
    endpoint: azureEndpoint,
    endpointFrom: endpointName.optional(),
    tables: z
      .record(
        nativeName,
        z.strictObject({
          table: z
            .string()
            .regex(/^[A-Za-z][A-Za-z0-9]{2,62}$/, 'must be a name of 3 to 63 of A-Z, a-z and 0-9, a letter first'),
          partition: z
            .string()
            .optional()
            .describe('read and write this partition only; then the key is the row key alone'),
          key: recordKey
            .max(2)
            .describe(
              'what partition key and row key are called in records; one name is the row key of `partition`, or else the partition key of entities with an empty row key',
            ),
          properties: z
            .record(z.string().min(1), AzureTablesProperty)
            .optional()
            .describe(
              'properties that records have: one that an entity lacks is null, and one that is no text or truth value is written as what it says here',
            ),
        }),
      )
      .refine((tables) => Object.keys(tables).length > 0, { error: 'must name at least one table' })
      .describe('native type → the table that holds its records'),
    requestsPerSecond,
    pageSize: pageSizes.azureTables,
  }),
  z.strictObject({
    kind: z.literal('azure-blob').describe('blobs of one container that hold records: JSON Lines, CSV, Parquet'),
    account: storageAccount,
    connectionFrom: storageConnection,
    container: z
      .string()
      .regex(/^(\$root|[a-z0-9](-?[a-z0-9]){2,62})$/, 'must be the name of a container: a-z, 0-9 and single hyphens'),
    prefix: objectPrefix,
    endpoint: azureEndpoint,
    endpointFrom: endpointName.optional(),
    files: rowFiles.describe('native type → the blob that holds its records, or the blobs (`parts`)'),
    requestsPerSecond,
    pageSize: pageSizes.azureBlob,
    changes: fileChanges,
  }),
  z.strictObject({
    kind: z.literal('cosmos').describe('containers of one database of Azure Cosmos DB for NoSQL'),
    account: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$/, 'must be the name of an account: 3 to 44 of a-z, 0-9 and hyphens')
      .describe('refuse to work in any other account'),
    connectionFrom: environmentName
      .default('AZURE_COSMOS_CONNECTION_STRING')
      .describe(
        'the environment variable with the connection string of the account; where it is not set, the standard chain of @azure/identity is asked',
      ),
    endpoint: azureEndpoint,
    endpointFrom: endpointName.optional(),
    database: z.string().min(1).max(255),
    containers: z
      .record(
        nativeName,
        z.strictObject({
          container: z.string().min(1).max(255).describe('its name in the database'),
          key: recordKey
            .max(2)
            .refine((key) => new Set(key).size === key.length && (key.length === 1 || key[0] !== 'id'), {
              error:
                'must be what id is called, after the property by which the container is partitioned where that is another',
            })
            .describe(
              'what `id` is called in records, where the container is partitioned by /id; else the property by which it is partitioned, and what `id` is called',
            ),
        }),
      )
      .refine((containers) => Object.keys(containers).length > 0, { error: 'must name at least one container' })
      .describe('native type → the container that holds its records'),
    unitsPerSecond: perSecond('request units'),
    pageSize: pageSizes.cosmos,
    changes: feedChanges,
  }),
  z.strictObject({
    kind: z.literal('swift').describe('objects of one container of OpenStack Swift: JSON Lines, CSV, Parquet'),
    endpoint: z
      .url()
      .describe('the identity endpoint including /v3; without `project`, where Swift itself gives tokens (/auth/v1.0)'),
    endpointFrom: endpointName.optional(),
    project: z
      .string()
      .min(1)
      .optional()
      .describe('id of the project whose account it is; leave out where Swift itself knows its users'),
    userFrom: environmentName.default('OS_USERNAME'),
    passwordFrom: environmentName.default('OS_PASSWORD'),
    userDomain: z.string().default('default').describe('id of the domain of the service user'),
    region: z.string().min(1).optional().describe('of the object store in the catalog; else the first'),
    interface: z.enum(['public', 'internal', 'admin']).default('public').describe('of the endpoint in the catalog'),
    storageUrl: z
      .url()
      .optional()
      .describe('the address of the account, where the catalog names one that does not lead there'),
    container: z
      .string()
      .regex(/^[^/]{1,256}$/, 'must be the name of a container: at most 256 characters and no /')
      .describe('it must keep versions (X-Versions-Enabled: true), or nothing is written'),
    prefix: objectPrefix,
    files: rowFiles.describe('native type → the object that holds its records, or the objects (`parts`)'),
    requestsPerSecond,
    pageSize: pageSizes.swift,
    changes: fileChanges,
  }),
]);
export type Mesh = z.infer<typeof Mesh>;

export const meshKinds = [
  'aws-iam',
  'entra',
  'keystone',
  'folder',
  'postgresql',
  'dynamodb',
  's3',
  'azure-tables',
  'azure-blob',
  'cosmos',
  'swift',
] as const satisfies readonly Mesh['kind'][];

export const Approver = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9.-]*$/),
  key: PublicKey.optional().describe('written by `concordat keys generate`'),
  roles: z.array(Role).default([]).describe('what approval.quorums asks for'),
});
export type Approver = z.infer<typeof Approver>;

export const ClockTerms = z.strictObject({
  maxAhead: Duration.default('60s').describe('a peer whose stamp is further ahead of the own clock sits the run out'),
});
export type ClockTerms = z.infer<typeof ClockTerms>;

export const LineageCommitments = z.strictObject({
  keepFor: Duration.default('3650d').describe('how long the lineage log, hops and agreements are kept'),
  cosign: z.boolean().default(true).describe('whether the logs of peers are cosigned here'),
});
export type LineageCommitments = z.infer<typeof LineageCommitments>;

export const Authority = z.strictObject({
  authority: AuthorityId,
  description: z.string().optional(),
  mesh: Mesh,
  surface: z
    .record(z.string(), WrittenTypeSurface)
    .describe(
      'per federated type, the fields that peers may see: a list for fields in clear, or fields and where; nothing else leaves',
    ),
  constraints: Constraints.default({ brakes: {}, freezeWindows: [], protected: [], freshness: '2h' }),
  clock: ClockTerms.default({ maxAhead: '60s' }),
  approval: Approval.default(approvalDefaults),
  approvers: z.array(Approver).min(1),
  lineage: LineageCommitments.default({ keepFor: '3650d', cosign: true }),
});
export type Authority = z.infer<typeof Authority>;
