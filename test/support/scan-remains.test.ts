/** The scan finds what is planted, wherever a federation could leave it, and says nothing of what it found. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Connection } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { approverKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { makeFolder } from './local-federation.js';
import { leaveRemainsOfProgram } from './remains.js';
import { scanEverything } from './scan-everything.js';
import { scanRemains } from './scan-remains.js';
import { scratchFolder } from './scratch-folder.js';
import { WordSearch } from './word-search.js';

const credential = 'Zm9v/secret+key of aws';
const sealed = 'Plumbago Cartography';

async function remains(name: string, plant: Readonly<Record<string, string>> = {}): Promise<string> {
  const root = scratchFolder();
  const files = {
    'words.json': JSON.stringify({ name, secrets: [credential], sealed: [sealed] }),
    'exchange/aws/documents/0': '{"nothing":"here"}',
    'logs/worker-aws.log': '{"msg":"worker polls"}\n',
    ...plant,
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name, file)), { recursive: true });
    await writeFile(path.join(root, name, file), text);
  }
  return root;
}

/** A server with one execution in the namespace. */
function serverWith(namespace: string, execution: object, event: object): Connection {
  const none = new Uint8Array();
  return {
    workflowService: {
      listNamespaces: () => Promise.resolve({ namespaces: [{ namespaceInfo: { name: namespace } }] }),
      listWorkflowExecutions: () =>
        Promise.resolve({ executions: [{ execution: { workflowId: 'review/1' }, ...execution }], nextPageToken: none }),
      getWorkflowExecutionHistory: () => Promise.resolve({ history: { events: [event] }, nextPageToken: none }),
    },
  } as unknown as Connection;
}

const payload = (value: unknown): object => ({ data: new TextEncoder().encode(JSON.stringify(value)) });

describe('the scan after a suite', () => {
  it('finds nothing where nothing was left', async () => {
    const scan = await scanRemains(await remains('test-1'), serverWith('test-1-aws', {}, { input: payload('quiet') }));
    expect(scan).toMatchObject({ federations: 1, files: 2, histories: 1, words: 2, findings: [] });
  });

  const jws = `${Buffer.from('{}').toString('base64url')}.${Buffer.from(`{"a":"x${sealed}"}`).toString('base64url')}.`;
  it.each([
    ['a document of the exchange store', { 'exchange/aws/documents/1': `{"password":"${credential}"}` }],
    ['the payload of a message', { 'exchange/aws/messages/1': jws }],
    ['the log of a worker', { 'logs/worker-sov.log': `{"err":"${sealed} is not allowed"}` }],
    ['a history that was kept of a server that is gone', { 'histories/demo-aws-1': `review/1\n${sealed}` }],
    ['the log of a server', { 'logs/temporal-server.log': `password ${credential}` }],
    ['the name of a file', { [`exchange/aws/${sealed}`]: '' }],
  ])('finds one word in %s', async (_where, plant) => {
    const { findings } = await scanRemains(await remains('test-1', plant), null);
    expect(findings).toMatchObject([{ words: 1 }]);
    expect(JSON.stringify(findings)).not.toContain(credential);
  });

  it.each([
    ['a payload of a history', {}, { input: { payloads: [payload({ leaked: sealed })] } }],
    ['a summary', {}, { userMetadata: { summary: payload(`asks for ${sealed}`) } }],
    ['a memo', { memo: { fields: { note: payload(credential) } } }, {}],
    ['a search attribute', { searchAttributes: { indexedFields: { Who: payload(credential) } } }, {}],
    ['a workflow id', { execution: { workflowId: `link/${sealed}` } }, {}],
  ])('finds one word in %s', async (_where, execution, event) => {
    const { findings } = await scanRemains(await remains('test-1'), serverWith('test-1', execution, event));
    expect(findings).toMatchObject([{ words: 1 }]);
  });

  it('takes a sealed value of one federation for an ordinary value of another, and a credential for neither', async () => {
    const root = await remains('test-1');
    const leaks = (text: string) => scanRemains(root, serverWith('test-2', {}, { input: payload(text) }));
    expect((await leaks(sealed)).findings).toEqual([]);
    expect((await leaks(credential)).findings).toHaveLength(1);
  });

  it('finds a word at every place in a longer text that was encoded as base64', () => {
    const search = new WordSearch([credential]);
    for (let before = 0; before < 6; before += 1)
      for (const encoding of ['base64', 'base64url'] as const)
        for (const after of ['', 'y', 'yy', 'yyy']) {
          const text = Buffer.from(`${'x'.repeat(before)}${credential}${after}`).toString(encoding);
          expect(search.in(Buffer.from(text)).size, `${before} ${encoding} ${after.length}`).toBe(1);
        }
  });
});

describe('the end of a suite', () => {
  it('fails where something was left behind, says where and not what, and leaves nothing of it', async () => {
    const root = await remains('test-1', { 'logs/worker-sov.log': `{"err":"${sealed}"}` });
    const { exitCode } = process;
    const ended = await scanEverything(root, null).catch((error: unknown) => String(error));
    expect(process.exitCode).toBe(1);
    process.exitCode = exitCode;
    expect(ended).toContain('1 in test-1/logs/worker-sov.log');
    expect(ended).not.toContain(sealed);
    expect(existsSync(root)).toBe(false);
  });

  it('passes where nothing was', async () => {
    const { exitCode } = process;
    await scanEverything(await remains('test-1'), null);
    expect(process.exitCode).toBe(exitCode);
  });
});

describe('what a program leaves that starts clouds and workers for itself', () => {
  const secret = 'secret of the stand-in 4711';
  /** The stores and logs are taken out of the folder each time. */
  const program = async (federationFolder: string, plant: Readonly<Record<string, string>>): Promise<string> => {
    const cloud = { environment: { AWS_SECRET_ACCESS_KEY: secret } };
    const key = await readKeyFile(approverKeyFile(federationFolder, 'you'));
    const files = {
      '.concordat/logs/clouds.log': `${JSON.stringify({ aws: cloud, entra: cloud, keystone: cloud })}\n`,
      '.concordat/exchange/aws/documents/0': '{}',
      ...Object.fromEntries(
        Object.entries(plant).map(([file, text]) => [file, text.replace('KEY', () => (key as { d?: string }).d ?? '')]),
      ),
    };
    for (const [file, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(federationFolder, file)), { recursive: true });
      await writeFile(path.join(federationFolder, file), text);
    }
    const root = scratchFolder();
    await leaveRemainsOfProgram('demo', federationFolder, root);
    return root;
  };

  it('is looked at, with its own credentials and keys as the words', async () => {
    const federationFolder = path.join(scratchFolder(), 'federation');
    await makeFolder(federationFolder, { members: ['aws', 'sov'] });
    const clean = await scanRemains(await program(federationFolder, {}), null);
    expect(clean).toMatchObject({ federations: 1, files: 1, findings: [] });
    expect(clean.words).toBeGreaterThan(8);
    const planted = {
      '.concordat/logs/worker-aws.log': `{"err":"${secret}"}`,
      '.concordat/exchange/aws/1': '{"d":"KEY"}',
    };
    const { findings } = await scanRemains(await program(federationFolder, planted), null);
    expect(findings.map(({ place }) => place).sort()).toEqual(['demo/exchange/aws/1', 'demo/logs/worker-aws.log']);
  });
});
