/** The layout as data: who may import whom, and what a file may be. docs/decisions/0001-layout.md says why. */

export interface Zone {
  /** A folder with its slash, or one file. The longest that fits a file is the zone of the file. */
  readonly path: string;
  /** Own files that may be imported: a folder with its slash, or one file. The zone itself always may. */
  readonly own: readonly string[];
  /** Own files of which only types may be imported. */
  readonly ownTypes?: readonly string[];
  /** A package with all its subpaths; `@scope/*` is every package of the scope, `node:` every built-in module. */
  readonly packages: readonly string[];
  readonly packageTypes?: readonly string[];
}

const activityPackages = ['node:', 'zod', 'jose', 'yaml', '@temporalio/activity', '@temporalio/common'];

export const zones: readonly Zone[] = [
  { path: 'core/', own: [], packages: ['zod', 'canonicalize', '@noble/hashes'] },
  {
    path: 'workflows/',
    own: ['core/'],
    ownTypes: ['activities/'],
    packages: ['@temporalio/workflow', '@temporalio/common', 'nexus-rpc', 'zod'],
  },
  {
    path: 'activities/',
    own: ['core/', 'workflows/contract.ts'],
    ownTypes: ['workflows/'],
    packages: activityPackages,
    packageTypes: ['@temporalio/client'],
  },
  // A connector speaks to one cloud. It knows neither Temporal nor keys, stores or other connectors (check.ts).
  { path: 'activities/connectors/', own: ['core/'], packages: ['node:', 'zod'] },
  {
    path: 'activities/connectors/aws-iam/',
    own: ['core/', 'activities/connectors/connector.ts', 'activities/aws-answers.ts'],
    packages: ['node:', 'zod', '@aws-sdk/*'],
  },
  {
    path: 'activities/connectors/dynamodb/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/aws-answers.ts',
      'activities/row-key.ts',
      'activities/side-by-side.ts',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', '@aws-sdk/client-dynamodb', '@aws-sdk/client-dynamodb-streams'],
  },
  {
    path: 'activities/connectors/entra/',
    own: ['core/', 'activities/connectors/connector.ts'],
    packages: ['node:', 'zod', '@azure/identity', '@microsoft/microsoft-graph-client'],
    packageTypes: ['@microsoft/microsoft-graph-types'],
  },
  {
    path: 'activities/connectors/folder/',
    own: ['core/', 'activities/connectors/connector.ts', 'activities/record-formats/', 'activities/record-objects/'],
    packages: ['node:', 'zod'],
  },
  {
    path: 'activities/connectors/s3/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/aws-answers.ts',
      'activities/record-formats/',
      'activities/record-objects/',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', '@aws-sdk/client-s3'],
  },
  {
    path: 'activities/connectors/azure-tables/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/azure-storage.ts',
      'activities/row-key.ts',
      'activities/side-by-side.ts',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', '@azure/data-tables', '@azure/core-rest-pipeline', 'lossless-json'],
  },
  {
    path: 'activities/connectors/azure-blob/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/azure-storage.ts',
      'activities/record-formats/',
      'activities/record-objects/',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', '@azure/storage-blob'],
  },
  {
    path: 'activities/connectors/cosmos/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/never-sent.ts',
      'activities/row-key.ts',
      'activities/side-by-side.ts',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', '@azure/cosmos', '@azure/identity', '@azure/core-rest-pipeline'],
  },
  {
    path: 'activities/connectors/swift/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/never-sent.ts',
      'activities/record-formats/',
      'activities/record-objects/',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod'],
  },
  // Accounts of Azure storage, for connectors of tables and of blobs.
  {
    path: 'activities/azure-storage.ts',
    own: ['core/', 'activities/never-sent.ts', 'activities/pace.ts'],
    packages: ['node:', '@azure/identity'],
  },
  // Files of rows as objects under a condition, whoever keeps the objects.
  {
    path: 'activities/record-objects/',
    own: ['core/', 'activities/record-formats/'],
    ownTypes: ['activities/connectors/connector.ts', 'activities/sealing/key-hash.ts'],
    packages: ['node:'],
  },
  // Files of rows, wherever they lie.
  {
    path: 'activities/record-formats/',
    own: ['core/', 'activities/row-key.ts', 'activities/sealing/key-hash.ts'],
    packages: ['node:', 'csv-parse', 'lossless-json', 'hyparquet', 'hyparquet-compressors'],
  },
  {
    path: 'activities/connectors/postgresql/',
    own: [
      'core/',
      'activities/connectors/connector.ts',
      'activities/row-key.ts',
      'activities/object-line.ts',
      'activities/pace.ts',
    ],
    packages: ['node:', 'zod', 'pg', 'pg-copy-streams', 'pg-cursor', 'postgres-array', 'lossless-json'],
  },
  // A store speaks to its bucket, and knows nobody who keeps anything in it.
  {
    path: 'activities/store-s3.ts',
    own: ['core/', 'activities/store.ts', 'activities/store-names.ts', 'activities/read-pace.ts'],
    ownTypes: ['activities/store-location.ts'],
    packages: ['node:', '@aws-sdk/client-s3'],
  },
  {
    path: 'activities/keys/aws-kms-signer.ts',
    own: ['core/', 'activities/keys/'],
    packages: ['node:', '@aws-sdk/client-kms'],
  },
  // The language of rules, and nothing of what they are asked about.
  { path: 'activities/constraints/', own: ['core/'], packages: ['node:', '@marcbachmann/cel-js'] },
  // What is sealed is fixed to the byte, so little may have a say in it.
  {
    path: 'activities/sealing/',
    own: ['core/', 'activities/store.ts', 'activities/unnamed-file.ts'],
    packages: ['node:', 'xxhash-wasm'],
  },
  // Speaks to the server that workers and command line use, before either runs.
  {
    path: 'activities/temporal-setup/',
    own: ['core/'],
    packages: ['node:', '@temporalio/client', '@temporalio/common'],
  },
  {
    path: 'workers/',
    own: ['core/', 'workflows/', 'activities/'],
    packages: [
      'node:',
      'zod',
      'nexus-rpc',
      'pino',
      '@temporalio/worker',
      '@temporalio/nexus',
      '@temporalio/workflow',
      '@temporalio/activity',
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/envconfig',
    ],
  },
  {
    path: 'cli/',
    own: [
      'core/',
      'activities/store.ts',
      'activities/store-files.ts',
      'activities/store-location.ts',
      'activities/documents/document-parts.ts',
      'activities/documents/long-lists.ts',
      'activities/documents/open-document.ts',
      'activities/exchange.ts',
      // Explains a record by planning it again from what was sealed: it reads the exchange store and nothing else.
      'activities/recompute.ts',
      // Reads the bases that an undo names, for who signs one: nothing else.
      'activities/undone.ts',
      'activities/federation-folder/',
      'activities/keys/',
      'activities/manifests/',
      'activities/temporal-setup/',
      'activities/sealing/',
      'activities/lineage/',
      'activities/links.ts',
      'activities/authority/review-sheet.ts',
      'activities/authority/clock.ts',
      'activities/authority/clock-reset.ts',
      'activities/authority/digest-key.ts',
      'activities/open-lineage/outbox.ts',
      'workflows/messages.ts',
    ],
    ownTypes: ['workflows/', 'activities/authority/'],
    packages: ['node:', 'zod', 'commander', 'jose', 'picocolors', '@temporalio/client', '@temporalio/common'],
  },
  {
    path: 'cli/temporal/',
    own: ['core/', 'cli/', 'activities/temporal-setup/', 'workflows/messages.ts'],
    ownTypes: ['workflows/'],
    packages: ['node:', 'zod', '@temporalio/client', '@temporalio/common', '@temporalio/envconfig'],
  },
  // Only here: the SDK's test package brings the download of a development server.
  {
    path: 'cli/local/',
    own: ['core/', 'cli/', 'activities/temporal-setup/', 'activities/store-location.ts'],
    packages: ['node:', 'zod', '@temporalio/client', '@temporalio/testing'],
  },
  // Stands in for clouds, so it must not share a line with what it is tested against.
  { path: 'sandbox/', own: ['core/'], packages: ['node:', 'selfsigned', 'zod'] },
];

export interface Reach {
  readonly from: string;
  readonly never: readonly string[];
  readonly why: string;
}

/** What may not be loaded even through others: real imports, followed to their end. */
export const reaches: readonly Reach[] = [
  {
    from: 'workflows/',
    never: ['activities/', 'workers/', 'cli/', 'sandbox/'],
    why: 'workflow code is replayed and must not touch the world',
  },
  {
    from: 'activities/federation/',
    never: [
      'activities/authority/',
      'activities/connectors/aws-iam/',
      'activities/connectors/entra/',
      'activities/connectors/keystone/',
      'activities/keys/private-key.ts',
      'activities/keys/generate.ts',
      'activities/manifests/own-keys.ts',
      'activities/manifests/sign-manifest.ts',
      'activities/links.ts',
    ],
    why: 'the coordinator holds no credential, no key and no link',
  },
  {
    from: 'activities/open-lineage/',
    never: [
      'activities/authority/',
      'activities/connectors/aws-iam/',
      'activities/connectors/entra/',
      'activities/connectors/keystone/',
      'activities/keys/private-key.ts',
      'activities/keys/generate.ts',
      'activities/manifests/own-keys.ts',
      'activities/manifests/sign-manifest.ts',
      'activities/links.ts',
    ],
    why: 'what leaves the federation is made of what the coordinator may know',
  },
  {
    from: 'cli/',
    never: [
      'workers/',
      'sandbox/',
      'activities/connectors/aws-iam/',
      'activities/connectors/entra/',
      'activities/connectors/keystone/',
    ],
    why: 'the command line starts workers and stand-ins as processes and holds no cloud credential',
  },
];

/** What several connectors may know beside connector.ts and their own folders, where their zones say so. */
export const sharedByConnectors: readonly string[] = [
  'activities/aws-answers.ts',
  'activities/azure-storage.ts',
  'activities/never-sent.ts',
  'activities/record-formats/',
  'activities/record-objects/',
  'activities/object-line.ts',
  'activities/pace.ts',
  'activities/row-key.ts',
  'activities/side-by-side.ts',
];

/** Every connector has these, so that who knows one finds their way in all. */
export const connectorFiles = [
  'config.ts',
  'client.ts',
  'capabilities.ts',
  'read.ts',
  'write.ts',
  'connector.ts',
] as const;

/** Words that name no concept. Whole words of a file's or a folder's name. */
export const emptyNames = /(?:^|-)(?:utils?|helpers?|common|managers?|misc)(?:-|\.|$)/;

export const linesMax = 400;

/** Files that may be longer, each with its reason and its own limit, so that they do not grow unseen. */
export const longFiles: Readonly<Record<string, { readonly linesMax: number; readonly reason: string }>> = {
  'workflows/reconcile.ts': {
    linesMax: 450,
    reason: 'the order of a whole run, which is read from top to bottom',
  },
  'core/federation/authority.ts': {
    linesMax: 450,
    reason: 'one file is one shape, with every kind of mesh',
  },
  'core/errors.ts': {
    linesMax: 500,
    reason: 'one table of all codes, an entry each',
  },
};

/** Where one input must give one output. */
export const withoutClock = ['core/'];
/** Workflows may ask `Date.now()`: in a workflow the SDK answers with the time that replay gives again. */
export const onlyReplayedClock = ['workflows/'];
/** Also in workflows, although the SDK seeds it there: a digest must not rest on it. */
export const withoutRandomness = ['core/', 'workflows/'];
