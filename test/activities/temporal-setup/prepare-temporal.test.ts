import { Connection } from '@temporalio/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureNamespace } from '../../../activities/temporal-setup/namespaces.js';
import { checkEndpoints, ensureEndpoint } from '../../../activities/temporal-setup/nexus-endpoints.js';
import { prepareTemporal } from '../../../activities/temporal-setup/prepare-temporal.js';
import { searchAttributes, taskQueue } from '../../../core/names.js';
import { freshFederationName, temporalAddress } from '../../support/temporal.js';

let connection: Connection;
beforeAll(async () => {
  connection = await Connection.connect({ address: await temporalAddress() });
  return () => connection.close();
});

const prepare = (federation: string, authorities: readonly string[]) =>
  prepareTemporal({ connection, federation, authorities, retentionDays: 3 });

async function endpointTarget(name: string) {
  const { endpoints } = await connection.operatorService.listNexusEndpoints({ name });
  return endpoints[0]?.spec?.target?.worker;
}

describe('preparing a Temporal server for a federation', () => {
  it('makes a namespace, attributes and an endpoint for the federation and for each authority, and nothing twice', async () => {
    const federation = freshFederationName();
    const first = await prepare(federation, ['aws', 'azure']);
    expect(first).toHaveLength(9);
    expect(new Set(first.map((entry) => entry.made))).toEqual(new Set(['created']));
    const second = await prepare(federation, ['aws', 'azure']);
    expect(second.map(({ kind, name }) => ({ kind, name }))).toEqual(first.map(({ kind, name }) => ({ kind, name })));
    expect(new Set(second.map((entry) => entry.made))).toEqual(new Set(['present']));
    expect(await endpointTarget(`${federation}-aws`)).toMatchObject({ namespace: `${federation}-aws`, taskQueue });
    expect(await endpointTarget(`${federation}-federation`)).toMatchObject({ namespace: federation, taskQueue });
  });

  it('leaves a namespace that can be used at once', async () => {
    const federation = freshFederationName();
    await prepare(federation, ['aws']);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: `${federation}-aws`,
    });
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(Object.keys(searchAttributes)));
    const { executions } = await connection.workflowService.listWorkflowExecutions({
      namespace: federation,
      query: 'ConcordatDataset = "people" AND ConcordatDivergences > 0',
    });
    expect(executions).toEqual([]);
    const described = await connection.workflowService.describeNamespace({ namespace: federation });
    expect(Number(described.config?.workflowExecutionRetentionTtl?.seconds)).toBe(3 * 86_400);
  });

  it('succeeds for all of several workers that do it at once', async () => {
    const federation = freshFederationName();
    const prepared = await Promise.all([1, 2, 3].map(() => prepare(federation, ['aws', 'azure'])));
    expect(prepared.map((entries) => entries.length)).toEqual([9, 9, 9]);
    expect(await checkEndpoints(connection, [`${federation}-aws`, `${federation}-azure`])).toEqual([]);
  });

  it('adds an authority that joins later', async () => {
    const federation = freshFederationName();
    await prepare(federation, ['aws']);
    const second = await prepare(federation, ['aws', 'azure']);
    expect(second.filter((entry) => entry.made === 'created').map((entry) => entry.name)).toEqual(
      Array(3).fill(`${federation}-azure`),
    );
  });

  it('refuses a search attribute that exists with another type', async () => {
    const federation = freshFederationName();
    await ensureNamespace(connection, { namespace: federation, federation, description: '', retentionDays: 1 });
    const datetime = 6;
    await connection.operatorService.addSearchAttributes({
      namespace: federation,
      searchAttributes: { ConcordatStage: datetime },
    });
    await expect(prepare(federation, [])).rejects.toMatchObject({
      code: 'invalidFederation',
      message: expect.stringMatching(/ConcordatStage .* another type than Keyword/) as string,
    });
  });

  it('refuses a namespace that another federation made', async () => {
    const federation = freshFederationName();
    // Federation `x-y` and authority `y` of federation `x` have the same namespace.
    await prepare(`${federation}-aws`, []);
    await expect(prepare(federation, ['aws'])).rejects.toThrow(
      new RegExp(`namespace ${federation}-aws belongs to federation ${federation}-aws`),
    );
  });

  it('accepts a namespace that an operator made by hand', async () => {
    const federation = freshFederationName();
    await connection.workflowService.registerNamespace({
      namespace: federation,
      workflowExecutionRetentionPeriod: { seconds: { low: 86_400, high: 0, unsigned: false } as never },
    });
    expect((await prepare(federation, []))[0]).toEqual({ kind: 'namespace', name: federation, made: 'present' });
  });

  it('refuses an endpoint that leads to another namespace, and leaves it as it is', async () => {
    const federation = freshFederationName();
    await prepare(federation, []);
    await ensureEndpoint(connection, { name: `${federation}-aws`, namespace: federation, taskQueue });
    await expect(prepare(federation, ['aws'])).rejects.toThrow(
      new RegExp(`endpoint ${federation}-aws leads to namespace ${federation}, not`),
    );
    expect(await endpointTarget(`${federation}-aws`)).toMatchObject({ namespace: federation });
  });

  it('turns an endpoint that leads to another task queue of its namespace', async () => {
    const federation = freshFederationName();
    await prepare(federation, []);
    const name = `${federation}-federation`;
    await connection.operatorService.deleteNexusEndpoint(await identity(name));
    await ensureEndpoint(connection, { name, namespace: federation, taskQueue: 'old' });
    const prepared = await prepare(federation, []);
    expect(prepared.find((entry) => entry.kind === 'endpoint')?.made).toBe('updated');
    expect(await endpointTarget(name)).toMatchObject({ taskQueue });
  });
});

async function identity(name: string) {
  const { endpoints } = await connection.operatorService.listNexusEndpoints({ name });
  const endpoint = endpoints[0];
  return { id: endpoint?.id ?? '', version: endpoint?.version ?? null };
}

describe('checking endpoints', () => {
  it('names those that are missing, in the order asked, and no others', async () => {
    const federation = freshFederationName();
    await prepare(federation, ['aws']);
    expect(await checkEndpoints(connection, ['z-absent', `${federation}-aws`, 'a-absent'])).toEqual([
      'z-absent',
      'a-absent',
    ]);
  });
});
