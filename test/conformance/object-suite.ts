/**
 * What every store of objects must get out of its files of records, whoever keeps the objects: the cases of all stores of
 * records, and those of one object put anew under a condition.
 */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connector } from '../../activities/connectors/connector.js';
import type { Mesh } from '../../core/federation/authority.js';
import { objectChangesCases } from '../systems/support/object-changes.js';
import { missingWords, type AvailableSystem, type MissingSystem } from '../support/systems/system.js';
import { batchCases } from './batch-cases.js';
import { recordedHolds } from './pace-cases.js';
import { recordCases } from './record-cases.js';
import { holdsEveryValue, sampleMap } from './record-types.js';
import { collect, endsIn } from './scene.js';
import { describeWorld } from './suite.js';
import { connectorFor, systemWorld, type World } from './world.js';
import { describeParts } from './parts-suite.js';

type Files = Extract<Mesh, { readonly files: object }>['files'];

export interface Answered {
  readonly status: number;
  /** In the words of the store, where it has one. */
  readonly code?: string;
}

export interface ObjectWorld {
  readonly name: string;
  /** What the cases of all stores of records are held over: one object a type, or parts. One that is slow need not show both. */
  readonly layouts?: readonly ('files' | 'parts')[];
  readonly valueRuns?: number;
  /** Without its methods: the suite empties it, and whoever started it stops it. */
  readonly system: Pick<AvailableSystem, 'name' | 'version' | 'environment'>;
  /** Of the container that `emptied` makes, where all names begin with `daily/`. */
  mesh(files: Files): Mesh;
  /** The same in a container that is not there. */
  nowhere(files: Files): Mesh;
  /** The same where every request for an object goes to this port of 127.0.0.1. */
  through(files: Files, port: number): Mesh;
  /** Where those requests go on to. */
  readonly origin: string;
  /** Before the name of the object, in what people are told. */
  readonly label: string;
  /** The container is there, and there is nothing in it. */
  emptied(): Promise<void>;
  put(name: string, bytes: string | Buffer): Promise<void>;
  held(name: string): Promise<string>;
  remove(name: string): Promise<void>;
  /** As somebody else than the connector; what the store keeps beside the bytes comes with it. */
  putWithMore(name: string, text: string): Promise<void>;
  /** Fails where it is not there any more. */
  expectMore(name: string): Promise<void>;
  readonly busy: Answered;
  readonly forbidden: Answered;
  readonly rejected: Answered;
  /** Of an answer with that code. */
  fault(answer: Answered): { readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

const jsonLines: Files = {
  parcel: { file: 'parcels.jsonl', format: 'jsonLines', key: ['id'] },
  pair: { file: 'pairs.jsonl', format: 'jsonLines', key: ['left', 'right'] },
};
/** Formats are the business of code that all stores share, so each of the two layouts has one. */
const partsOfCsv: Files = {
  parcel: { parts: 'parcels/', format: 'csv', key: ['id'] },
  pair: { parts: 'pairs/', format: 'csv', key: ['left', 'right'] },
};

const read = async (connector: Connector, cursor?: string) => {
  const items = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  return {
    ends: endsIn(items),
    objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])),
  };
};

/** So small that the rows of a case come to lie in several. */
const partBytesMax = 240;

/** Declares all of it, or one skipped test where the system is missing. */
export function describeObjectStore(name: string, attempt: ObjectWorld | MissingSystem): void {
  if ('kind' in attempt) {
    describe(name, () => {
      it('is not here', (context) => context.skip(missingWords(attempt)));
    });
    return;
  }
  const world = attempt;
  const connectorOver = (mesh: Mesh, pageSize = 2): Connector =>
    connectorFor(mesh, world.system.environment, { pageSize });

  for (const layout of world.layouts ?? (['files', 'parts'] as const))
    describeWorld(
      `${name} ${layout}`,
      [],
      () => {
        const reset = async (): Promise<void> => {
          await world.emptied();
          const parts = layout === 'files' ? [''] : ['/part-0', '/part-1'];
          for (const part of parts) {
            await world.put(`parcels${part}.${extension}`, layout === 'parts' ? 'id,name,note\n' : '');
            await world.put(`pairs${part}.${extension}`, layout === 'parts' ? 'left,right,note\n' : '');
          }
        };
        const extension = layout === 'files' ? 'jsonl' : 'csv';
        const mesh = world.mesh(layout === 'files' ? jsonLines : partsOfCsv);
        // The suite ends its world; the system is ended once for the whole file.
        const ends = { reset, stop: async () => undefined };
        const attempted = systemWorld(
          { kind: 'available', ...world.system, endpoint: world.origin, mesh, ...ends },
          [],
        );
        if (!attempted.available) return Promise.resolve(attempted);
        const { world: usual } = attempted;
        const own: World = { ...usual, connector: (wishes) => usual.connector({ partBytesMax, ...wishes }) };
        return Promise.resolve({ available: true, world: own });
      },
      [],
      undefined,
      [...recordCases, ...batchCases],
    );

  describe(`objects of ${name}`, () => {
    beforeEach(async () => {
      await world.emptied();
      await world.put('pairs.jsonl', '');
    });
    const usual = (): Connector => connectorOver(world.mesh(jsonLines));

    it('hold values of every kind', async () => {
      await world.put('samples.jsonl', '');
      const files: Files = { sample: { file: 'samples.jsonl', format: 'jsonLines', key: ['id'] } };
      await holdsEveryValue(connectorOver(world.mesh(files)), jsonLinesMap, world.valueRuns ?? 5);
    });

    it('keep the bytes of every other row, and what the store knows of them beside', async () => {
      const [first, second] = ['\ufeff{"id": "a",  "name":1.50}\r\n', '{"id":"b","note":"x"}'];
      await world.putWithMore('parcels.jsonl', first + second);
      const connector = usual();
      const before = { id: 'b', note: 'x' };
      const after = { id: 'b', note: 'y' };
      expect(await connector.write({ kind: 'update', type: 'parcel', id: 'b', before, after })).toMatchObject({
        kind: 'applied',
      });
      expect(await world.held('parcels.jsonl')).toBe(`${first}{"id":"b","note":"y"}`);
      await world.expectMore('parcels.jsonl');
      await connector.write({ kind: 'delete', type: 'parcel', id: 'b', before: after, deletionMayRemove: [] });
      const [a] = (await read(connector)).objects;
      await connector.write({ kind: 'delete', type: 'parcel', id: 'a', before: a?.body ?? {}, deletionMayRemove: [] });
      expect(await world.held('parcels.jsonl')).toBe('');
    });

    it('that are not there, hold a row that nobody can read or a row without a key are incomplete and not empty', async () => {
      const connector = usual();
      expect((await read(connector)).ends).toEqual(['parcel: scopeNotFound', 'pair']);
      expect(await connector.probe()).toMatchObject({ reachable: true, code: 'scopeNotFound' });
      expect(await connector.write({ kind: 'create', type: 'parcel', after: { id: 'a' } })).toMatchObject({
        kind: 'refused',
        code: 'scopeNotFound',
      });
      for (const bad of ['{"id":"b"', '{"name":"no key"}', '[1]', Buffer.from([0x7b, 0xff])]) {
        await world.put('parcels.jsonl', Buffer.concat([Buffer.from('{"id":"a"}\n'), Buffer.from(bad)]));
        expect((await read(connector)).ends).toEqual(['parcel: rowUnreadable', 'pair']);
      }
      const nowhere = connectorOver(world.nowhere(jsonLines));
      expect((await read(nowhere)).ends).toEqual(['parcel: scopeNotFound', 'pair: scopeNotFound']);
    });

    it('that hold a key twice show one opaque row, which is not written', async () => {
      await world.put('parcels.jsonl', '{"id":"a","note":"1"}\n{"id":"a","note":"2"}\n');
      const connector = usual();
      expect((await read(connector)).objects.at(-1)?.opaque).toMatch(/more than one row/);
      const before = { id: 'a', note: '1' };
      const write = { kind: 'delete', type: 'parcel', id: 'a', before, deletionMayRemove: [] } as const;
      expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
    });

    it('are read as they were when the read began, and a read that is resumed on another version begins again', async () => {
      await world.put('parcels.jsonl', ['a', 'b', 'c', 'd', 'e'].map((id) => `{"id":"${id}"}\n`).join(''));
      const ids: string[] = [];
      let cursor: string | undefined;
      for await (const item of usual().readAll({})) {
        cursor ??= item.cursor;
        if (item.kind === 'objects') ids.push(...item.objects.map(({ id }) => id));
        await world.put('parcels.jsonl', '{"id":"z"}\n');
      }
      expect(ids).toEqual(['a', 'b', 'c', 'd', 'e']);
      await expect(read(usual(), cursor)).rejects.toMatchObject({ code: 'cursorLost' });
    });

    it('that somebody changes between the copy and the put keep that change: the row is put into what stands there now', async () => {
      await world.put('parcels.jsonl', '{"id":"a"}\n');
      const announced: string[] = [];
      const write = { kind: 'create', type: 'parcel', after: { id: 'b' } } as const;
      const answer = await usual().write(write, async ({ target }) => {
        announced.push(target);
        await world.put('parcels.jsonl', '{"id":"c"}\n');
      });
      expect(answer).toEqual({ kind: 'applied', id: 'b' });
      expect(announced).toEqual([`${world.label}daily/parcels.jsonl b`]);
      expect(await world.held('parcels.jsonl')).toBe('{"id":"c"}\n{"id":"b"}\n');
      const late = await usual().write({ ...write, after: { id: 'd' } }, () =>
        world.put('parcels.jsonl', '{"id":"d","note":"theirs"}\n'),
      );
      expect(late).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
      expect(await world.held('parcels.jsonl')).toBe('{"id":"d","note":"theirs"}\n');
      const gone = await usual().write({ ...write, after: { id: 'e' } }, () => world.remove('parcels.jsonl'));
      expect(gone).toMatchObject({ kind: 'refused', code: 'scopeNotFound' });
    });
  });

  describe(`changes of objects of ${name}`, () => {
    beforeEach(() => world.emptied());
    objectChangesCases({
      connector: () => connectorOver({ ...world.mesh(jsonLines), changes: { fullReadEvery: 24 } } as Mesh),
      put: (type, text) => world.put(`${type}s.jsonl`, text),
      remove: (type) => world.remove(`${type}s.jsonl`),
    });
  });

  describeParts({
    name,
    connector: (files, wishes) => connectorFor(world.mesh(files), world.system.environment, wishes),
    following: (files) => connectorOver({ ...world.mesh(files), changes: { fullReadEvery: 24 } } as Mesh),
    emptied: () => world.emptied(),
    put: (file, text) => world.put(file, text),
    held: (file) => world.held(file),
    remove: (file) => world.remove(file),
  });

  describe(`between the connector and ${name}`, () => {
    let server: Server;
    const seen: string[] = [];
    type Met = Answered | 'lost' | 'cut' | undefined;
    let meet: (method: string) => Met = () => undefined;
    /** With a fault. */
    let asks: Readonly<Record<string, string>> = {};

    beforeEach(async () => {
      asks = {};
      await world.emptied();
      await world.put('parcels.jsonl', '{"id":"a"}\n{"id":"b"}\n');
      await world.put('pairs.jsonl', '');
      seen.length = 0;
      meet = () => undefined;
      const target = new URL(world.origin);
      server = createServer((incoming, outgoing) => {
        const { method = '', url, headers } = incoming;
        seen.push(method);
        const met = meet(method);
        if (met !== undefined && typeof met !== 'string') {
          incoming.resume();
          const fault = world.fault(met);
          outgoing.writeHead(met.status, { ...fault.headers, ...asks });
          outgoing.end(fault.body);
          return;
        }
        const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
          if (met === 'lost') {
            answer.resume().once('end', () => outgoing.destroy());
            return;
          }
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          if (met === 'cut')
            answer.once('data', (chunk: Buffer) => outgoing.write(chunk.subarray(0, 12), () => outgoing.destroy()));
          else answer.pipe(outgoing);
        });
        // Swift says more than it should after the answer to a HEAD: what was passed on stays.
        passed.on('error', () => {
          if (!outgoing.headersSent) outgoing.destroy();
        });
        incoming.pipe(passed);
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    });
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    });
    const through = (): Connector => connectorOver(world.through(jsonLines, (server.address() as AddressInfo).port), 1);
    const create = { kind: 'create', type: 'parcel', after: { id: 'c' } } as const;

    it('a lost answer to a put is unknown and the put is sent once; one that was asked to wait is sent again', async () => {
      meet = (method) => (method === 'PUT' ? 'lost' : undefined);
      expect(await through().write(create)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
      expect(seen.filter((method) => method === 'PUT')).toHaveLength(1);
      expect(await world.held('parcels.jsonl')).toContain('{"id":"c"}');
      let slow = 0;
      meet = (method) => (method === 'PUT' && (slow += 1) <= 2 ? world.busy : undefined);
      expect(await through().write({ ...create, after: { id: 'd' } })).toEqual({ kind: 'applied', id: 'd' });
    });

    // S3 says that it is busy, and never for how long.
    it.skipIf(name === 's3')('what a busy store asks to wait is heeded by all that wait for a turn', async () => {
      const { makePace, holds } = recordedHolds();
      const mesh = world.through(jsonLines, (server.address() as AddressInfo).port);
      asks = { 'retry-after': '0' };
      let slow = 0;
      meet = (method) => (method === 'PUT' && (slow += 1) <= 2 ? world.busy : undefined);
      const connector = connectorFor(mesh, world.system.environment, { makePace });
      expect(await connector.write(create)).toEqual({ kind: 'applied', id: 'c' });
      expect(holds).toEqual([0, 0]);
    });

    it('an object that is cut short is a failed read and no shorter list', async () => {
      meet = (method) => (method === 'GET' ? 'cut' : undefined);
      await expect(read(through())).rejects.toMatchObject({ code: 'unreachable' });
      expect(await through().write(create)).toMatchObject({ kind: 'refused', code: 'unreachable' });
      meet = () => undefined;
      expect(await world.held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"b"}\n');
    });

    it('what is forbidden is told by the probe, ends the scope as incomplete, and refuses the write', async () => {
      meet = (method) => (method === 'PUT' ? world.forbidden : undefined);
      const [reads, puts] = (await through().probe()).permissions;
      expect([reads?.held, puts?.held]).toEqual([true, false]);
      const answer = await through().write(create);
      expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
      expect(JSON.stringify(answer)).not.toContain('secret');
      meet = (method) => (method === 'GET' ? world.forbidden : undefined);
      expect((await read(through())).ends).toEqual(['parcel: forbidden', 'pair: forbidden']);
      meet = () => world.rejected;
      expect(await through().probe()).toMatchObject({
        reachable: true,
        authenticated: false,
        code: 'credentialsRejected',
      });
    });

    it('a probe writes nothing', async () => {
      await through().probe();
      expect(seen).toContain('PUT');
      expect(await world.held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"b"}\n');
    });
  });
}

/** JSON Lines hold numbers of any size, and everything else that JSON has no word for as text. */
export const jsonLinesMap = sampleMap({
  long: [{ number: 'json' }],
  amount: [{ number: 'json' }],
  price: [{ number: 'json' }],
  weight: [{ number: 'json' }, { unit: 'kg', times: '1000' }],
  localAt: [{ epoch: 'second' }],
  raw: [{ bytes: 'hex' }],
  tags: [{ set: true }],
});
