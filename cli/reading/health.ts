/** Whether everything that a run needs is there: folder, stores, server, workers, meshes, permissions. Nothing is changed. */
import { access, constants } from 'node:fs/promises';
import type { Connection } from '@temporalio/client';
import { faultLine } from '../../activities/federation-folder/fault.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { readManifests } from '../../activities/manifests/read-manifests.js';
import { openStore, parseStoreLocation } from '../../activities/store-location.js';
import { checkEndpoints } from '../../activities/temporal-setup/nexus-endpoints.js';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { ConcordatError, errorTable, isErrorCode } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import {
  authorityEndpoint,
  authorityNamespace,
  federationEndpoint,
  federationNamespace,
  searchAttributes,
  taskQueue,
} from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import type { Layout } from '../local/layout.js';
import { probeAuthority } from '../temporal/authority-workflows.js';

export interface HealthCheck {
  /** Whom it concerns: `federation`, `temporal` or an authority. */
  readonly subject: string;
  readonly what: string;
  readonly state: 'ok' | 'broken' | 'unknown';
  readonly detail: string;
  /** What to do; null where it is fine. */
  readonly next: string | null;
}

const ok = (subject: string, what: string, detail: string): HealthCheck => ({
  subject,
  what,
  state: 'ok',
  detail,
  next: null,
});
const broken = (subject: string, what: string, detail: string, next: string): HealthCheck => ({
  subject,
  what,
  state: 'broken',
  detail,
  next,
});

/** A worker asks for tasks at least once a minute. */
const pollerFreshMs = 80_000;

export async function checkFolder(
  folder: string,
): Promise<{ readonly checks: readonly HealthCheck[]; readonly federation: Federation | null }> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') {
    const checks = loaded.faults.map((fault) =>
      broken('federation', 'folder', faultLine(fault), 'run `concordat validate`'),
    );
    return { checks, federation: null };
  }
  const { federation } = loaded;
  const { faults: unsigned } = await readManifests(folder, federation);
  return {
    federation,
    checks: [
      ok(
        'federation',
        'folder',
        `${federation.file.federation}: ${federation.file.members.length} members fit together`,
      ),
      ...(unsigned.length === 0
        ? [ok('federation', 'signatures', 'every member signed its terms')]
        : unsigned.map(({ authority, message }) =>
            broken(
              authority,
              'signature',
              message,
              `run \`concordat manifest sign --authority ${authority}\` where its key is`,
            ),
          )),
    ],
  };
}

export async function checkExchange({ exchangeLocation }: Layout): Promise<HealthCheck> {
  const location = parseStoreLocation(exchangeLocation, 'CONCORDAT_EXCHANGE');
  if (location.kind === 's3') {
    try {
      await openStore(exchangeLocation).get('federation/doctor');
      return ok('federation', 'exchange store', exchangeLocation);
    } catch (error) {
      return {
        subject: 'federation',
        what: 'exchange store',
        state: 'broken',
        detail: `${exchangeLocation}: ${error instanceof Error ? error.message : String(error)}`,
        next: 'check that the bucket is there and that these credentials may get, put, list and delete objects in it',
      };
    }
  }
  try {
    await access(location.folder, constants.R_OK);
    return ok('federation', 'exchange store', location.folder);
  } catch {
    return {
      subject: 'federation',
      what: 'exchange store',
      state: 'unknown',
      detail: `${location.folder} is not here yet`,
      next: 'the first run makes it; CONCORDAT_EXCHANGE names another place',
    };
  }
}

export async function checkServer(
  connection: Connection,
  address: string,
  federation: Federation,
): Promise<readonly HealthCheck[]> {
  const name = federation.file.federation;
  const authorities = federation.file.members.map(({ id }) => id);
  const namespaces = [federationNamespace(name), ...authorities.map((id) => authorityNamespace(name, id))];
  const missing: string[] = [];
  for (const namespace of namespaces) if (!(await hasSearchAttributes(connection, namespace))) missing.push(namespace);
  const endpoints = [federationEndpoint(name), ...authorities.map((id) => authorityEndpoint(name, id))];
  const missingEndpoints = await checkEndpoints(connection, endpoints);
  const prepare = 'run `concordat prepare`';
  return [
    ok('temporal', 'server', address),
    missing.length === 0
      ? ok('temporal', 'namespaces', `${namespaces.length}, with their search attributes`)
      : broken('temporal', 'namespaces', `${missing.join(', ')}: not there, or without search attributes`, prepare),
    missingEndpoints.length === 0
      ? ok('temporal', 'Nexus endpoints', String(endpoints.length))
      : broken('temporal', 'Nexus endpoints', `missing: ${missingEndpoints.join(', ')}`, prepare),
  ];
}

async function hasSearchAttributes(connection: Connection, namespace: string): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.keys(searchAttributes).every((name) => customAttributes[name] !== undefined);
  } catch (error) {
    if (grpcCodeOf(error) === grpcStatus.notFound) return false;
    throw error;
  }
}

/** Whether somebody has asked for tasks of the queue in the last minute. */
export async function isPolled(connection: Connection, namespace: string, nowMs: number): Promise<boolean> {
  try {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: 1,
    });
    return (pollers ?? []).some(({ lastAccessTime }) => {
      const atMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
      return nowMs - atMs < pollerFreshMs;
    });
  } catch (error) {
    if (grpcCodeOf(error) === grpcStatus.notFound) return false;
    throw error;
  }
}

export async function checkCoordinator(connection: Connection, federation: Federation): Promise<HealthCheck> {
  const polled = await isPolled(connection, federationNamespace(federation.file.federation), Date.now());
  return polled
    ? ok('federation', 'worker', 'asks for tasks')
    : broken(
        'federation',
        'worker',
        'no worker of the federation asks for tasks',
        'start it with `concordat worker --federation`',
      );
}

export async function checkAuthority(
  connection: Connection,
  federation: Federation,
  authority: AuthorityId,
  withinMs: number,
): Promise<readonly HealthCheck[]> {
  const name = federation.file.federation;
  const start = `start it with \`concordat worker --authority ${authority}\``;
  if (!(await isPolled(connection, authorityNamespace(name, authority), Date.now())))
    return [broken(authority, 'worker', `no worker of ${authority} asks for tasks`, start)];
  let report: Awaited<ReturnType<typeof probeAuthority>>;
  try {
    report = await probeAuthority({ connection, federation: name, authority, withinMs });
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const next = error.code === 'authorityAbsent' ? start : errorTable[error.code].next;
    return [broken(authority, 'worker', error.message, next)];
  }
  const why = [report.code, report.detail].filter((text) => text !== null).join(': ');
  const next = isErrorCode(report.code) ? errorTable[report.code].next : 'look at the log of its worker';
  if (!report.reachable)
    return [
      ok(authority, 'worker', 'answers'),
      broken(authority, 'mesh', `${report.kind} is not reachable: ${why}`, next),
    ];
  if (!report.authenticated)
    return [
      ok(authority, 'worker', 'answers'),
      ok(authority, 'mesh', `${report.kind} is reachable`),
      broken(authority, 'credentials', why || 'not accepted', next),
    ];
  return [
    ok(authority, 'worker', 'answers'),
    ok(authority, 'mesh', `${report.kind} is reachable`),
    ok(authority, 'credentials', report.identity ?? 'accepted'),
    ...permissionChecks(authority, report),
  ];
}

function permissionChecks(
  authority: AuthorityId,
  { permissions, code, detail }: Awaited<ReturnType<typeof probeAuthority>>,
): readonly HealthCheck[] {
  const lacking = permissions.filter(({ held }) => held === false);
  const unchecked = permissions.filter(({ held }) => held === 'notChecked');
  const held = permissions.length - lacking.length - unchecked.length;
  return [
    ...lacking.map(({ permission }) =>
      broken(authority, 'permission', `${permission} is missing`, `grant it to the identity of ${authority}`),
    ),
    ...(unchecked.length > 0
      ? [
          {
            subject: authority,
            what: 'permissions',
            state: 'unknown',
            detail: `the mesh does not let us check ${unchecked.map(({ permission }) => permission).join(', ')}`,
            next: 'compare with what the connector declares',
          } as const,
        ]
      : []),
    ...(held > 0 && lacking.length === 0
      ? [ok(authority, 'permissions', `${held} of ${permissions.length} held`)]
      : []),
    ...(code !== null && lacking.length === 0
      ? [
          broken(
            authority,
            'mesh',
            `${code}${detail === null ? '' : `: ${detail}`}`,
            isErrorCode(code) ? errorTable[code].next : 'look at the log of its worker',
          ),
        ]
      : []),
  ];
}
